import { decode, encode } from "../../protocols/codec.ts";
import { decodeRecord, type CommitRecord } from "../../protocols/commit-record.ts";
import { fromWireFault } from "../../protocols/errors.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import { asPartition, partitionOf, type ActorId, type Partition } from "../../protocols/ids.ts";
import type { Sealer } from "../../protocols/state-part.ts";
import type { CallSpec } from "../../runtime/actor/call.ts";
import type { AnyActor } from "../../runtime/actor/define.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import type { Heard } from "../../runtime/actor/transient.ts";
import { CircuitBreaker, type CircuitView } from "../../runtime/core/circuit.ts";
import type { AskOutcome } from "../../runtime/core/dispatcher.ts";
import { ParkedAsks } from "../../runtime/core/parked-asks.ts";
import { SUPERVISOR_KIND, type SupervisorAct, type SupervisorAnswer } from "../../runtime/core/partition-supervisor.ts";
import { NO_ATTEMPT_LOG, type Suspect } from "../../runtime/core/attempt.ts";
import { HandlerWatch } from "../../runtime/core/handler-watch.ts";
import { viewDeadLetter, type NamedLetter } from "../../runtime/core/inspection.ts";
import { PartitionCore } from "../../runtime/core/partition-core.ts";
import type { Clock, Opening, StateReader, TimerRow } from "../../runtime/core/ports.ts";
import { SnapshotTable } from "../../runtime/core/snapshot-table.ts";
import { type AskedOutside, type OutsideSays, TwoTurnAsk } from "./two-turn-ask.ts";

export interface SentMessage {
  readonly to: ActorId;
  readonly type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into payloads of many shapes
  readonly payload: any;
}

export interface KitOptions {
  readonly nowMs?: number;
  readonly key?: string;
  readonly partition?: number;
  readonly partitions?: number;
  /** State to begin with: the value, or the parts by name. */
  readonly state?: unknown;
  readonly parts?: Readonly<Record<string, unknown>>;
  /** Other actors that live in the same partition; messages to any other kind are only noted. */
  readonly others?: readonly AnyActor[];
  readonly snapshots?: Readonly<Record<string, { readonly version: number; readonly value: unknown }>>;
  /** What agents outside answer in `ask` (D15). */
  readonly outside?: (asked: AskedOutside) => OutsideSays;
}

/** An ask whose first turn has run. */
export interface BegunAsk {
  readonly questions: TwoTurnAsk["questions"];
  hear(role: string, says: OutsideSays): void;
  /** Runs the second turn, after the time of those agents that were not heard. @returns the answer. @throws the Fault. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of many shapes
  end(): any;
}

const ASK_MS = 60_000;
const OUTSIDE = { outsideRequestsMax: 1_024, outsideBytesMax: 8_388_608 };

/** Sealing that keeps the bytes: unit tests look at state, not at cryptography. */
export const openSealer: Sealer = { seal: (plain) => plain, open: (sealed) => sealed };

/** A clock that stands until a test moves it. */
export class KitClock implements Clock {
  now: number;
  #monotonic = 0;
  constructor(nowMs: number) {
    this.now = nowMs;
  }
  nowMs(): number {
    return this.now;
  }
  monotonicMs(): number {
    return this.#monotonic;
  }
  advance(ms: number): void {
    this.now += ms;
    this.#monotonic += ms;
  }
}

/**
 * Runs one actor of a definition in the real partition machinery on a virtual clock: every message is one group whose record goes
 * through its encoding and back into the state that `crashAndRecover` restores.
 */
export class ActorKit {
  readonly clock: KitClock;
  readonly id: ActorId;
  readonly snapshots = new SnapshotTable();
  readonly records: CommitRecord[] = [];
  /** What went to the node's pool of jobs, in order. */
  readonly orders: JobOrder[] = [];
  readonly events: { kind: string; event: string; details: Record<string, unknown> }[] = [];
  readonly #registry: Map<string, AnyActor>;
  readonly #partitions: number;
  readonly #stored = new Map<string, Uint8Array>();
  readonly #timers = new Map<string, TimerRow>();
  readonly #noted: SentMessage[] = [];
  readonly #outside: KitOptions["outside"];
  #circuits: CircuitBreaker;
  #parked: ParkedAsks;
  #core: PartitionCore;
  #incarnation = 0;

