import {
  encodeRecord,
  type CommitRecord,
  type MailPosition,
  type OutboxRun,
  type StateChange,
  type TimerChange,
  type TopicOutput,
} from "../../protocols/commit-record.ts";
import type { Envelope, Sender } from "../../protocols/envelope.ts";
import type { WireFault } from "../../protocols/errors.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { Activation } from "./activation.ts";
import { deadLetterOf, type DeadLetterCause } from "./dead-letter.ts";
import type { EffectScope } from "./effect-scope.ts";
import type { PartValue } from "./part-log.ts";

/** An answer that leaves after the flush (D2 step 2). */
export interface PendingReply {
  readonly route: number;
  readonly id: number;
  readonly answer: unknown;
  readonly fault: WireFault | null;
}

/** Where a partition's counters stand; the record that closes moves them. */
export interface RecordBase {
  readonly partition: Partition;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly published: number;
}

export interface ClosedRecord {
  readonly record: CommitRecord;
  readonly bytes: Uint8Array;
  readonly replies: readonly PendingReply[];
  /** For the node's pool of jobs; they leave after the flush. */
  readonly orders: readonly JobOrder[];
}

/** A run is never split again, and a message carries whole runs: below what a message may hold of envelopes and bytes (D2, D3). */
const RUN_ENVELOPES_MAX = 1_000;
const RUN_BYTES_MAX = 1024 * 1024;
/** Kind, key, name and header of a changed part. */
const PART_FRAME_BYTES = 64;
/** Kind, key, type and framing of an envelope, roughly. */
const ENVELOPE_FRAME_BYTES = 128;

/** What the open group has changed so far in one partition; becomes one commit record (D2). */
export class OpenRecord {
  readonly base: RecordBase;
  readonly nowMs: number;
  readonly #dirty = new Map<Activation, Set<string>>();
  readonly #timers: TimerChange[] = [];
  readonly #outbox = new Map<Partition, { envelopes: Envelope[]; bytes: number }[]>();
  readonly #received = new Map<Sender, number>();
  readonly #rows: Uint8Array[] = [];
  readonly #letters: Uint8Array[] = [];
  /** What the runtime keeps of its own: dead letters, suspensions, stopped actors; the last word on each. */
  readonly #rowsOfMine = new Map<string, StateChange>();
  readonly #topics = new Map<string, TopicOutput>();
  readonly #snapshots = new Map<string, number>();
  readonly #replies: PendingReply[] = [];
  readonly #orders: JobOrder[] = [];
  position: MailPosition | null = null;
  /** Decision ids given out in this record. */
  decisionIndex = 0;
  /** Envelopes run in this record. */
  envelopes = 0;
  #estimatedBytes = 0;
  #largestPartBytes = 0;

  constructor(base: RecordBase, nowMs: number) {
    this.base = base;
    this.nowMs = nowMs;
  }

  /**
   * Rough size of the record, for the cut at 1 MB (D1), without its largest part: a part is written once however often it changed, so an
   * actor with much state does not cut the group at each envelope.
   */
  get cuttingBytes(): number {
    return this.#estimatedBytes - this.#largestPartBytes;
  }

  /** Takes a successful envelope over; its values become resident (E1). */
  absorb(scope: EffectScope): void {
    for (const [activation, changes] of scope.changes) this.#change(activation, changes);
    for (const timer of scope.timers) this.#timers.push(timer);
    for (const order of scope.orders) this.#orders.push(order);
    for (const row of scope.rows) {
      this.#rows.push(row);
      this.#estimatedBytes += row.byteLength;
    }
    for (const topic of scope.topics) {
      this.#topics.set(topic.topic, topic);
      this.#estimatedBytes += topic.bytes.byteLength;
    }
    for (const [topic, version] of scope.snapshotsRead ?? []) this.#snapshots.set(topic, version);
  }

