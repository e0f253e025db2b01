import type { Put } from "./ports.ts";
import type { StorePartition } from "./store-partition.ts";

export interface FoldPolicy {
  /** Unfolded record bytes at which a round starts, and of which a restart folds at most twice as many: 17 ms a megabyte. */
  readonly unfoldedBytesMax: number;
  /** A round starts at the latest so long after the oldest unfolded record: the longer, the more writes coalesce. */
  readonly foldAfterMs: number;
  /** A round starts when nothing was committed for so long. */
  readonly idleMs: number;
  /** Groups count as coming for so long after the last one: between two asks a large slice would hold up the next. */
  readonly busyMs: number;
  /** Puts a transaction while groups come. */
  readonly slicePuts: number;
  /** Puts a transaction when none comes. */
  readonly slicePutsMax: number;
}

/** D7; measured in facts/runtime.md 1. */
export const FOLD_POLICY: FoldPolicy = {
  unfoldedBytesMax: 48 * 1024 * 1024,
  foldAfterMs: 5_000,
  idleMs: 250,
  busyMs: 100,
  slicePuts: 256,
  slicePutsMax: 4_096,
};

/** Which partitions are folded next, and when. What a partition gets after its turn in a round waits for the next round. */
export class FoldRound {
  readonly #policy: FoldPolicy;
  /** Partitions with records that no round is about to fold, and since when; the oldest first. */
  readonly #waiting = new Map<StorePartition, number>();
  /** Partitions of the round under way, in key order, the next one last. */
  #round: StorePartition[] = [];
  /** Those of them whose rows are not frozen yet: what they still get is folded with the rest. */
  #coming = new Set<StorePartition>();
  #unfoldedBytes = 0;
  #newestMs = 0;

  constructor(policy: FoldPolicy) {
    this.#policy = policy;
  }

  get unfoldedBytes(): number {
    return this.#unfoldedBytes;
  }

  get underWay(): boolean {
    return this.#round.length > 0;
  }

  /** So far behind that folding goes before new groups. */
  get overdue(): boolean {
    return this.#unfoldedBytes > 2 * this.#policy.unfoldedBytesMax;
  }

  /** A record of `partition` was admitted. */
  added(partition: StorePartition, bytes: number, nowMs: number): void {
    this.#unfoldedBytes += bytes;
    this.#newestMs = nowMs;
    if (!this.#coming.has(partition) && !this.#waiting.has(partition)) this.#waiting.set(partition, nowMs);
  }

  /** @returns ms until a round is due, 0 when it is, null when everything is folded or being folded. */
  dueInMs(nowMs: number): number | null {
    const oldestMs = this.#waiting.values().next().value;
    if (oldestMs === undefined) return null;
    if (this.#unfoldedBytes >= this.#policy.unfoldedBytesMax) return 0;
    const dueMs = Math.min(oldestMs + this.#policy.foldAfterMs, this.#newestMs + this.#policy.idleMs);
    return Math.max(0, dueMs - nowMs);
  }

  /** Whether groups came a moment ago: the next one would wait for a large transaction. */
  isBusy(nowMs: number): boolean {
    return nowMs < this.#newestMs + this.#policy.busyMs;
  }

  /** Puts a slice may hold: the small one while groups come, growing to the large one as the bound is passed. */
  sliceLimit(nowMs: number): number {
    const { slicePuts, slicePutsMax, unfoldedBytesMax } = this.#policy;
    if (!this.isBusy(nowMs)) return slicePutsMax;
    const excess = Math.min(1, Math.max(0, this.#unfoldedBytes / unfoldedBytesMax - 1));
    return Math.round(slicePuts + (slicePutsMax - slicePuts) * excess);
  }

  /** Starts a round with every partition that waits. */
  start(): void {
    this.#round = Array.from(this.#waiting.keys()).sort((a, b) => b.id - a.id);
    this.#coming = new Set(this.#round);
    this.#waiting.clear();
  }

  /** Appends the next rows of the round. @returns the partitions that are folded once `into` is durable. */
  slice(limit: number, into: Put[]): StorePartition[] {
    const finished: StorePartition[] = [];
    let left = limit;
    for (let next = this.#round.at(-1); next !== undefined && left > 0; next = this.#round.at(-1)) {
      this.#coming.delete(next);
      const { rows, foldedBytes } = next.foldRows(left, into);
      left -= rows;
      if (foldedBytes === 0) break;
      this.#unfoldedBytes -= foldedBytes;
      this.#round.pop();
      finished.push(next);
    }
    return finished;
  }

  /** Folds one partition to its end, now. */
  finish(partition: StorePartition, into: Put[]): void {
    while (partition.hasUnfolded) this.#unfoldedBytes -= partition.foldRows(Infinity, into).foldedBytes;
    this.#waiting.delete(partition);
    this.#coming.delete(partition);
    this.#round = this.#round.filter((other) => other !== partition);
  }
}
