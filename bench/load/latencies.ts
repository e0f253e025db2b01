import { build } from "hdr-histogram-js";
import type { LatencyFigures } from "./load-plan.ts";

const MICROS = 1_000;
const LONGEST_MICROS = 120_000_000;

/** Latencies in an HDR histogram: three significant digits from a microsecond to two minutes. */
export class Latencies {
  readonly #histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MICROS,
    numberOfSignificantValueDigits: 3,
    autoResize: false,
    useWebAssembly: false,
  });

  record(durationMs: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(durationMs * MICROS), 1), LONGEST_MICROS));
  }

  /** @param percentile 0 to 100. @returns milliseconds; 0 when nothing was recorded. */
  percentileMs(percentile: number): number {
    return this.#histogram.totalCount === 0 ? 0 : this.#histogram.getValueAtPercentile(percentile) / MICROS;
  }

  figures(): LatencyFigures {
    return {
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p99Ms: this.percentileMs(99),
      p999Ms: this.percentileMs(99.9),
      maxMs: this.percentileMs(100),
    };
  }
}
