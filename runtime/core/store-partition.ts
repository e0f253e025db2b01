import { decodeRecord, type CommitRecord, type MailPosition } from "../../protocols/commit-record.ts";
import type { Sender } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { encodePartitionMeta, type PartitionMeta } from "../../protocols/partition-meta.ts";
import { type FoldRun, keyChanges, type KeyedChanges, Unfolded } from "./fold.ts";
import type { Opening, PartitionRecord, Progress, Put } from "./ports.ts";
import { partitionKey } from "./store-keys.ts";

/*
 * One partition as the store thread knows it. Owns: which record may come next, where the partition stands after the last one, what of
 * it is folded. Does not own: the file, group values (store-retention.ts), when to fold (fold-round.ts).
 *
 * S1  A record is admitted only with the newest incarnation, an epoch that does not fall, and commitSeq = last + 1 (D8).
 * S2  After a refusal nothing of that incarnation is admitted: what follows was built on the refused one.
 * S3  The row in `partitions` says nothing that the state keys written with it do not hold.
 */

const FIRST_GENERATION = 1;

/** Values are replaced at each record, so that a folded standing keeps what it was. */
interface Standing {
  epoch: number;
  commitSeq: number;
  position: MailPosition | null;
  nowMs: number;
}

export class StorePartition {
  readonly id: Partition;
  readonly generation: number;
  readonly #last: Standing;
  readonly #received: Map<Sender, number>;
  readonly #sent: Map<Partition, number>;
  #folded: PartitionMeta;
  #incarnation: number;
  #owner: number | null = null;
  #admits = false;
  #shipped: number;
  #published: number;
  #progressWritten: number;
  #unfolded = new Unfolded();
  #run: FoldRun | null = null;
  #runMeta: PartitionMeta | null = null;

  constructor(meta: PartitionMeta) {
    this.id = meta.partition;
    this.generation = meta.generation;
    this.#last = { epoch: meta.epoch, commitSeq: meta.commitSeq, position: meta.position, nowMs: meta.nowMs };
    this.#received = new Map(meta.received);
    this.#sent = new Map(meta.sent);
    this.#folded = meta;
    this.#incarnation = meta.incarnation;
    this.#shipped = meta.shipped;
    this.#published = meta.published;
    this.#progressWritten = Math.min(meta.shipped, meta.published);
  }

