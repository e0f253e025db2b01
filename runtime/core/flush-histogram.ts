const FIRST_MS = 0.05;
const GROWTH = 1.15;
const BUCKETS = 112; // 0.05 ms to five minutes, each within 15 %
const WINDOW = 2_048;

/** Durations of the newest flushes in fixed buckets: between one and two windows of them, so that an old stall is forgotten. */
export class FlushHistogram {
  #current = new Uint32Array(BUCKETS);
  #previous = new Uint32Array(BUCKETS);
  #count = 0;

  record(durationMs: number): void {
    const bucket = Math.ceil(Math.log(Math.max(durationMs, FIRST_MS) / FIRST_MS) / Math.log(GROWTH));
    const index = Math.min(BUCKETS - 1, bucket);
    this.#current[index] = (this.#current[index] ?? 0) + 1;
    if (++this.#count < WINDOW) return;
    [this.#current, this.#previous] = [this.#previous.fill(0), this.#current];
    this.#count = 0;
  }

  /** @param share 0 to 1. @returns milliseconds, the bucket's upper end; 0 before the first flush. */
  quantileMs(share: number): number {
    const totals = this.#current.map((count, index) => count + (this.#previous[index] ?? 0));
    const wanted = share * totals.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [index, count] of totals.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return FIRST_MS * GROWTH ** index;
    }
    return 0;
  }
}
