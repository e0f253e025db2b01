import type { TimerChange, TopicOutput } from "../../protocols/commit-record.ts";
import { encode } from "../../protocols/codec.ts";
import { envelopeTo, type Envelope } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { formatActorId, ID_PATTERN, partitionOf, type ActorId, type Partition } from "../../protocols/ids.ts";
import { JOB_BYTES_MAX, type JobSpec } from "../../protocols/job.ts";
import { job as jobProtocol, type JobOrder } from "../../protocols/messages/job.ts";
import type { AnyAgent, Verdict } from "../actor/agent.ts";
import type { CallContext, CallSpec } from "../actor/call.ts";
import type { AgentOf, AskEffects } from "../actor/effects.ts";
import { type AnyJobTerms, jobStart } from "../actor/job.ts";
import { type ActorRef, ref } from "../actor/reference.ts";
import type { Heard, Question, TransientRequest } from "../actor/transient.ts";
import type { Activation } from "./activation.ts";
import { HEADER_PART, type Header } from "./header.ts";
import { ABSENT, PartView, type PartValue } from "./part-log.ts";

/** What a scope needs of the partition it runs in. */
export interface ScopeHost {
  readonly partition: Partition;
  readonly partitions: number;
  readonly nowMs: number;
  activate(kind: string, key: string): Activation;
  pinned(kind: string): boolean;
  nextDecisionId(): string;
  random(): number;
  seal(value: unknown, about: string, bytesMax: number): Uint8Array | null;
  consult<Request, Answer>(
    agent: AgentOf<Request, Answer>,
    request: Request,
    part: unknown,
    seed: string,
    nowMs: number,
    heard?: Heard,
  ): Verdict<Answer>;
  /** Whether an agent outside may be asked now. */
  admits(agent: AnyAgent): boolean;
  snapshot(topic: string): { readonly version: number; readonly value: unknown } | undefined;
}

export interface AddressedEnvelope {
  readonly to: ActorId;
  readonly envelope: Envelope;
  /** Encoded payload, where it takes the bus; 0 for a local one. */
  readonly bytes: number;
}

/** Bytes of tells, rows and topics one envelope may collect: its record has to fit a message of 8 MB with what else is in it (D2). */
const EFFECT_BYTES_MAX = 5 * 1024 * 1024;
const NO_REPLY = Symbol("no reply yet");
const NONE: readonly never[] = [];

/** The list with one entry more; the shared empty one stays empty. */
function grown<T>(list: readonly T[], entry: T): readonly T[] {
  if (list === NONE) return [entry];
  (list as T[]).push(entry);
  return list;
}

/**
 * Collects what one envelope does: changes of parts, timers, tells, outputs, a reply. E1: nothing here is visible to any other envelope
 * until the group takes the scope over; a throw drops it whole (D11).
 */
export class EffectScope implements AskEffects<unknown> {
  readonly self: ActorId;
  readonly #host: ScopeHost;
  readonly #activation: Activation;
  readonly #asked: boolean;
  /** What agents outside answered, in an ask's second turn. */
  readonly #heard: readonly Heard[] | null;
  #questions: readonly Question[] | null = null;
  readonly #changes = new Map<Activation, Map<string, PartValue>>();
  // Most envelopes cause none of these: a list is made with its first entry.
  timers: readonly TimerChange[] = NONE;
  tells: readonly AddressedEnvelope[] = NONE;
  rows: readonly Uint8Array[] = NONE;
  topics: readonly TopicOutput[] = NONE;
  orders: readonly JobOrder[] = NONE;
  snapshotsRead: Map<string, number> | null = null;
  #forgotten: Set<Activation> | null = null;
  #reply: unknown = NO_REPLY;
  #bytes = 0;

  constructor(host: ScopeHost, activation: Activation, asked: boolean, heard: readonly Heard[] | null = null) {
    this.#host = host;
    this.#activation = activation;
    this.#asked = asked;
    this.#heard = heard;
    this.self = activation.id;
  }

  get key(): string {
    return this.self.key;
  }
  get partition(): Partition {
    return this.#host.partition;
  }
  get partitions(): number {
    return this.#host.partitions;
  }
  get nowMs(): number {
    return this.#host.nowMs;
  }
  get changes(): ReadonlyMap<Activation, ReadonlyMap<string, PartValue>> {
    return this.#changes;
  }
  get replied(): boolean {
    return this.#reply !== NO_REPLY;
  }
  get answer(): unknown {
    return this.#reply === NO_REPLY ? undefined : this.#reply;
  }

  random(): number {
    return this.#host.random();
  }

  decisionId(): string {
    return this.#host.nextDecisionId();
  }

  tell(to: ActorRef, type: string, payload: unknown): void {
    this.#tell(to, type, payload);
  }