  /** A partition that this file has never held. */
  static empty(partition: Partition): StorePartition {
    const counters = { incarnation: 0, epoch: 0, commitSeq: 0, nowMs: 0, shipped: 0, published: 0 };
    return new StorePartition({
      partition,
      generation: FIRST_GENERATION,
      position: null,
      received: [],
      sent: [],
      ...counters,
    });
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** The shard that opened the partition last; null before it was opened in this process. */
  get owner(): number | null {
    return this.#owner;
  }

  get commitSeq(): number {
    return this.#last.commitSeq;
  }

  get foldedSeq(): number {
    return this.#folded.commitSeq;
  }

  /** Up to here records were appended to the log and their outputs acknowledged. */
  get deliveredSeq(): number {
    return Math.min(this.#shipped, this.#published);
  }

  /** Up to here records are folded as well: the file need not hold them (D2). */
  get settledSeq(): number {
    return Math.min(this.foldedSeq, this.deliveredSeq);
  }

  /** `deliveredSeq` as the file knows it. */
  get deliveredSeqWritten(): number {
    return this.#progressWritten;
  }

  get hasUnfolded(): boolean {
    return this.#run !== null || !this.#unfolded.isEmpty;
  }

  /** Takes a record from a shard, or says why not (S1, S2). Nothing changes when it is refused but that the incarnation ends. */
  admit(record: PartitionRecord): Fault | null {
    if (record.incarnation !== this.#incarnation || this.#owner === null)
      return this.#refusal(record, "incarnation", this.#incarnation);
    const fault = this.#judge(record);
    if (fault !== null) this.#admits = false;
    return fault;
  }

  /** Takes a record that the file held when this process started. @throws Fault RECORD_CORRUPT when records are missing. */
  replay(record: PartitionRecord): void {
    if (record.commitSeq <= this.foldedSeq) return;
    const fault = record.commitSeq === this.commitSeq + 1 ? this.#take(record) : this.#gap(record);
    if (fault !== null) throw fault;
  }

  /** Ends the old incarnation. The partition must be folded to its end, and `row` written in the same transaction (D8). */
  open(owner: number): void {
    this.#owner = owner;
    this.#incarnation++;
    this.#admits = true;
  }

  opening(retained: Opening["retained"]): Opening {
    const { position, nowMs, epoch, commitSeq } = this.#last;
    return {
      partition: this.id,
      incarnation: this.#incarnation,
      generation: this.generation,
      epoch,
      commitSeq,
      position,
      received: Array.from(this.#received),
      sent: Array.from(this.#sent),
      shipped: this.#shipped,
      published: this.#published,
      nowMs,
      retained,
    };
  }

  /** Moves the watermarks forward; news of an older incarnation, or of records that are not here, is dropped. */
  advance(progress: Progress): void {
    if (progress.incarnation !== this.#incarnation) return;
    this.#shipped = Math.max(this.#shipped, Math.min(progress.shipped, this.commitSeq));
    this.#published = Math.max(this.#published, Math.min(progress.published, this.commitSeq));
  }

  /**
   * Appends at most `limit` rows of this partition's fold and, at its end, the partition's row (S3).
   * @returns rows taken, and the bytes of records that are folded now: 0 until the end.
   */
  foldRows(limit: number, into: Put[]): { readonly rows: number; readonly foldedBytes: number } {
    if (this.#run === null && this.#unfolded.isEmpty) return { rows: 0, foldedBytes: 0 };
    if (this.#run === null) {
      this.#run = this.#unfolded.freeze(this.id, this.generation);
      this.#runMeta = this.#meta();
      this.#unfolded = new Unfolded();
    }
    const run = this.#run;
    const rows = run.take(limit, into);
    if (!run.done) return { rows, foldedBytes: 0 };
    this.#folded = this.#runMeta ?? this.#folded;
    this.#run = null;
    this.#runMeta = null;
    into.push(this.row());
    return { rows, foldedBytes: run.bytes };
  }

  /** The partition's row: what is folded, and how far records were delivered by now. */
  row(): Put {
    const delivered = { shipped: this.#shipped, published: this.#published };
    this.#progressWritten = this.deliveredSeq;
    const meta = { ...this.#folded, ...delivered, incarnation: this.#incarnation };
    return { table: "partitions", key: partitionKey(this.id), value: encodePartitionMeta(meta) };
  }

  #judge(record: PartitionRecord): Fault | null {
    if (!this.#admits) return this.#refusal(record, "an earlier record was refused", this.commitSeq);
    if (record.epoch < this.#last.epoch) return this.#refusal(record, "epoch", this.#last.epoch);
    if (record.commitSeq !== this.commitSeq + 1) return this.#refusal(record, "commitSeq", this.commitSeq + 1);
    return this.#take(record);
  }

  #take(stored: PartitionRecord): Fault | null {
    let record: CommitRecord;
    let changes: KeyedChanges | { readonly unfit: string };
    try {
      record = decodeRecord(stored.bytes);
      changes = keyChanges(record);
    } catch (cause) {
      // Whatever a shard sent, the other partitions go on: bytes of another shape fault like damaged ones.
      const code = cause instanceof Fault ? cause.code : "RECORD_CORRUPT";
      const message = cause instanceof Error ? cause.message : String(cause);
      return new Fault(code, `${nameOf(stored)}: ${message}`, { details: detailsOf(stored), cause });
    }
    const agrees = record.partition === this.id && record.epoch === stored.epoch;
    if (!agrees || record.commitSeq !== stored.commitSeq) return this.#refusal(stored, "its bytes name another", 0);
    if ("unfit" in changes) return this.#refusal(stored, `no key can be made of ${JSON.stringify(changes.unfit)}`, 0);
    this.#apply(record, changes, stored.bytes.byteLength);
    return null;
  }

  #apply(record: CommitRecord, changes: KeyedChanges, bytes: number): void {
    const last = this.#last;
    last.epoch = record.epoch;
    last.commitSeq = record.commitSeq;
    last.position = record.position ?? last.position;
    last.nowMs = Math.max(last.nowMs, record.nowMs);
    for (const [sender, sequence] of record.received) this.#received.set(sender, sequence);
    for (const [to, sequence] of record.sent) this.#sent.set(to, sequence);
    this.#published = Math.max(this.#published, Math.min(record.published, record.commitSeq - 1));
    this.#unfolded.add(changes, bytes);
  }

  #meta(): PartitionMeta {
    const { retained: _, ...standing } = this.opening([]);
    return standing;
  }

  #refusal(record: PartitionRecord, rule: string, expected: number): Fault {
    const details = { ...detailsOf(record), rule, expected };
    return new Fault("STORE_REFUSED", `${nameOf(record)} refused: ${rule}`, { details });
  }

  #gap(record: PartitionRecord): Fault {
    const details = { ...detailsOf(record), expected: this.commitSeq + 1 };
    return new Fault("RECORD_CORRUPT", `${nameOf(record)} follows ${this.commitSeq}: records are missing`, { details });
  }
}

function nameOf(record: PartitionRecord): string {
  return `record ${record.commitSeq} of partition ${record.partition}`;
}

function detailsOf(record: PartitionRecord): Record<string, unknown> {
  const { partition, incarnation, epoch, commitSeq } = record;
  return { partition, incarnation, epoch, commitSeq };
}
