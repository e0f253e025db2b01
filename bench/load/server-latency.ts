/** Cumulative counts by upper bound in milliseconds, as Prometheus' histograms have them. */
export type LatencyCounts = ReadonlyMap<number, number>;

/** What was counted between two readings of one histogram. */
export function histogramDifference(before: LatencyCounts, after: LatencyCounts): LatencyCounts {
  return new Map([...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]));
}

/**
 * The quantile in milliseconds, linear within its bucket as Prometheus' `histogram_quantile`; NaN without observations, the largest finite
 * bound for what lies above it.
 */
export function quantileOf(counts: LatencyCounts, quantile: number): number {
  const buckets = [...counts].sort(([one], [other]) => one - other);
  const rank = quantile * (buckets.at(-1)?.[1] ?? 0);
  if (rank === 0) return Number.NaN;
  let [lower, below] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= rank) return bound === Infinity ? lower : lower + ((bound - lower) * (rank - below)) / (count - below);
    [lower, below] = [bound, count];
  }
  return lower;
}