  call<Input, Output>(to: { readonly key: string }, call: CallSpec<Input, Output>, input: Input): Output {
    const target = this.#host.activate(call.kind, to.key);
    if (target === this.#activation) throw new Fault("EFFECT_REFUSED", `${formatActorId(this.self)} calls itself`);
    if (target.definition.pinned !== true && partitionOf(to.key, this.#host.partitions) !== this.partition) {
      throw new Fault("EFFECT_REFUSED", `call of ${call.kind}/${to.key}, which lives in another partition`);
    }
    const before = this.stateOf(target);
    const context: CallContext = {
      key: to.key,
      nowMs: this.nowMs,
      tell: (receiver, type, payload) => this.#tell(receiver, type, payload),
      setTimer: (name, dueMs) => this.#setTimer(target, name, dueMs),
    };
    const result = call.run(before as never, input, context);
    this.put(target, before, result.state);
    return result.output;
  }

  setTimer(name: string, dueMs: number): void {
    this.#setTimer(this.#activation, name, dueMs);
  }

  cancelTimer(name: string): void {
    const header = this.headerOf(this.#activation);
    const dueMs = header.timers[name];
    if (dueMs === undefined) return;
    const { [name]: _dropped, ...rest } = header.timers;
    this.putHeader(this.#activation, { ...header, timers: rest });
    this.timers = grown(this.timers, { dueMs, kind: this.self.kind, key: this.self.key, name, set: false });
  }

  consult<Request, Answer>(
    agent: AgentOf<Request, Answer>,
    request: Request,
    part: unknown,
    seed: string,
    heard?: Heard,
  ): Verdict<Answer> {
    const verdict = this.#host.consult<Request, Answer>(agent, request, part, seed, this.nowMs, heard);
    for (const { topic, version } of verdict.read ?? []) (this.snapshotsRead ??= new Map()).set(topic, version);
    return verdict;
  }

  requestTransient(
    agents: readonly AnyAgent[],
    compose: (agent: AnyAgent) => TransientRequest | null,
  ): readonly Heard[] | null {
    if (this.#heard !== null) return this.#heard;
    if (!this.#asked || this.replied)
      throw new Fault("EFFECT_REFUSED", `${formatActorId(this.self)} asks agents outside, and nobody waits for it`);
    const questions: Question[] = [];
    for (const agent of agents) {
      if (!this.#host.admits(agent)) {
        questions.push({ agent, request: null });
        continue;
      }
      const request = compose(agent);
      if (request !== null) questions.push({ agent, request });
    }
    if (questions.every(({ request }) => request === null))
      return questions.map(({ agent }) => ({ agent, outcome: "open", hearing: undefined, micros: 0 }));
    this.#questions = questions;
    return null;
  }

  /** What an ask's first turn wants to know. @throws Fault EFFECT_REFUSED when it changed anything: it runs once more. */
  get questions(): readonly Question[] | null {
    if (this.#questions === null) return null;
    const changed = this.#changes.size + this.timers.length + this.tells.length + this.rows.length + this.topics.length;
    if (changed > 0 || this.replied)
      throw new Fault("EFFECT_REFUSED", `${formatActorId(this.self)} changes something before agents outside answered`);
    return this.#questions;
  }

  snapshot<Value>(topic: string): { readonly version: number; readonly value: Value } | undefined {
    const snapshot = this.#host.snapshot(topic);
    if (snapshot !== undefined) (this.snapshotsRead ??= new Map()).set(topic, snapshot.version);
    return snapshot as { readonly version: number; readonly value: Value } | undefined;
  }

  record(row: unknown): void {
    this.rows = grown(this.rows, this.#bounded(encode(row), "a row"));
  }

  seal(value: unknown, about: string, bytesMax: number): Uint8Array | null {
    return this.#host.seal(value, about, bytesMax);
  }

  publish(topic: string, version: number, value: unknown): void {
    this.topics = grown(this.topics, { topic, version, bytes: this.#bounded(encode(value), `topic ${topic}`) });
  }

  startJob(job: JobSpec, input: unknown, terms: AnyJobTerms): string {
    const jobId = this.decisionId();
    const { byteLength } = this.#bounded(encode(input), `the input of the job ${job.name}`);
    if (byteLength > JOB_BYTES_MAX)
      throw new Fault(
        "ENVELOPE_TOO_LARGE",
        `the input of the job ${job.name} has ${byteLength} bytes, allowed are ${JOB_BYTES_MAX}`,
      );
    this.#tell(ref(jobProtocol, jobId, this.partition), "Start", jobStart(job, input, terms, this.nowMs));
    return jobId;
  }

  cancelJob(jobId: string): void {
    this.#tell(ref(jobProtocol, jobId, this.partition), "Cancel", {});
  }

  orderJob(order: JobOrder): void {
    this.orders = grown(this.orders, order);
  }

  forget(): void {
    (this.#forgotten ??= new Set()).add(this.#activation);
    for (const name of this.#activation.names("")) this.#put(this.#activation, name, ABSENT);
    for (const name of Object.keys(this.headerOf(this.#activation).timers)) this.cancelTimer(name);
    this.#put(this.#activation, HEADER_PART, ABSENT);
  }

  reply(answer: unknown): void {
    if (!this.#asked) throw new Fault("EFFECT_REFUSED", `${formatActorId(this.self)} replies to a tell`);
    if (this.replied) throw new Fault("EFFECT_REFUSED", `${formatActorId(this.self)} replies twice`);
    this.#reply = answer;
  }

  /** The state a handler or call gets: this scope's changes over what is resident. */
  stateOf(activation: Activation): unknown {
    if (activation.definition.parts !== undefined) {
      return new PartView({
        read: (name) => this.#read(activation, name),
        names: (prefix) => this.#names(activation, prefix),
      });
    }
    const value = this.#read(activation, "");
    return value === ABSENT ? activation.definition.state?.initial(activation.id.key) : value;
  }

  /** Takes over what a handler or call returned; the same reference means unchanged. */
  put(activation: Activation, before: unknown, after: unknown): void {
    if (after === before || this.#forgotten?.has(activation) === true) return;
    if (after instanceof PartView) {
      for (const [name, value] of after.changes()) this.#put(activation, name, value);
      return;
    }
    if (activation.definition.parts !== undefined) {
      throw new Fault(
        "EFFECT_REFUSED",
        `${formatActorId(activation.id)} returned something else than its table of parts`,
      );
    }
    this.#put(activation, "", after);
  }

  headerOf(activation: Activation): Header {
    const changed = this.#changes.get(activation)?.get(HEADER_PART);
    return changed === undefined || changed === ABSENT ? activation.header : (changed as Header);
  }

  putHeader(activation: Activation, header: Header): void {
    this.#put(activation, HEADER_PART, header);
  }

  #read(activation: Activation, name: string): PartValue {
    return this.#changes.get(activation)?.get(name) ?? activation.read(name);
  }

  #names(activation: Activation, prefix: string): string[] {
    const names = new Set(activation.names(prefix));
    for (const [name, value] of this.#changes.get(activation) ?? []) {
      if (!name.startsWith(prefix) || name === HEADER_PART) continue;
      if (value === ABSENT) names.delete(name);
      else names.add(name);
    }
    return [...names].sort();
  }

  #put(activation: Activation, name: string, value: PartValue): void {
    let changes = this.#changes.get(activation);
    if (changes === undefined) {
      changes = new Map();
      this.#changes.set(activation, changes);
    }
    changes.set(name, value);
  }

  #setTimer(activation: Activation, name: string, dueMs: number): void {
    if (!Number.isSafeInteger(dueMs) || dueMs < 0)
      throw new Fault("EFFECT_REFUSED", `timer ${name} is due at ${dueMs}, not a time in milliseconds`);
    const header = this.headerOf(activation);
    const previousMs = header.timers[name];
    if (previousMs === dueMs) return;
    const { kind, key } = activation.id;
    if (previousMs !== undefined) this.timers = grown(this.timers, { dueMs: previousMs, kind, key, name, set: false });
    this.timers = grown(this.timers, { dueMs, kind, key, name, set: true });
    this.putHeader(activation, { ...header, timers: { ...header.timers, [name]: dueMs } });
  }

  #tell(to: ActorRef, type: string, payload: unknown): void {
    const kind = to.protocol.name;
    if (!ID_PATTERN.test(to.key))
      throw new Fault("EFFECT_REFUSED", `key ${JSON.stringify(to.key)} of ${kind} must match ${ID_PATTERN}`);
    if (this.#host.pinned(kind) && to.partition === undefined)
      throw new Fault("EFFECT_REFUSED", `${kind} is pinned: name its partition`);
    const partition = to.partition ?? partitionOf(to.key, this.#host.partitions);
    const id: ActorId = { kind, key: to.key, partition };
    const envelope = envelopeTo(id, type, payload);
    const bytes =
      partition === this.partition ? 0 : this.#bounded(encode(payload), `${type} to ${formatActorId(id)}`).byteLength;
    this.tells = grown(this.tells, { to: id, envelope, bytes });
  }

  #bounded(bytes: Uint8Array, what: string): Uint8Array {
    this.#bytes += bytes.byteLength;
    if (this.#bytes <= EFFECT_BYTES_MAX) return bytes;
    throw new Fault(
      "ENVELOPE_TOO_LARGE",
      `with ${what} (${bytes.byteLength} bytes) one envelope of ${formatActorId(this.self)} causes ${this.#bytes} bytes, allowed are ${EFFECT_BYTES_MAX}`,
    );
  }
}
