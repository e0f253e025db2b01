import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { AnyAgent } from "../actor/agent.ts";
import type { Heard, Hearing, Question, TransientRequest } from "../actor/transient.ts";
import type { CircuitBreaker } from "./circuit.ts";
import type { Clock } from "./ports.ts";
import type { Ask, ShardAction, TransientOutcome } from "./shard-messages.ts";

export interface ParkingSettings {
  /** Questions to agents outside that one shard has under way, and their bytes. */
  readonly outsideRequestsMax: number;
  readonly outsideBytesMax: number;
}

export interface ParkedFigures {
  readonly waiting: number;
  /** Questions whose answer would still be taken note of, and their bytes. */
  readonly requests: number;
  readonly requestBytes: number;
  /** Asks refused so far because four of their actor waited already. */
  readonly refused: number;
}

interface Parked {
  readonly ask: Ask;
  readonly heard: Heard[];
  /** Questions that are not settled. */
  left: number;
  readonly queue: Ask[];
}

interface UnderWay {
  readonly parked: Parked;
  readonly agent: AnyAgent;
  readonly request: TransientRequest;
  readonly sentMs: number;
  readonly dueMs: number;
  /** Its time is up and its ask went on. */
  overdue: boolean;
}

/** Asks of one actor that wait while one of it is parked; the next is refused (D15). */
const QUEUED_MAX = 4;
/** What deciding, flushing and answering need of an ask's time after the last answer. */
const AFTERWARDS_MS = 10;
/** So long after its time an answer is still taken note of, as ignored. */
const OVERDUE_MS = 1_000;

/**
 * Asks that wait for agents outside (D15). Owns the questions under way and their deadlines, not the sending. W1: an ask goes on
 * exactly once: when the last of its questions is settled by an answer, a failure or its deadline; or is dropped with its partition.
 * W2: nothing here is durable, and everything is bounded: questions, bytes, asks queued behind one.
 */
export class ParkedAsks {
  readonly #clock: Clock;
  readonly #circuits: CircuitBreaker;
  readonly #settings: ParkingSettings;
  readonly #parked = new Map<string, Parked>();
  readonly #underWay = new Map<number, UnderWay>();
  readonly #ready: Parked[] = [];
  #actions: ShardAction[] = [];
  #bytes = 0;
  #request = 0;
  #refused = 0;
  /** Nothing falls due before. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, circuits: CircuitBreaker, settings: ParkingSettings) {
    this.#clock = clock;
    this.#circuits = circuits;
    this.#settings = settings;
  }

  /** Asks parked, those that can go on included. */
  get size(): number {
    return this.#parked.size;
  }

