import type { ArmSums } from "./arm-sums.ts";

/** What every test needs of an arm: `variance` is that of one unit; that of the mean is variance / units. */
export interface ArmMoments {
  readonly units: number;
  readonly mean: number;
  readonly variance: number;
}

/** Of a metric with a value for each unit; the unbiased variance. Fewer than two units have none (NaN). */
export function meanMoments({ units, sum, sumSquares }: ArmSums): ArmMoments {
  return { units, mean: sum / units, variance: varianceOf(sumSquares, sum, units) };
}

/** Of a metric that is 0 or 1, with the variance p(1 − p) of the binomial. @param successes units with a 1. */
export function proportionMoments(successes: number, units: number): ArmMoments {
  const mean = successes / units;
  return { units, mean, variance: mean * (1 - mean) };
}

/**
 * Of a ratio of two totals of each unit (clicks by impressions), by the delta method: impressions of one listener are not
 * independent, listeners are (Deng, Knoblich, Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 3.1).
 * @param sums value = numerator, pre-period value = denominator.
 */
export function ratioMoments(sums: ArmSums): ArmMoments {
  const { units, sum, sumSquares, preSum, preSumSquares, crossSum } = sums;
  const mean = sum / preSum;
  const denominator = preSum / units;
  const residual =
    varianceOf(sumSquares, sum, units) -
    2 * mean * covarianceOf(crossSum, sum, preSum, units) +
    mean * mean * varianceOf(preSumSquares, preSum, units);
  return { units, mean, variance: residual / (denominator * denominator) };
}

/** The unbiased variance out of a sum of squares and a sum; rounding cannot make it negative. NaN below two units. */
export function varianceOf(sumSquares: number, sum: number, units: number): number {
  return Math.max(0, covarianceOf(sumSquares, sum, sum, units));
}

/** The unbiased covariance out of a sum of products and the two sums; NaN below two units. */
export function covarianceOf(products: number, sumA: number, sumB: number, units: number): number {
  return units < 2 ? Number.NaN : (products - (sumA * sumB) / units) / (units - 1);
}
