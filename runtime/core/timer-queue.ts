import type { TimerChange } from "../../protocols/commit-record.ts";
import type { StateReader, TimerRow } from "./ports.ts";

/** A shard holds the timers due within this horizon (D10). */
const HORIZON_MS = 10_000;
const SCAN_MAX = 4_096;

/**
 * The near timers of one partition. A firing is only a hint: the actor's own state says whether the timer stands (D10), so a row that
 * was replaced or seen twice does no harm.
 */
export class TimerQueue {
  readonly #heap: TimerRow[] = [];
  /** Rows set by records that are not folded yet and lie beyond the horizon. */
  readonly #unfolded: { readonly row: TimerRow; readonly commitSeq: number }[] = [];
  #scannedUntilMs = -1;

  get size(): number {
    return this.#heap.length;
  }

  set(change: TimerChange, commitSeq: number): void {
    if (!change.set) return;
    if (change.dueMs <= this.#scannedUntilMs) this.#push(change);
    else this.#unfolded.push({ row: change, commitSeq });
  }

  folded(commitSeq: number): void {
    let kept = 0;
    for (const entry of this.#unfolded) if (entry.commitSeq > commitSeq) this.#unfolded[kept++] = entry;
    this.#unfolded.length = kept;
  }

  /** A timer that was taken does not fire yet: it is found by the next `rescan`. @param commitSeq of the newest commit. */
  hold(row: TimerRow, commitSeq: number): void {
    this.#unfolded.push({ row, commitSeq });
  }

  /** Looks for timers from the first on. Those that are known already are seen twice. */
  rescan(): void {
    this.#scannedUntilMs = -1;
  }

  /** Loads what comes due within the horizon; cheap when that was done recently. */
  scan(nowMs: number, read: (fromMs: number, untilMs: number, limit: number) => TimerRow[]): void {
    if (this.#scannedUntilMs >= nowMs + HORIZON_MS / 2) return;
    const fromMs = this.#scannedUntilMs + 1;
    const rows = read(fromMs, nowMs + HORIZON_MS, SCAN_MAX);
    const cutMs = rows.length < SCAN_MAX ? undefined : rows.at(-1)?.dueMs;
    const untilMs = cutMs ?? nowMs + HORIZON_MS;
    for (const row of rows) if (row.dueMs !== cutMs) this.#push(row);
    // A scan that was cut within one millisecond takes all of that millisecond: the next one starts behind it.
    if (cutMs !== undefined) for (const row of read(cutMs, cutMs, Infinity)) this.#push(row);
    for (const { row } of this.#unfolded) if (row.dueMs >= fromMs && row.dueMs <= untilMs) this.#push(row);
    this.#scannedUntilMs = untilMs;
  }

  /** The next timer that is due, taken out. */
  take(nowMs: number): TimerRow | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    return first;
  }

  /** Wall clock of the next thing to do: a timer, or the next scan. */
  nextMs(): number {
    const first = this.#heap[0];
    const scanMs = this.#scannedUntilMs - HORIZON_MS / 2;
    return first === undefined ? scanMs : Math.min(first.dueMs, scanMs);
  }

  #push(row: TimerRow): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(row);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueMs <= row.dueMs) break;
      heap[index] = above;
      heap[parent] = row;
      index = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    let index = 0;
    const row = heap[0];
    if (row === undefined) return;
    for (;;) {
      let child = index * 2 + 1;
      const left = heap[child];
      if (left === undefined) return;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && right.dueMs < left.dueMs) {
        child++;
        least = right;
      }
      if (least.dueMs >= row.dueMs) return;
      heap[index] = least;
      heap[child] = row;
      index = child;
    }
  }
}

/** Binds a reader to one partition and generation. */
export function timerReader(reader: StateReader, partition: Parameters<StateReader["timers"]>[0], generation: number) {
  return (fromMs: number, untilMs: number, limit: number): TimerRow[] =>
    reader.timers(partition, generation, fromMs, untilMs, limit);
}
