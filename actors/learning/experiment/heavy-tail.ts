/* Metrics of which few units make most: hours listened, spend. Their variance is itself uncertain, and caps it tames. */

/**
 * The cap above which values are cut, out of a period *before* the experiment: a cap chosen from the experiment's own values would be a
 * result of it (Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments", 2020, chapter 22).
 * @param share of the values that stays whole, from (0, 1]; 0.999 cuts one in a thousand.
 */
export function capFrom(before: Float64Array, share: number): number {
  const sorted = before.toSorted();
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[at] ?? Infinity;
}

export function capped(value: number, cap: number): number {
  return Math.min(value, cap);
}

/** The third standardised moment; 0 for a symmetric metric, NaN without variance. */
export function skewness(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let second = 0;
  let third = 0;
  for (const value of values) {
    second += (value - mean) ** 2;
    third += (value - mean) ** 3;
  }
  return third / values.length / (second / values.length) ** 1.5;
}

/** Units that one arm needs before its mean may pass as normal: 355 · skewness² (Kohavi et al., "Seven Rules of Thumb", KDD 2014, rule 7). */
export function unitsForNormality(skew: number): number {
  return Math.ceil(355 * skew * skew);
}
