import { decodeRecord, type CommitRecord, type MailPosition } from "../../protocols/commit-record.ts";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { INGRESS, type Envelope, type Run, type Sender } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { hashNumbers } from "../../protocols/hash.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { Sealer } from "../../protocols/state-part.ts";
import type { Verdict } from "../actor/agent.ts";
import type { AnyActor } from "../actor/define.ts";
import type { AgentOf } from "../actor/effects.ts";
import { Activation, type PartReader } from "./activation.ts";
import type { CircuitBreaker } from "./circuit.ts";
import type { SupervisionHost } from "./actor-supervision.ts";
import { Dispatcher, type AskOutcome } from "./dispatcher.ts";
import { MailQueue } from "./mail-queue.ts";
import { OpenRecord, type ClosedRecord } from "./open-record.ts";
import { Overlay } from "./overlay.ts";
import type { Clock, Opening, StateReader } from "./ports.ts";
import { randomStream } from "./random-stream.ts";
import { Residency } from "./residency.ts";
import type { SnapshotTable } from "./snapshot-table.ts";
import { TimerQueue, timerReader } from "./timer-queue.ts";

/** What a partition shares with the others of its shard. */
export interface PartitionEnvironment {
  readonly partitions: number;
  readonly registry: ReadonlyMap<string, AnyActor>;
  readonly reader: StateReader;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly circuits: CircuitBreaker;
  readonly snapshots: SnapshotTable;
  readonly emit: (kind: string, event: string, details: Record<string, unknown>) => void;
  /** Tells the supervisor which envelope is being handled, so that a death counts against it (D11). */
  readonly attempt: (
    attempt: { readonly partition: Partition; readonly sequence: number; readonly index: number } | null,
  ) => void;
}

export interface PartitionCounters {
  envelopes: number;
  duplicates: number;
  dropped: number;
  deadLetters: number;
  stashed: number;
  failed: number;
}

/** An envelope a thread died in, and how often. */
export interface Suspect {
  readonly sequence: number;
  readonly index: number;
  readonly deaths: number;
}

/** Deaths of a thread in one envelope before it becomes a dead letter unrun. */
const DEATHS_MAX = 3;

/**
 * One open partition on its shard: actors, mail, timers, counters, and the open record of the current group. Owns no I/O.
 * P1: an envelope of a sender is applied once, in its order (D4). P2: what a record changes is read back from here until it is folded.
 */
export class PartitionCore implements SupervisionHost, PartReader {
  readonly partition: Partition;
  readonly epoch: number;
  readonly incarnation: number;
  readonly overlay = new Overlay();
  readonly residency = new Residency();
  readonly timers = new TimerQueue();
  readonly mail: MailQueue;
  readonly counters: PartitionCounters = {
    envelopes: 0,
    duplicates: 0,
    dropped: 0,
    deadLetters: 0,
    stashed: 0,
    failed: 0,
  };
  readonly #environment: PartitionEnvironment;
  readonly #generation: number;
  readonly #dispatcher: Dispatcher;
  readonly #received: Map<Sender, number>;
  readonly #sent: Map<Partition, number>;
  #commitSeq: number;
  #position: MailPosition | null;
  #floorMs: number;
  #open: OpenRecord | null = null;
  #random: (() => number) | null = null;
  #published: number;
  #suspect: Suspect | null;
  /** Newest message of which every envelope was applied; it may be acknowledged once its commit's outputs are (D2 step 5). */
  finishedSequence = 0;
  gap: { readonly sender: Sender; readonly expected: number; readonly found: number } | null = null;

