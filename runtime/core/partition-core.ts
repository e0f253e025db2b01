import { decodeRecord, type CommitRecord } from "../../protocols/commit-record.ts";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import type { Envelope } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { hashNumbers } from "../../protocols/hash.ts";
import type { Partition } from "../../protocols/ids.ts";
import { packValue } from "../../protocols/packed-value.ts";
import type { Sealer } from "../../protocols/state-part.ts";
import type { AnyAgent, Verdict } from "../actor/agent.ts";
import type { AnyActor } from "../actor/define.ts";
import type { AgentOf } from "../actor/effects.ts";
import type { Heard } from "../actor/transient.ts";
import { Activation, type PartReader } from "./activation.ts";
import type { ActorSupervision } from "./actor-supervision.ts";
import type { CircuitBreaker } from "./circuit.ts";
import { DEAD_LETTER_KIND, letterName, type DeadLetterCause } from "./dead-letter.ts";
import { DeadLetters, DEAD_LETTERS_MAX } from "./dead-letters.ts";
import { Dispatcher, type AskOutcome } from "./dispatcher.ts";
import type { HandlerWatch } from "./handler-watch.ts";
import { DeadlyAttempts, type AttemptLog, type Suspect } from "./attempt.ts";
import { MailIntake, type IntakeHost, type MailPlace } from "./mail-intake.ts";
import { OpenRecord, type ClosedRecord } from "./open-record.ts";
import { Overlay } from "./overlay.ts";
import { PartitionSupervisor, SUPERVISOR_KIND, type PartitionSupervisorHost } from "./partition-supervisor.ts";
import type { Clock, Opening, StateReader, TimerRow } from "./ports.ts";
import { randomStream } from "./random-stream.ts";
import { Residency } from "./residency.ts";
import type { SnapshotTable } from "./snapshot-table.ts";
import { Suspensions, SUSPENSION_KIND, SUSPENSIONS_MAX } from "./suspensions.ts";
import { TimerQueue, timerReader } from "./timer-queue.ts";

/** What a partition shares with the others of its shard. */
export interface PartitionEnvironment {
  readonly partitions: number;
  readonly registry: ReadonlyMap<string, AnyActor>;
  readonly reader: StateReader;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** Bytes of one record above which its group is cut (D1). */
  readonly recordBytesMax: number;
  readonly circuits: CircuitBreaker;
  readonly snapshots: SnapshotTable;
  readonly watch: HandlerWatch;
  readonly emit: (kind: string, event: string, details: Record<string, unknown>) => void;
  /** Tells the daemon what is being handled, so that a death counts against it (D11). */
  readonly attempts: AttemptLog;
}

export interface PartitionCounters {
  envelopes: number;
  duplicates: number;
  dropped: number;
  deadLetters: number;
  stashed: number;
  failed: number;
  /** Values that were too large to be kept sealed. */
  oversized: number;
}

/**
 * One open partition on its shard: actors, mail, timers, counters, and the open record of the current group. Owns no I/O.
 * P1: what a record changes is read back from here until it is folded.
 */
export class PartitionCore implements PartitionSupervisorHost, IntakeHost, PartReader {
  readonly partition: Partition;
  readonly epoch: number;
  readonly incarnation: number;
  readonly overlay = new Overlay();
  readonly residency = new Residency();
  readonly timers = new TimerQueue();
  readonly intake: MailIntake;
  readonly suspensions: Suspensions;
  readonly deadly: DeadlyAttempts;
  readonly letters: DeadLetters;
  readonly attempts: AttemptLog;
  readonly watch: HandlerWatch;
  readonly counters: PartitionCounters = {
    envelopes: 0,
    duplicates: 0,
    dropped: 0,
    deadLetters: 0,
    stashed: 0,
    failed: 0,
    oversized: 0,
  };
  readonly #environment: PartitionEnvironment;
  readonly #generation: number;
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: PartitionSupervisor;
  readonly #readTimers: ReturnType<typeof timerReader>;
  readonly #sent: Map<Partition, number>;
  #commitSeq: number;
  #floorMs: number;
  #open: OpenRecord | null = null;
  #random: (() => number) | null = null;
  #published: number;

