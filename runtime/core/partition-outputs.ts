import type { CommitRecord } from "../../protocols/commit-record.ts";
import { FencedAppend, type FencedOptions } from "./fenced-append.ts";
import type { Lane } from "./lane.ts";
import type { PendingReply } from "./open-record.ts";
import { OutputLedger } from "./outputs.ts";
import type { Clock } from "./ports.ts";
import type { FencedSubject } from "./shard-messages.ts";
import type { Partition } from "../../protocols/ids.ts";

/** A record whose commit is flushed and which is on its way out (D2 steps 2 to 5). */
interface Shipment {
  readonly record: CommitRecord;
  readonly bytes: number;
  /** Newest message that may be acknowledged once the outputs are; 0 = none. */
  readonly ackSequence: number;
  readonly replies: readonly PendingReply[];
}

export interface OutputOptions {
  readonly partition: Partition;
  readonly epoch: number;
  readonly clock: Clock;
  /** Least time between two messages of decision rows or dead letters. */
  readonly rowPaceMs: number;
  readonly bytesMax: number;
  /** Replies wait for the log (D2, `durability: replicated`). */
  readonly replicated: boolean;
  readonly lane: (receiver: Partition) => Lane;
}

/**
 * What leaves a partition after its commits are flushed: the log first, then outputs, then the acknowledgement of the input (D2).
 * O1: no output of a commit leaves before the log holds it. O2: `published` moves only over commits whose outputs are all stored.
 */
export class PartitionOutputs {
  readonly #options: OutputOptions;
  readonly #log: FencedAppend;
  readonly #ledger: OutputLedger;
  readonly #decisions: FencedAppend;
  readonly #deadLetters: FencedAppend;
  readonly #topics = new Map<
    string,
    { readonly append: FencedAppend; readonly waiting: { version: number; commitSeq: number }[] }
  >();
  readonly #shipping: Shipment[] = [];
  readonly #acks: { readonly commitSeq: number; readonly sequence: number }[] = [];
  readonly #rowsWaiting: { readonly append: FencedAppend; readonly commitSeq: number }[] = [];
  readonly #subjects: { readonly subject: FencedSubject; readonly append: FencedAppend }[];
  #acknowledged = 0;