  #change(activation: Activation, changes: ReadonlyMap<string, PartValue>): void {
    let parts = this.#dirty.get(activation);
    if (parts === undefined) {
      parts = new Set();
      this.#dirty.set(activation, parts);
      activation.dirty = true;
    }
    for (const [name, value] of changes) {
      if (!parts.has(name)) {
        const bytes = activation.bytesOf(name) + PART_FRAME_BYTES;
        this.#estimatedBytes += bytes;
        this.#largestPartBytes = Math.max(this.#largestPartBytes, bytes);
        parts.add(name);
      }
      activation.set(name, value);
    }
    activation.version = this.base.commitSeq + 1;
  }

  /** @param bytes of the encoded payload. */
  send(to: Partition, envelope: Envelope, bytes: number): void {
    let runs = this.#outbox.get(to);
    if (runs === undefined) this.#outbox.set(to, (runs = []));
    const run = runs.at(-1);
    if (run === undefined || run.envelopes.length >= RUN_ENVELOPES_MAX || run.bytes + bytes > RUN_BYTES_MAX) {
      runs.push({ envelopes: [envelope], bytes });
    } else {
      run.envelopes.push(envelope);
      run.bytes += bytes;
    }
    this.#estimatedBytes += bytes + ENVELOPE_FRAME_BYTES;
  }

  received(sender: Sender, sequence: number): void {
    this.#received.set(sender, sequence);
  }

  reply(reply: PendingReply): void {
    this.#replies.push(reply);
  }

  /** @returns its id in the partition. */
  deadLetter(cause: DeadLetterCause): string {
    const id = `${this.base.commitSeq + 1}-${this.#letters.length}`;
    const letter = deadLetterOf(cause, id, this.base.partition, this.nowMs);
    this.#letters.push(letter.copy);
    this.row(letter.row);
    this.#estimatedBytes += letter.copy.byteLength;
    return id;
  }

  /** Writes or deletes a row that the runtime keeps beside the actors. */
  row(change: StateChange): void {
    this.#rowsOfMine.set(`${change.kind}\0${change.key}`, change);
    this.#estimatedBytes += PART_FRAME_BYTES + (change.bytes?.byteLength ?? 0);
  }

  /** What this record says of such a row; undefined = nothing. */
  rowAt(kind: string, key: string): StateChange | undefined {
    return this.#rowsOfMine.get(`${kind}\0${key}`);
  }

  /** The group only answered questions: nothing has to become durable. */
  get changesNothing(): boolean {
    return (
      this.#dirty.size === 0 &&
      this.#timers.length === 0 &&
      this.#outbox.size === 0 &&
      this.#received.size === 0 &&
      this.#rows.length === 0 &&
      this.#rowsOfMine.size === 0 &&
      this.#topics.size === 0 &&
      this.#orders.length === 0 &&
      this.position === null
    );
  }

  get replies(): readonly PendingReply[] {
    return this.#replies;
  }

  /**
   * Encodes what became of every changed part and closes.
   * @param sent last assigned sequence by receiver; moved on by what this record sends.
   * @param position the partition's position if this record did not move it.
   */
  close(sent: Map<Partition, number>, position: MailPosition | null): ClosedRecord {
    const states: StateChange[] = [...this.#rowsOfMine.values()];
    for (const [activation, parts] of this.#dirty) {
      const { kind, key } = activation.id;
      for (const part of parts) states.push({ kind, key, part, bytes: activation.encode(part) });
      activation.settle();
    }
    const outbox: OutboxRun[] = [];
    for (const [to, runs] of this.#outbox) {
      for (const { envelopes } of runs) {
        const first = (sent.get(to) ?? 0) + 1;
        sent.set(to, first + envelopes.length - 1);
        outbox.push({ to, first, envelopes });
      }
    }
    const record: CommitRecord = {
      partition: this.base.partition,
      epoch: this.base.epoch,
      commitSeq: this.base.commitSeq + 1,
      position: this.position ?? position,
      received: [...this.#received],
      sent: Array.from(this.#outbox.keys(), (to) => [to, sent.get(to) ?? 0] as const),
      states,
      timers: this.#timers,
      outbox,
      decisions: this.#rows,
      deadLetters: this.#letters,
      topics: [...this.#topics.values()],
      snapshots: [...this.#snapshots],
      published: this.base.published,
      nowMs: this.nowMs,
    };
    return { record, bytes: encodeRecord(record), replies: this.#replies, orders: this.#orders };
  }
}