  /** @param deadly what must not run again: threads died in it (D11). */
  constructor(environment: PartitionEnvironment, opening: Opening, epoch: number, deadly: readonly Suspect[] = []) {
    this.#environment = environment;
    this.partition = opening.partition;
    this.epoch = epoch;
    this.incarnation = opening.incarnation;
    this.#generation = opening.generation;
    this.#commitSeq = opening.commitSeq;
    this.#floorMs = opening.nowMs;
    this.#published = opening.published;
    this.#sent = new Map(opening.sent);
    this.deadly = new DeadlyAttempts(deadly);
    this.attempts = environment.attempts;
    this.watch = environment.watch;
    this.suspensions = new Suspensions(this.#suspended());
    const { partition, generation } = opening;
    this.letters = new DeadLetters(
      environment.reader.keys(partition, generation, DEAD_LETTER_KIND, "", DEAD_LETTERS_MAX),
    );
    this.intake = new MailIntake(this, opening);
    this.intake.paused = this.suspensions.mail;
    this.#dispatcher = new Dispatcher(this);
    this.#supervisor = new PartitionSupervisor(this, this.#dispatcher);
    this.#readTimers = timerReader(environment.reader, opening.partition, opening.generation);
    for (const suspect of this.deadly.asked) {
      this.#begin();
      this.#dispatcher.stopDeadly(suspect);
    }
  }

  get partitions(): number {
    return this.#environment.partitions;
  }
  get nowMs(): number {
    return this.open().nowMs;
  }
  get commitSeq(): number {
    return this.#commitSeq;
  }
  get generation(): number {
    return this.#generation;
  }
  open(): OpenRecord {
    if (this.#open === null) {
      this.#floorMs = Math.max(this.#floorMs, this.#environment.clock.nowMs());
      const base = {
        partition: this.partition,
        epoch: this.epoch,
        commitSeq: this.#commitSeq,
        published: this.#published,
      };
      this.#open = new OpenRecord(base, this.#floorMs);
    }
    return this.#open;
  }

  /** @param heard see `Dispatcher.ask`. */
  ask(envelope: Envelope, heard: readonly Heard[] | null = null): AskOutcome {
    this.#begin();
    const { kind, key, type } = envelope;
    this.attempts.ask(this.partition, kind, key, type);
    const outcome = kind === SUPERVISOR_KIND ? this.#supervisor.ask(envelope) : this.#dispatcher.ask(envelope, heard);
    this.attempts.done();
    return outcome;
  }

  /** Fires what is due, at most `limit` timers. @returns how many fired. */
  fireTimers(limit: number): number {
    const nowMs = Math.max(this.#floorMs, this.#environment.clock.nowMs());
    this.timers.scan(nowMs, this.#readTimers);
    let fired = 0;
    for (; fired < limit && this.hasRoom(); fired++) {
      const row = this.timers.take(nowMs);
      if (row === undefined) break;
      this.#begin();
      this.#dispatcher.timer(row);
      this.attempts.done();
    }
    return fired;
  }

  apply(envelope: Envelope, origin: string, place: MailPlace): void {
    this.#begin();
    this.attempts.mail(this.partition, place.sequence, place.index);
    this.#dispatcher.tell(envelope, origin);
    this.attempts.done();
  }

  abandon(envelope: Envelope, origin: string, suspect: Suspect): void {
    this.#begin();
    this.#dispatcher.abandon(envelope, origin, suspect);
  }

  /** Mail waits, or a timer (or the next look for timers) is due. */
  hasWork(nowMs: number): boolean {
    return (!this.intake.waits && this.intake.queue.length > 0) || this.timers.nextMs() <= nowMs;
  }

  hasRoom(): boolean {
    return this.#open === null || this.#open.cuttingBytes < this.#environment.recordBytesMax;
  }

  /** Ends the group for this partition; null when nothing has to become durable (replies can leave at once). */
  close(published: number): { readonly closed: ClosedRecord | null; readonly open: OpenRecord } | null {
    const open = this.#open;
    if (open === null) return null;
    this.#open = null;
    this.#published = published;
    if (open.changesNothing) return { closed: null, open };
    const closed = open.close(this.#sent, this.intake.position);
    this.#commitSeq = closed.record.commitSeq;
    this.#remember(closed.record);
    return { closed, open };
  }

  /** The store folded up to `commitSeq`; the reader has been refreshed. */
  folded(commitSeq: number): void {
    this.overlay.folded(commitSeq);
    this.timers.folded(commitSeq);
  }

  deadLetter(cause: DeadLetterCause): void {
    const open = this.open();
    const id = open.deadLetter(cause);
    this.counters.deadLetters++;
    const { to, type, error } = cause;
    const letter = letterName(this.partition, id);
    this.event(to.kind, "dead-letter", { key: to.key, type, code: error.code, letter });
    const oldest = this.letters.add(id, open);
    if (oldest !== undefined)
      this.event("partition", "dead-letter-dropped", { letter: letterName(this.partition, oldest) });
  }

  *siblings(kind: string): Iterable<Activation> {
    for (const activation of this.residency.values()) if (activation.id.kind === kind) yield activation;
  }

  holdTimer(row: TimerRow): void {
    this.timers.hold(row, this.#commitSeq + 1);
  }

  rescanTimers(): void {
    this.timers.rescan();
  }

  defines(kind: string): boolean {
    return this.#environment.registry.has(kind);
  }

  pauseMail(paused: boolean): void {
    this.intake.paused = paused;
  }

  activate(kind: string, key: string): Activation {
    let activation = this.residency.get(kind, key);
    if (activation === undefined) {
      const definition = this.#environment.registry.get(kind);
      if (definition === undefined) throw new Fault("HANDLER_UNKNOWN", `no actor of kind ${kind} on this node`);
      activation = new Activation({ kind, key, partition: this.partition }, definition, this, this.#environment.sealer);
      activation.sinceMs = this.#floorMs;
      this.residency.add(activation);
    }
    activation.lastUsedMs = this.#floorMs;
    return activation;
  }

  pinned(kind: string): boolean {
    return this.#environment.registry.get(kind)?.pinned === true;
  }

  nextDecisionId(): string {
    const open = this.open();
    const index = open.decisionIndex++;
    return decisionIdOf({
      nowMs: open.nowMs,
      partition: this.partition,
      epoch: this.epoch,
      commitSeq: this.#commitSeq + 1,
      index,
    });
  }

  random(): number {
    this.#random ??= randomStream(hashNumbers(this.partition, this.epoch, this.#commitSeq + 1, this.open().envelopes));
    return this.#random();
  }

  consult<Request, Answer>(
    agent: AgentOf<Request, Answer>,
    request: Request,
    part: unknown,
    seed: string,
    nowMs: number,
    heard?: Heard,
  ): Verdict<Answer> {
    return this.#environment.circuits.consult<Answer>(agent, request, part, seed, nowMs, heard);
  }

  admits(agent: AnyAgent): boolean {
    return this.#environment.circuits.admits(agent);
  }

  seal(value: unknown, about: string, bytesMax: number): Uint8Array | null {
    const sealed = this.#environment.sealer.seal(packValue(value), about);
    if (sealed.byteLength <= bytesMax) return sealed;
    this.counters.oversized++;
    return null;
  }

  snapshot(topic: string): { readonly version: number; readonly value: unknown } | undefined {
    return this.#environment.snapshots.get(topic);
  }

  event(kind: string, event: string, details: Record<string, unknown>): void {
    this.#environment.emit(kind, event, { partition: this.partition, ...details });
  }

  get supervision(): ActorSupervision {
    return this.#dispatcher.supervision;
  }

  count(counter: keyof PartitionCounters): void {
    this.counters[counter]++;
  }

  read(kind: string, key: string, part: string): Uint8Array | undefined {
    const newer = this.overlay.get(kind, key, part);
    if (newer !== undefined) return newer ?? undefined;
    return this.#environment.reader.read(this.partition, this.#generation, kind, key, part);
  }

  parts(kind: string, key: string, prefix: string): string[] {
    const stored = this.#environment.reader.parts(this.partition, this.#generation, kind, key, prefix);
    return this.overlay.mergeParts(kind, key, prefix, stored);
  }

  /** Rows of what does not run here; an opening has folded all there is. */
  #suspended(): Uint8Array[] {
    const { reader } = this.#environment;
    return reader.keys(this.partition, this.#generation, SUSPENSION_KIND, "", SUSPENSIONS_MAX).flatMap((key) => {
      const bytes = reader.read(this.partition, this.#generation, SUSPENSION_KIND, key, "");
      return bytes === undefined ? [] : [bytes];
    });
  }

  #begin(): void {
    this.#random = null;
    this.counters.envelopes++;
    this.open().envelopes++;
  }

  #remember(record: CommitRecord): void {
    for (const change of record.states) this.overlay.put(change, record.commitSeq);
    for (const change of record.timers) this.timers.set(change, record.commitSeq);
  }
}

/** Decodes the records an opening kept, oldest first. */
export function retainedRecords(opening: Opening): { readonly record: CommitRecord; readonly bytes: Uint8Array }[] {
  return opening.retained.map(({ bytes }) => ({ record: decodeRecord(bytes), bytes }));
}