  constructor(definition: AnyActor, options: KitOptions) {
    this.clock = new KitClock(options.nowMs ?? 0);
    this.#partitions = options.partitions ?? 16;
    const key = options.key ?? "key";
    const partition =
      options.partition === undefined ? partitionOf(key, this.#partitions) : asPartition(options.partition);
    this.id = { kind: definition.protocol.name, key, partition };
    this.#registry = new NotingRegistry([definition, ...(options.others ?? []), caller], this.#noted);
    for (const [topic, { version, value }] of Object.entries(options.snapshots ?? {}))
      this.snapshots.put(topic, version, value);
    this.#outside = options.outside;
    this.#circuits = new CircuitBreaker(this.clock, this.snapshots);
    this.#parked = new ParkedAsks(this.clock, this.#circuits, OUTSIDE);
    this.#core = this.#recover();
    const parts = options.parts ?? (options.state === undefined ? {} : { "": options.state });
    const activation = this.#core.activate(this.id.kind, this.id.key);
    for (const [name, value] of Object.entries(parts)) {
      activation.set(name, value);
      const bytes = activation.encode(name);
      if (bytes !== null) this.#stored.set(storedKey(this.id.kind, key, name), bytes);
    }
  }

  /** Delivers a tell with everything it causes within the partition. */
  tell(type: string, payload: unknown, to: { kind?: string; key?: string } = {}): void {
    const envelope = { kind: to.kind ?? this.id.kind, key: to.key ?? this.id.key, type, payload: roundTrip(payload) };
    this.#core.intake.queue.push(this.#core.intake.queue.newestSequence + 1, mailOf(this.id.partition, envelope));
    this.#core.intake.apply(1);
    this.#close();
  }

  /** @returns the answer. @throws the Fault that an asker would get. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of many shapes
  ask(type: string, payload: unknown, to: { kind?: string; key?: string } = {}): any {
    const begun = this.begin(type, payload, to);
    for (const asked of begun.questions) begun.hear(asked.question.role, this.#outside?.(asked) ?? "gone");
    return begun.end();
  }

  /** Runs the first turn of an ask; it is the only one where no agent outside has to be waited for. */
  begin(type: string, payload: unknown, to: { kind?: string; key?: string } = {}): BegunAsk {
    const envelope = { kind: to.kind ?? this.id.kind, key: to.key ?? this.id.key, type, payload: roundTrip(payload) };
    const turn = (heard: readonly Heard[] | null): AskOutcome => {
      const outcome = this.#core.ask(envelope, heard);
      this.#close();
      return outcome;
    };
    const pass = (untilMs: number): void => this.advance(Math.max(0, untilMs - this.clock.monotonicMs()));
    const ask = new TwoTurnAsk(this.#parked, turn, this.id.partition, this.clock.now + ASK_MS, pass);
    return {
      questions: ask.questions,
      hear: (role, says) => ask.hear(role, says),
      end: () => answerOf(ask.end()),
    };
  }

  /** Runs a synchronous call of the actor as another actor of the partition would. */
  call<Input, Output>(spec: CallSpec<Input, Output>, input: Input, key = this.id.key): Output {
    const run = (fx: AskEffects<unknown>): unknown => fx.call({ key }, spec, input);
    const outcome = this.#core.ask({ kind: caller.protocol.name, key: "caller", type: "Run", payload: run });
    this.#close();
    return answerOf(outcome) as Output;
  }

  /** Messages that left the actor, to other partitions or to kinds that are not part of this kit, in order. */
  sent(type?: string): SentMessage[] {
    return this.#noted.filter((message) => type === undefined || message.type === type);
  }

  /** The actor's value, or undefined when it does not exist. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  get state(): any {
    return this.part("");
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  part(name: string, of: { kind?: string; key?: string } = {}): any {
    const value = this.#core.activate(of.kind ?? this.id.kind, of.key ?? this.id.key).read(name);
    return typeof value === "symbol" ? undefined : value;
  }

  partNames(prefix = ""): string[] {
    return this.#core.activate(this.id.kind, this.id.key).names(prefix);
  }

  get timers(): Readonly<Record<string, number>> {
    return this.#core.activate(this.id.kind, this.id.key).header.timers;
  }

  get counters(): PartitionCore["counters"] {
    return this.#core.counters;
  }

  /** Rows of the decision log, decoded. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  get rows(): any[] {
    return this.records.flatMap((record) => record.decisions.map((row) => decode(row)));
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  published(topic: string): { version: number; value: any }[] {
    return this.records.flatMap((record) =>
      record.topics
        .filter((output) => output.topic === topic)
        .map(({ version, bytes }) => ({ version, value: decode(bytes) })),
    );
  }

  /** Moves the clock and fires what comes due, in order of time. */
  advance(ms: number): void {
    const untilMs = this.clock.now + ms;
    // Those of paused and stopped actors stay, however often they are looked at.
    const held = new Set<TimerRow>();
    for (;;) {
      const waiting = [...this.#timers.values()].filter((timer) => !held.has(timer));
      const nextMs = Math.min(...waiting.map(({ dueMs }) => dueMs), Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) break;
      this.clock.advance(Math.max(0, nextMs - this.clock.now));
      this.#core.fireTimers(1_000);
      this.#close();
      const left = new Set(this.#timers.values());
      for (const timer of waiting) if (timer.dueMs <= this.clock.now && left.has(timer)) held.add(timer);
    }
    this.clock.advance(untilMs - this.clock.now);
  }

  /**
   * Forgets everything in memory and starts again from what the records wrote.
   * @param deadly what threads died in too often.
   */
  crashAndRecover(deadly: readonly Suspect[] = []): void {
    this.#circuits = new CircuitBreaker(this.clock, this.snapshots);
    this.#parked = new ParkedAsks(this.clock, this.#circuits, OUTSIDE);
    this.#core = this.#recover(deadly);
    this.#close();
  }

  /** What an operator has done in the actor's partition. */
  act(wanted: SupervisorAct): SupervisorAnswer {
    return this.ask(wanted.act, wanted, { kind: SUPERVISOR_KIND }) as SupervisorAnswer;
  }

  get core(): PartitionCore {
    return this.#core;
  }

  /** Restarts with another definition of the same kind: a new release, or other settings. */
  under(definition: AnyActor): this {
    this.#registry.set(definition.protocol.name, definition);
    this.crashAndRecover();
    return this;
  }

  /** A dead letter of the actor's partition. */
  letter(id: string): NamedLetter | null {
    return viewDeadLetter(this.#core, id);
  }

  /** What the consulted agents did since the last start. */
  get circuits(): readonly CircuitView[] {
    return this.#circuits.view();
  }

  #close(): void {
    const result = this.#core.close(0);
    if (result?.closed == null) return;
    const record = decodeRecord(result.closed.bytes);
    this.records.push(record);
    this.orders.push(...result.closed.orders);
    for (const { kind, key, part, bytes } of record.states) {
      if (bytes === null) this.#stored.delete(storedKey(kind, key, part));
      else this.#stored.set(storedKey(kind, key, part), bytes);
    }
    for (const timer of record.timers) {
      const key = `${timer.dueMs} ${storedKey(timer.kind, timer.key, timer.name)}`;
      if (timer.set) this.#timers.set(key, timer);
      else this.#timers.delete(key);
    }
    for (const run of record.outbox) {
      for (const { kind, key, type, payload } of run.envelopes)
        this.#noted.push({ to: { kind, key, partition: run.to }, type, payload });
    }
  }

  #recover(deadly: readonly Suspect[] = []): PartitionCore {
    const last = this.records.at(-1);
    const opening: Opening = {
      partition: this.id.partition,
      incarnation: ++this.#incarnation,
      generation: 1,
      epoch: last?.epoch ?? 0,
      commitSeq: last?.commitSeq ?? 0,
      position: null,
      received: [],
      sent: lastSent(this.records),
      shipped: 0,
      published: 0,
      nowMs: last?.nowMs ?? 0,
      retained: [],
    };
    const environment = {
      partitions: this.#partitions,
      registry: this.#registry,
      reader: this.#reader(),
      sealer: openSealer,
      recordBytesMax: 1_048_576,
      clock: this.clock,
      circuits: this.#circuits,
      snapshots: this.snapshots,
      watch: new HandlerWatch(this.clock),
      emit: (kind: string, event: string, details: Record<string, unknown>) =>
        void this.events.push({ kind, event, details }),
      attempts: NO_ATTEMPT_LOG,
    };
    const core = new PartitionCore(environment, opening, opening.epoch + 1, deadly);
    core.intake.bindStream("kit");
    return core;
  }

  #reader(): StateReader {
    const names = (start: string): string[] => [...this.#stored.keys()].filter((key) => key.startsWith(start)).sort();
    return {
      read: (_partition, _generation, kind, key, part) => this.#stored.get(storedKey(kind, key, part)),
      parts: (_partition, _generation, kind, key, prefix) => {
        const start = storedKey(kind, key, "");
        return names(start + prefix).map((name) => name.slice(start.length));
      },
      keys: (_partition, _generation, kind, after, limit) => {
        const keys = new Set(names(`${kind}\u0000`).map((name) => name.split("\u0000")[1] ?? ""));
        return [...keys].filter((key) => key > after).slice(0, limit);
      },
      timers: (_partition, _generation, fromMs, untilMs) =>
        [...this.#timers.values()]
          .filter(({ dueMs }) => dueMs >= fromMs && dueMs <= untilMs)
          .sort((a, b) => a.dueMs - b.dueMs),
      refresh: () => undefined,
    };
  }
}

/** Makes one actor of a definition for a unit test. */
export function activate(definition: AnyActor | { readonly protocol: unknown }, options: KitOptions = {}): ActorKit {
  return new ActorKit(definition as AnyActor, options);
}

/** Runs what it is given, so that a test can make a synchronous call. */
const caller: AnyActor = {
  protocol: { name: "test-caller", messages: {} },
  state: { version: 1, schema: undefined as never, initial: () => ({}) },
  handlers: {
    Run: (state: unknown, run: (fx: AskEffects<unknown>) => unknown, fx: AskEffects<unknown>) => {
      fx.reply(run(fx));
      return state;
    },
  },
};

/** Knows every kind: those without a definition note what they are sent. */
class NotingRegistry extends Map<string, AnyActor> {
  readonly #noted: SentMessage[];

  constructor(definitions: readonly AnyActor[], noted: SentMessage[]) {
    super(definitions.map((definition) => [definition.protocol.name, definition]));
    this.#noted = noted;
  }

  override get(kind: string): AnyActor {
    const known = super.get(kind);
    if (known !== undefined) return known;
    const note = (type: string) => (state: unknown, payload: unknown, fx: { self: ActorId }) => {
      this.#noted.push({ to: fx.self, type, payload });
      return state;
    };
    const handlers = new Proxy(
      {},
      {
        get: (_target, type) => note(String(type)),
        getOwnPropertyDescriptor: (_target, type) => ({
          configurable: true,
          enumerable: true,
          value: note(String(type)),
        }),
      },
    );
    return {
      protocol: { name: kind, messages: {} },
      state: { version: 1, schema: undefined as never, initial: () => ({}) },
      handlers,
    };
  }
}

function mailOf(
  receiver: Partition,
  envelope: { kind: string; key: string; type: string; payload: unknown },
): Uint8Array {
  return encode([1, [["ingress", receiver, 0, [[envelope.kind, envelope.key, envelope.type, envelope.payload]]]]]);
}

function lastSent(records: readonly CommitRecord[]): [Partition, number][] {
  const sent = new Map<Partition, number>();
  for (const record of records) for (const [to, sequence] of record.sent) sent.set(to, sequence);
  return [...sent];
}

/** What a payload looks like after the wire. */
function answerOf(outcome: AskOutcome): unknown {
  if ("fault" in outcome) throw fromWireFault(outcome.fault);
  if ("questions" in outcome) throw new Error("a second turn asks nobody");
  return outcome.answer;
}

function roundTrip(payload: unknown): unknown {
  return typeof payload === "function" ? payload : decode(encode(payload));
}

function storedKey(kind: string, key: string, part: string): string {
  return `${kind}\u0000${key}\u0000${part}`;
}