  constructor(environment: PartitionEnvironment, opening: Opening, epoch: number, suspect: Suspect | null = null) {
    this.#environment = environment;
    this.partition = opening.partition;
    this.epoch = epoch;
    this.incarnation = opening.incarnation;
    this.#generation = opening.generation;
    this.#commitSeq = opening.commitSeq;
    this.#position = opening.position;
    this.#floorMs = opening.nowMs;
    this.#published = opening.published;
    this.#received = new Map(opening.received);
    this.#sent = new Map(opening.sent);
    this.#suspect = suspect;
    this.mail = new MailQueue(opening.position?.sequence ?? 0);
    this.#dispatcher = new Dispatcher(this);
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
  get position(): MailPosition | null {
    return this.#position;
  }
  get generation(): number {
    return this.#generation;
  }
  /** The open record, if this group touched the partition. */
  get openRecord(): OpenRecord | null {
    return this.#open;
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

  ask(envelope: Envelope): AskOutcome {
    this.#begin();
    return this.#dispatcher.ask(envelope);
  }

  /** Fires what is due, at most `limit` timers. @returns how many fired. */
  fireTimers(limit: number): number {
    const nowMs = Math.max(this.#floorMs, this.#environment.clock.nowMs());
    this.timers.scan(nowMs, timerReader(this.#environment.reader, this.partition, this.#generation));
    let fired = 0;
    for (; fired < limit; fired++) {
      const row = this.timers.take(nowMs);
      if (row === undefined) break;
      this.#begin();
      this.#dispatcher.timer(row);
    }
    return fired;
  }

  /** Applies at most `limit` envelopes of waiting mail. @returns how many were looked at. */
  applyMail(limit: number): number {
    let looked = 0;
    while (looked < limit && this.gap === null) {
      const head = this.mail.head();
      if (head === undefined) break;
      if (head.message instanceof Fault) {
        this.#refuseMessage(head.sequence, head.message);
        looked++;
        continue;
      }
      const total = head.message.runs.reduce((sum, run) => sum + run.envelopes.length, 0);
      const start = this.#position !== null && this.#position.sequence === head.sequence ? this.#position.index : 0;
      const until = Math.min(total, start + (limit - looked));
      const reached = this.#applyRuns(head.message.runs, head.sequence, start, until);
      looked += Math.max(1, reached - start);
      this.#move(head.sequence, reached);
      if (reached >= total) this.#finish(head.sequence);
      else if (this.gap !== null) break;
    }
    return looked;
  }

  /** @param stream identity of the mail stream, for the position. */
  bindStream(stream: string): void {
    if (this.#position !== null && this.#position.stream !== stream) {
      throw new Fault(
        "STREAM_REWOUND",
        `partition ${this.partition} applied mail of stream ${this.#position.stream}, the server has ${stream}`,
        {
          details: { partition: this.partition, position: this.#position },
        },
      );
    }
    this.#position ??= { stream, sequence: 0, index: 0 };
  }

  /** Ends the group for this partition; null when nothing has to become durable (replies can leave at once). */
  close(published: number): { readonly closed: ClosedRecord | null; readonly open: OpenRecord } | null {
    const open = this.#open;
    if (open === null) return null;
    this.#open = null;
    this.#published = published;
    if (open.changesNothing) return { closed: null, open };
    const closed = open.close(this.#sent, this.#position);
    this.#commitSeq = closed.record.commitSeq;
    this.#remember(closed.record);
    return { closed, open };
  }

  /** The store folded up to `commitSeq`; the reader has been refreshed. */
  folded(commitSeq: number): void {
    this.overlay.folded(commitSeq);
    this.timers.folded(commitSeq);
  }

  /** Lets a stopped actor run again; what became a dead letter meanwhile stays one. */
  restart(kind: string, key: string): void {
    this.#begin();
    this.#dispatcher.restart(kind, key);
  }

  acceptGap(): void {
    if (this.gap === null) return;
    this.#received.set(this.gap.sender, this.gap.found - 1);
    this.gap = null;
  }

  activate(kind: string, key: string): Activation {
    let activation = this.residency.get(kind, key);
    if (activation === undefined) {
      const definition = this.#environment.registry.get(kind);
      if (definition === undefined) throw new Fault("HANDLER_UNKNOWN", `no actor of kind ${kind} on this node`);
      activation = new Activation({ kind, key, partition: this.partition }, definition, this, this.#environment.sealer);
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
  ): Verdict<Answer> {
    return this.#environment.circuits.consult<Answer>(agent, request, part, seed, nowMs);
  }

  snapshot(topic: string): { readonly version: number; readonly value: unknown } | undefined {
    return this.#environment.snapshots.get(topic);
  }

  event(kind: string, event: string, details: Record<string, unknown>): void {
    this.#environment.emit(kind, event, { partition: this.partition, ...details });
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

  #begin(): void {
    this.#random = null;
    this.counters.envelopes++;
    this.open().envelopes++;
  }

  #applyRuns(runs: readonly Run[], sequence: number, start: number, until: number): number {
    let index = 0;
    for (const run of runs) {
      for (let offset = 0; offset < run.envelopes.length; offset++, index++) {
        if (index < start) continue;
        if (index >= until) return index;
        const envelope = run.envelopes[offset];
        if (envelope === undefined || run.receiver !== this.partition) continue;
        if (!this.#admit(run.sender, run.first + offset)) {
          if (this.gap !== null) return index;
          continue;
        }
        this.#applyEnvelope(envelope, run.sender, sequence, index);
      }
    }
    return index;
  }

  #applyEnvelope(envelope: Envelope, sender: Sender, sequence: number, index: number): void {
    this.#begin();
    const suspect = this.#suspect;
    if (suspect !== null && suspect.sequence === sequence && suspect.index === index && suspect.deaths >= DEATHS_MAX) {
      this.#suspect = null;
      this.#dispatcher.abandon(envelope, String(sender), suspect.deaths);
      return;
    }
    this.#environment.attempt({ partition: this.partition, sequence, index });
    this.#dispatcher.tell(envelope, String(sender));
    this.#environment.attempt(null);
  }

  /** D4: lower or equal is dropped; a gap stops the mail; ingress carries no sequence. */
  #admit(sender: Sender, sequence: number): boolean {
    if (sender === INGRESS) return true;
    const last = this.#received.get(sender) ?? 0;
    if (sequence <= last) {
      this.counters.duplicates++;
      return false;
    }
    if (sequence > last + 1) {
      this.gap = { sender, expected: last + 1, found: sequence };
      this.event("partition", "mail-gap", { sender, expected: last + 1, found: sequence });
      return false;
    }
    this.#received.set(sender, sequence);
    this.open().received(sender, sequence);
    return true;
  }

  #refuseMessage(sequence: number, fault: Fault): void {
    if (this.#position?.sequence === sequence && this.#position.index > 0) {
      this.#finish(sequence);
      return;
    }
    const to = { kind: "partition", key: String(this.partition) };
    this.open().deadLetter({
      to,
      type: "mail",
      payload: { sequence },
      origin: "bus",
      error: { code: fault.code, message: fault.message },
      attempts: 0,
      stateVersion: null,
    });
    this.counters.deadLetters++;
    this.#move(sequence, 1);
    this.#finish(sequence);
  }

  #finish(sequence: number): void {
    this.finishedSequence = sequence;
    this.mail.shift();
  }

  #move(sequence: number, index: number): void {
    if (this.#position?.sequence === sequence && this.#position.index === index) return;
    const stream = this.#position?.stream ?? "";
    this.#position = { stream, sequence, index };
    this.open().position = this.#position;
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
