/** Steps of a histogram: four to each doubling, so that a quantile is at most a quarter too high. */
const STEPS_A_DOUBLING = 4;
/** Up to 2^31 microseconds, half an hour. */
const BUCKETS = 32 * STEPS_A_DOUBLING;

/** Times of one handler, in microseconds. */
class HandlerHistogram {
  readonly buckets = new Uint32Array(BUCKETS);
  count = 0;
  failed = 0;
  totalMicros = 0;
  maxMicros = 0;

  record(micros: number, failed: boolean): void {
    const bucket = bucketOf(micros);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    this.count++;
    if (failed) this.failed++;
    this.totalMicros += micros;
    if (micros > this.maxMicros) this.maxMicros = micros;
  }
}

/** What one thread's handlers of one message or timer took; plain data. */
export interface HandlerSample {
  readonly kind: string;
  readonly message: string;
  readonly count: number;
  readonly failed: number;
  readonly totalMicros: number;
  readonly maxMicros: number;
  /** Occupied buckets as [index, count]. */
  readonly buckets: readonly (readonly [number, number])[];
}

/** One handler as an operator sees it; quantiles are the upper ends of their buckets. */
export interface HandlerView {
  readonly kind: string;
  readonly message: string;
  readonly count: number;
  readonly failed: number;
  readonly meanMicros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}

/**
 * How long handlers take, by kind and message, since the thread started. Bounded by the handlers there are; one record costs two looks
 * at the clock and no allocation.
 */
export class HandlerTimes {
  readonly #kinds = new Map<string, Map<string, HandlerHistogram>>();
  /** Of the last record. */
  #kind = "";
  #message = "";
  #histogram = new HandlerHistogram();

  record(kind: string, message: string, micros: number, failed: boolean): void {
    // Messages come in runs of one type.
    if (kind !== this.#kind || message !== this.#message) this.#turnTo(kind, message);
    this.#histogram.record(micros, failed);
  }

  #turnTo(kind: string, message: string): void {
    let messages = this.#kinds.get(kind);
    if (messages === undefined) {
      messages = new Map<string, HandlerHistogram>();
      this.#kinds.set(kind, messages);
    }
    let histogram = messages.get(message);
    if (histogram === undefined) messages.set(message, (histogram = new HandlerHistogram()));
    this.#kind = kind;
    this.#message = message;
    this.#histogram = histogram;
  }

  samples(): HandlerSample[] {
    return Array.from(this.#kinds).flatMap(([kind, messages]) =>
      Array.from(messages, ([message, { count, failed, totalMicros, maxMicros, buckets }]) => ({
        kind,
        message,
        count,
        failed,
        totalMicros,
        maxMicros,
        buckets: Array.from(buckets.entries()).filter(([, occupied]) => occupied > 0),
      })),
    );
  }
}

/** Puts the samples of several threads together, the slowest by p99 first. */
export function handlerViews(samples: readonly HandlerSample[]): HandlerView[] {
  const merged = Map.groupBy(samples, ({ kind, message }) => `${kind}.${message}`);
  const views = Array.from(merged.values(), (same) => {
    const buckets = new Map<number, number>();
    for (const sample of same)
      for (const [index, count] of sample.buckets) buckets.set(index, (buckets.get(index) ?? 0) + count);
    const sum = (of: (sample: HandlerSample) => number): number => same.reduce((total, one) => total + of(one), 0);
    const count = sum((one) => one.count);
    const maxMicros = Math.max(...same.map((one) => one.maxMicros));
    const quantile = (share: number): number => Math.min(Math.ceil(maxMicros), quantileOf(buckets, count, share));
    return {
      kind: same[0]?.kind ?? "",
      message: same[0]?.message ?? "",
      count,
      failed: sum((one) => one.failed),
      meanMicros: Math.round((10 * sum((one) => one.totalMicros)) / Math.max(1, count)) / 10,
      p50Micros: quantile(0.5),
      p99Micros: quantile(0.99),
      maxMicros: Math.ceil(maxMicros),
    };
  });
  return views.sort((one, other) => other.p99Micros - one.p99Micros || other.maxMicros - one.maxMicros);
}

function quantileOf(buckets: ReadonlyMap<number, number>, count: number, share: number): number {
  let seen = 0;
  for (const [index, occupied] of [...buckets].sort(([one], [other]) => one - other)) {
    seen += occupied;
    if (seen >= share * count) return upperEnd(index);
  }
  return 0;
}

/** Whole microseconds below 4 have a bucket each; above, a doubling has four. */
function bucketOf(micros: number): number {
  const whole = micros >= 2 ** 31 ? 2 ** 31 - 1 : micros | 0;
  if (whole < STEPS_A_DOUBLING) return whole < 0 ? 0 : whole;
  const doubling = 31 - Math.clz32(whole);
  return (doubling - 1) * STEPS_A_DOUBLING + ((whole >> (doubling - 2)) & 3);
}

function upperEnd(bucket: number): number {
  if (bucket < STEPS_A_DOUBLING) return bucket + 1;
  const doubling = Math.floor(bucket / STEPS_A_DOUBLING) + 1;
  return 2 ** doubling + ((bucket % STEPS_A_DOUBLING) + 1) * 2 ** (doubling - 2);
}