  get figures(): ParkedFigures {
    const { size: requests } = this.#underWay;
    return { waiting: this.#parked.size, requests, requestBytes: this.#bytes, refused: this.#refused };
  }

  /** Lets an ask wait if another of its actor is parked. @returns null if none is, else whether there was room. */
  queue(ask: Ask): boolean | null {
    if (this.#parked.size === 0) return null;
    const parked = this.#parked.get(keyOf(ask));
    if (parked === undefined) return null;
    if (parked.queue.length >= QUEUED_MAX) {
      this.#refused++;
      return false;
    }
    parked.queue.push(ask);
    return true;
  }

  /**
   * Asks the questions of an ask's first turn.
   * @returns what is known already where nobody has to be waited for: the ask may go on at once. Null: it is parked.
   */
  park(ask: Ask, questions: readonly Question[]): readonly Heard[] | null {
    const parked: Parked = { ask, heard: [], left: 0, queue: [] };
    for (const { agent, request } of questions) {
      if (request === null) parked.heard.push({ agent, outcome: "open", hearing: undefined, micros: 0 });
      else this.#send(parked, agent, request);
    }
    if (parked.left === 0) return parked.heard;
    this.#parked.set(keyOf(ask), parked);
    return null;
  }

  /** What became of a question. One that is not known any more belonged to a partition that was dropped. */
  settled(request: number, outcome: TransientOutcome): void {
    const question = this.#underWay.get(request);
    if (question === undefined) return;
    this.#forget(request, question);
    const { agent, overdue } = question;
    if (overdue) {
      if (outcome.type === "answered") this.#circuits.ignored(agent);
      return;
    }
    const [hearing, error] = readOf(question.request, outcome);
    this.#hear(question, hearing, hearing === undefined ? "failed" : "answered", error);
  }

  /** Puts those on whose time is up. */
  expire(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const [request, question] of this.#underWay) {
      const dueMs = question.overdue ? question.dueMs + OVERDUE_MS : question.dueMs;
      if (nowMs < dueMs) {
        this.#dueMs = Math.min(this.#dueMs, dueMs);
      } else if (question.overdue) {
        this.#forget(request, question);
      } else {
        question.overdue = true;
        this.#dueMs = Math.min(this.#dueMs, question.dueMs + OVERDUE_MS);
        const { timeoutMs } = question.request;
        this.#hear(question, undefined, "late", `no answer within ${timeoutMs} ms`);
      }
    }
  }

  /** The next ask that can go on; it stays until `release`. */
  next(): { readonly ask: Ask; readonly heard: readonly Heard[] } | undefined {
    return this.#ready[0];
  }

  /** The ask that `next` named has run. @returns those that waited behind it, in their order. */
  release(): readonly Ask[] {
    const parked = this.#ready.shift();
    if (parked === undefined) return [];
    this.#parked.delete(keyOf(parked.ask));
    return parked.queue;
  }

  /** Drops what belongs to a partition. @returns its asks: nobody will answer them. */
  drop(partition: Partition): readonly Ask[] {
    const dropped: Ask[] = [];
    for (const [key, parked] of this.#parked) {
      if (parked.ask.partition !== partition) continue;
      this.#parked.delete(key);
      const at = this.#ready.indexOf(parked);
      if (at !== -1) this.#ready.splice(at, 1);
      dropped.push(parked.ask, ...parked.queue);
    }
    for (const [request, question] of this.#underWay)
      if (question.parked.ask.partition === partition) this.#forget(request, question);
    return dropped;
  }

  /** Questions to send. */
  takeActions(): readonly ShardAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** When a question's time may be up, on the monotonic clock; Infinity = none is under way. */
  wakeAtMs(): number {
    return this.#dueMs;
  }

  #send(parked: Parked, agent: AnyAgent, request: TransientRequest): void {
    const { outsideRequestsMax, outsideBytesMax } = this.#settings;
    const bytes = request.bytes.byteLength;
    const leftMs = parked.ask.deadlineMs - this.#clock.nowMs() - AFTERWARDS_MS;
    const timeoutMs = Math.min(request.timeoutMs, Math.floor(leftMs));
    const hasRoom = this.#underWay.size < outsideRequestsMax && this.#bytes + bytes <= outsideBytesMax;
    if (timeoutMs < 1 || !hasRoom) {
      this.#circuits.passesOver(agent);
      parked.heard.push({ agent, outcome: hasRoom ? "late" : "failed", hearing: undefined, micros: 0 });
      return;
    }
    const sentMs = this.#clock.monotonicMs();
    const number = ++this.#request;
    const question = { parked, agent, request: { ...request, timeoutMs }, sentMs, dueMs: sentMs + timeoutMs };
    this.#circuits.asks(agent);
    this.#underWay.set(number, { ...question, overdue: false });
    this.#bytes += bytes;
    this.#dueMs = Math.min(this.#dueMs, question.dueMs);
    parked.left++;
    const { subject, contentType } = request;
    const waitMs = timeoutMs + OVERDUE_MS;
    this.#actions.push({ type: "request", request: number, subject, contentType, bytes: request.bytes, waitMs });
  }

  #hear(
    { parked, agent, sentMs }: UnderWay,
    hearing: Hearing | undefined,
    outcome: "answered" | "failed" | "late",
    error: string | null,
  ): void {
    this.#circuits.asked(agent, outcome, error);
    const micros = Math.round((this.#clock.monotonicMs() - sentMs) * 1_000);
    parked.heard.push({ agent, outcome, hearing, micros });
    if (--parked.left === 0) this.#ready.push(parked);
  }

  #forget(request: number, question: UnderWay): void {
    this.#underWay.delete(request);
    this.#bytes -= question.request.bytes.byteLength;
  }
}

function readOf(request: TransientRequest, outcome: TransientOutcome): [Hearing | undefined, string | null] {
  if (outcome.type === "failed") return [undefined, outcome.reason];
  try {
    return [request.read(outcome.bytes, outcome.contentType), null];
  } catch (error) {
    return [undefined, error instanceof Error ? error.message : String(error)];
  }
}

const keyOf = ({ partition, kind, key }: Ask): string => `${partition}/${kind}/${key}`;

/** What an ask hears that came while too many of its actor wait. */
export const queueFull = ({ kind, key }: Ask): Fault =>
  new Fault("OVERLOADED", `${QUEUED_MAX} asks of ${kind}/${key} wait for an agent outside already`);