  constructor(options: OutputOptions, log: FencedAppend, published: number) {
    this.#options = options;
    this.#log = log;
    this.#ledger = new OutputLedger(published);
    this.#decisions = new FencedAppend(this.#fenced(true), null);
    this.#deadLetters = new FencedAppend(this.#fenced(true), null);
    const { partition } = options;
    this.#subjects = [
      { subject: { of: "log", partition }, append: this.#log },
      { subject: { of: "decisions", partition }, append: this.#decisions },
      { subject: { of: "dead-letters", partition }, append: this.#deadLetters },
    ];
  }

  get shipped(): number {
    return this.#log.done;
  }
  get published(): number {
    return this.#ledger.published;
  }
  get lost(): boolean {
    return this.#log.lost;
  }
  /** Bytes of records the log does not hold yet; above its bound the edge sheds (D2). */
  get unshippedBytes(): number {
    return this.#log.queuedBytes;
  }
  /** Bytes that wait for any of its subjects. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const { append } of this.#subjects) bytes += append.queuedBytes;
    return bytes;
  }
  /** Answers that wait for the log. */
  get heldReplies(): readonly PendingReply[] {
    return this.#shipping.flatMap(({ replies }) => replies);
  }
  get pendingCommits(): number {
    return this.#ledger.pending + this.#shipping.length;
  }

  /** A record that was flushed now, or one of an earlier life that is published again after opening. */
  flushed(record: CommitRecord, bytes: Uint8Array, ackSequence: number, replies: readonly PendingReply[]): void {
    this.#shipping.push({ record, bytes: bytes.byteLength, ackSequence, replies });
    this.#log.push(
      { last: record.commitSeq, rows: [bytes] },
      record.topics.length > 0 || (this.#options.replicated && replies.length > 0),
    );
  }

  /** Under `replicated`, lets answers wait for the newest record that the log lacks. @returns false when nothing keeps them. */
  hold(replies: readonly PendingReply[]): boolean {
    const newest = this.#shipping.at(-1);
    if (!this.#options.replicated || newest === undefined) return false;
    this.#shipping[this.#shipping.length - 1] = { ...newest, replies: [...newest.replies, ...replies] };
    return true;
  }

  /** Moves what the last answers allow. @returns replies that may leave now and the message to acknowledge, 0 = none. */
  advance(): { readonly replies: readonly PendingReply[]; readonly ackSequence: number } {
    const replies: PendingReply[] = [];
    let count = 0;
    for (const shipment of this.#shipping) {
      if (shipment.record.commitSeq > this.#log.done) break;
      count++;
      replies.push(...shipment.replies);
      this.#release(shipment);
    }
    this.#shipping.splice(0, count);
    this.#settleRows();
    return { replies, ackSequence: this.#takeAck() };
  }

  /** The appender behind a fenced subject of this partition. */
  appender(subject: FencedSubject): FencedAppend | undefined {
    if (subject.of === "topic") return this.#topics.get(subject.topic)?.append;
    if (subject.of === "log") return this.#log;
    return subject.of === "decisions" ? this.#decisions : this.#deadLetters;
  }

  /** Every fenced subject this partition writes. */
  get subjects(): readonly { readonly subject: FencedSubject; readonly append: FencedAppend }[] {
    return this.#subjects;
  }

  /** Everything that left is acknowledged, and nothing waits to leave. */
  get resting(): boolean {
    if (this.#shipping.length > 0 || this.#ledger.pending > 0 || this.#acks.length > 0) return false;
    for (const { append } of this.#subjects) if (!append.resting) return false;
    return true;
  }

  /** Moves the tail of the log, so that what lies before it may be purged (ADR 0008). */
  markLog(): void {
    this.#log.mark();
  }

  /** A run of this partition's tells is stored. */
  runStored(commitSeq: number): void {
    this.#ledger.acknowledged(commitSeq);
  }

  wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const { append } of this.#subjects) wakeAtMs = Math.min(wakeAtMs, append.wakeAtMs());
    return wakeAtMs;
  }

  #release({ record, bytes, ackSequence }: Shipment): void {
    const { commitSeq } = record;
    const outputs =
      record.outbox.length +
      Math.min(1, record.decisions.length) +
      Math.min(1, record.deadLetters.length) +
      record.topics.length;
    if (ackSequence > 0) this.#acks.push({ commitSeq, sequence: ackSequence });
    this.#ledger.add(commitSeq, outputs);
    const urgent = record.topics.length > 0;
    for (const run of record.outbox) {
      const { partition, epoch } = this.#options;
      this.#options
        .lane(run.to)
        .push(
          { sender: partition, receiver: run.to, first: run.first, envelopes: run.envelopes, commitSeq, epoch, bytes },
          urgent,
        );
    }
    this.#append(this.#decisions, commitSeq, record.decisions);
    this.#append(this.#deadLetters, commitSeq, record.deadLetters);
    for (const topic of record.topics) this.#publishTopic(topic.topic, topic.version, topic.bytes, commitSeq);
  }

  #append(append: FencedAppend, commitSeq: number, rows: readonly Uint8Array[]): void {
    if (rows.length === 0) return;
    append.push({ last: commitSeq, rows });
    this.#rowsWaiting.push({ append, commitSeq });
  }

  #publishTopic(name: string, version: number, bytes: Uint8Array, commitSeq: number): void {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { append: new FencedAppend(this.#fenced(false), null), waiting: [] };
      this.#topics.set(name, topic);
      const subject: FencedSubject = { of: "topic", partition: this.#options.partition, topic: name };
      this.#subjects.push({ subject, append: topic.append });
    }
    topic.append.push({ last: version, rows: [bytes] }, true);
    topic.waiting.push({ version, commitSeq });
  }

  #settleRows(): void {
    let kept = 0;
    for (const entry of this.#rowsWaiting) {
      if (entry.append.done >= entry.commitSeq) this.#ledger.acknowledged(entry.commitSeq);
      else this.#rowsWaiting[kept++] = entry;
    }
    this.#rowsWaiting.length = kept;
    for (const { append, waiting } of this.#topics.values()) {
      while (waiting[0] !== undefined && waiting[0].version <= append.done) {
        this.#ledger.acknowledged(waiting[0].commitSeq);
        waiting.shift();
      }
    }
  }

  #takeAck(): number {
    let sequence = 0;
    while (this.#acks[0] !== undefined && this.#acks[0].commitSeq <= this.#ledger.published) {
      sequence = this.#acks[0].sequence;
      this.#acks.shift();
    }
    if (sequence <= this.#acknowledged) return 0;
    this.#acknowledged = sequence;
    return sequence;
  }

  #fenced(packed: boolean): FencedOptions {
    const { clock, epoch, rowPaceMs, bytesMax } = this.#options;
    return { clock, epoch, paceMs: rowPaceMs, bytesMax, packed, strict: false };
  }
}
