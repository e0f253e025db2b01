import { Fault, toWireFault, type WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { encodeGroup } from "../../protocols/stored-group.ts";
import { FlushHistogram } from "./flush-histogram.ts";
import { FOLD_POLICY, type FoldPolicy, FoldRound } from "./fold-round.ts";
import { readRetained } from "./opening-store.ts";
import type { Clock, FromStore, Opening, PartitionRecord, Progress, Put, RecordStore, ToStore } from "./ports.ts";
import { recordKey } from "./store-keys.ts";
import { StorePartition } from "./store-partition.ts";
import { recover } from "./store-recovery.ts";
import { type KeptRecord, StoreRetention } from "./store-retention.ts";

/*
 * The machinery of the store thread: synchronous, driven by whoever carries the messages (D19). Owns: which records are durable, their
 * order in the file, openings, when values are deleted. Does not own: threads, ports, the file.
 *
 * C1  All groups that wait are durable in one transaction, each as one value; an answer leaves only after the transaction returned (D2).
 * C2  A partition's refusal leaves the other partitions of its group committed (D8).
 * C3  A group value is deleted only when each record in it is folded, shipped and published, and the file knows it (D2).
 * C4  A transaction that throws closes the committer: nothing is answered afterwards (fail-stop, reliability.md 1.5).
 * C5  `folded` is said only of what a reader sees after its next refresh (D8).
 */

const DELETIONS_A_TURN = 1_024;
const DELETIONS_AT_ONCE = 256;

export interface Sent {
  readonly to: number;
  readonly message: FromStore;
}

export interface TurnOptions {
  /** Fold and delete without waiting for a reason: a clean stop. */
  readonly finish?: boolean;
}

export interface StoreFigures {
  readonly unfoldedBytes: number;
  /** Group values in the file. */
  readonly keptGroups: number;
  /** Since start. */
  readonly groups: number;
  readonly records: number;
  readonly refusals: number;
  readonly puts: number;
  readonly transactions: number;
  readonly flushMsP99: number;
}

/** What one turn promises to answer once its transaction is durable. */
interface Draft {
  readonly puts: Put[];
  readonly answers: Sent[];
  readonly openings: { readonly to: number; readonly request: number; readonly opening: Opening }[];
  groups: number;
}

export class Committer {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #policy: FoldPolicy;
  readonly #round: FoldRound;
  readonly #retention = new StoreRetention();
  readonly #partitions: Map<Partition, StorePartition>;
  readonly #flushes = new FlushHistogram();
  readonly #counts = { groups: 0, records: 0, refusals: 0, puts: 0, transactions: 0 };
  #queue: { readonly from: number; readonly message: ToStore }[] = [];
  #nextSequence: number;
  #lastTransactionMs: number;
  #closed: Fault | null = null;

  /** Reads the file as the last process left it. @throws Fault RECORD_CORRUPT or STATE_TOO_NEW, naming what. */
  constructor(store: RecordStore, clock: Clock, policy: FoldPolicy = FOLD_POLICY) {
    this.#store = store;
    this.#clock = clock;
    this.#policy = policy;
    this.#round = new FoldRound(policy);
    this.#lastTransactionMs = clock.monotonicMs();
    const { partitions, nextSequence } = recover(store, this.#round, this.#retention, this.#lastTransactionMs);
    this.#partitions = partitions;
    this.#nextSequence = nextSequence;
  }

  get figures(): StoreFigures {
    return {
      unfoldedBytes: this.#round.unfoldedBytes,
      keptGroups: this.#retention.groups,
      ...this.#counts,
      flushMsP99: this.#flushes.quantileMs(0.99),
    };
  }

  /** Queues a message; its effect and answer come with a later turn. @param from the shard, as answers name it. */
  receive(from: number, message: ToStore): void {
    this.#queue.push({ from, message });
  }

  /** Whether a turn now would do something. */
  hasWork(): boolean {
    return this.dueInMs() === 0;
  }

  /** @returns ms until `hasWork` becomes true without any message, 0 when it is, null when it will not. */
  dueInMs(): number | null {
    if (this.#closed !== null) return null;
    if (this.#queue.length > 0 || this.#round.underWay || this.#retention.done >= DELETIONS_AT_ONCE) return 0;
    const nowMs = this.#clock.monotonicMs();
    const foldMs = this.#round.dueInMs(nowMs);
    if (this.#retention.done === 0) return foldMs;
    const deleteMs = Math.max(0, this.#lastTransactionMs + this.#policy.idleMs - nowMs);
    return Math.min(deleteMs, foldMs ?? deleteMs);
  }

  /**
   * Commits what waits, folds a slice, deletes what is settled: one transaction.
   * @returns what is to be sent now, in order.
   * @throws Fault STORE_CLOSED when the transaction failed, then and ever after (C4).
   */
  turn(options: TurnOptions = {}): Sent[] {
    if (this.#closed !== null) throw this.#closed;
    const nowMs = this.#clock.monotonicMs();
    const draft: Draft = { puts: [], answers: [], openings: [], groups: 0 };
    const finish = options.finish === true;
    if (!this.#round.overdue) this.#takeQueue(draft, nowMs);
    if (!this.#round.underWay && (finish || this.#round.dueInMs(nowMs) === 0)) this.#round.start();
    const folded = this.#round.slice(this.#round.sliceLimit(nowMs), draft.puts);
    this.#deleteSettled(draft.puts, this.#round.isBusy(nowMs) ? DELETIONS_AT_ONCE : DELETIONS_A_TURN);
    if (draft.puts.length > 0) this.#commit(draft.puts);
    for (const partition of folded) this.#retention.settle(partition);
    this.#answerOpenings(draft);
    return [...draft.answers, ...this.#foldedNews(folded)];
  }

  /** Nothing waits, nothing is unfolded, nothing settled is still in the file. */
  get finished(): boolean {
    const { underWay, unfoldedBytes } = this.#round;
    return this.#queue.length === 0 && !underWay && unfoldedBytes === 0 && this.#retention.done === 0;
  }

  #takeQueue(draft: Draft, nowMs: number): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { from, message } of queue) {
      if (message.type === "open") this.#open(from, message.request, message.partition, draft);
      if (message.type === "commit") this.#takeGroup(from, message.group, message.records, draft, nowMs);
      if (message.type !== "open") this.#advance(message.progress);
    }
  }

  #takeGroup(from: number, group: number, records: readonly PartitionRecord[], draft: Draft, nowMs: number): void {
    const admitted: PartitionRecord[] = [];
    const members: KeptRecord[] = [];
    const refused: { partition: Partition; fault: WireFault }[] = [];
    for (const record of records) {
      const partition = this.#partitions.get(record.partition) ?? StorePartition.empty(record.partition);
      const fault = partition.admit(record);
      if (fault !== null) {
        refused.push({ partition: record.partition, fault: toWireFault(fault) });
        continue;
      }
      this.#round.added(partition, record.bytes.byteLength, nowMs);
      admitted.push(record);
      members.push({ partition, commitSeq: record.commitSeq });
    }
    if (admitted.length > 0) {
      const sequence = this.#nextSequence++;
      draft.puts.push({ table: "records", key: recordKey(sequence), value: encodeGroup(admitted) });
      this.#retention.add(sequence, members);
    }
    draft.groups++;
    this.#counts.groups++;
    this.#counts.records += admitted.length;
    this.#counts.refusals += refused.length;
    draft.answers.push({ to: from, message: { type: "committed", group, refused } });
  }

  #open(from: number, request: number, id: Partition, draft: Draft): void {
    let partition = this.#partitions.get(id);
    if (partition === undefined) this.#partitions.set(id, (partition = StorePartition.empty(id)));
    this.#round.finish(partition, draft.puts);
    partition.open(from);
    draft.puts.push(partition.row());
    this.#retention.settle(partition);
    draft.openings.push({ to: from, request, opening: partition.opening([]) });
  }

  #advance(progress: readonly Progress[]): void {
    for (const news of progress) {
      const partition = this.#partitions.get(news.partition);
      if (partition === undefined) continue;
      partition.advance(news);
      this.#retention.settle(partition);
    }
  }

  /** Deletes group values, and first writes rows that say why their records are gone (C3). */
  #deleteSettled(puts: Put[], limit: number): void {
    const stale = new Set<StorePartition>();
    for (const { sequence, members } of this.#retention.takeDone(limit)) {
      for (const { partition, commitSeq } of members)
        if (partition.deliveredSeqWritten < commitSeq) stale.add(partition);
      puts.push({ table: "records", key: recordKey(sequence), value: null });
    }
    for (const partition of stale) puts.push(partition.row());
  }

  #commit(puts: readonly Put[]): void {
    const startMs = this.#clock.monotonicMs();
    try {
      this.#store.transaction(puts);
    } catch (cause) {
      this.#closed = new Fault("STORE_CLOSED", "a transaction of the store failed", { cause });
      throw this.#closed;
    }
    this.#lastTransactionMs = this.#clock.monotonicMs();
    this.#flushes.record(this.#lastTransactionMs - startMs);
    this.#counts.transactions++;
    this.#counts.puts += puts.length;
  }

  #answerOpenings(draft: Draft): void {
    if (draft.openings.length === 0) return;
    const retained = readRetained(
      this.#store,
      this.#retention,
      draft.openings.map(({ opening }) => opening),
    );
    for (const { to, request, opening } of draft.openings) {
      const records = retained.get(opening) ?? [];
      const message: FromStore =
        records instanceof Fault
          ? { type: "open-failed", request, partition: opening.partition, fault: toWireFault(records) }
          : { type: "opened", request, opening: { ...opening, retained: records } };
      draft.answers.push({ to, message });
    }
  }

  #foldedNews(partitions: readonly StorePartition[]): Sent[] {
    const news = new Map<number, { partition: Partition; incarnation: number; commitSeq: number }[]>();
    for (const { id, owner, incarnation, foldedSeq } of partitions) {
      if (owner === null) continue;
      const of = news.get(owner) ?? [];
      of.push({ partition: id, incarnation, commitSeq: foldedSeq });
      news.set(owner, of);
    }
    const { unfoldedBytes } = this.#round;
    return Array.from(news, ([to, folded]) => ({ to, message: { type: "folded", folded, unfoldedBytes } }));
  }
}
