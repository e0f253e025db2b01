import { type ArmMoments, covarianceOf, varianceOf } from "./arm-moments.ts";
import { type ArmSums, merged } from "./arm-sums.ts";

export interface Adjusted {
  readonly control: ArmMoments;
  readonly treatment: ArmMoments;
  /** What a unit of the pre-period value is worth in the metric; pooled over the arms. */
  readonly theta: number;
  /** The share of the variance of the difference that the adjustment takes away, 0 to 1. */
  readonly varianceReduction: number;
}

/**
 * CUPED: subtracts what a unit's own pre-period value foretells (Deng, Xu, Kohavi, Walker, "Improving the Sensitivity of Online Controlled
 * Experiments by Utilizing Pre-Experiment Data", WSDM 2013, equations 4 and 5), with one theta for both arms out of their
 * pooled sums, as GrowthBook does. The adjusted means stay on the metric's own scale: each arm is moved to the pooled pre-period mean.
 * Without pre-period variance nothing changes (theta 0).
 */
export function cupedMoments(control: ArmSums, treatment: ArmSums): Adjusted {
  const both = merged(control, treatment);
  const preVariance = preVarianceOf(both);
  const theta = preVariance > 0 ? crossCovariance(both) / preVariance : 0;
  const preMean = both.preSum / both.units;
  const a = adjusted(control, theta, preMean);
  const b = adjusted(treatment, theta, preMean);
  const plain = ofMean(valueVariance(control), control) + ofMean(valueVariance(treatment), treatment);
  const left = ofMean(a.variance, control) + ofMean(b.variance, treatment);
  return { control: a, treatment: b, theta, varianceReduction: plain > 0 ? Math.max(0, 1 - left / plain) : 0 };
}

function adjusted(sums: ArmSums, theta: number, preMean: number): ArmMoments {
  const mean = sums.sum / sums.units - theta * (sums.preSum / sums.units - preMean);
  const variance = valueVariance(sums) - 2 * theta * crossCovariance(sums) + theta * theta * preVarianceOf(sums);
  return { units: sums.units, mean, variance: Math.max(0, variance) };
}

const valueVariance = (sums: ArmSums): number => varianceOf(sums.sumSquares, sums.sum, sums.units);
const preVarianceOf = (sums: ArmSums): number => varianceOf(sums.preSumSquares, sums.preSum, sums.units);
const crossCovariance = (sums: ArmSums): number => covarianceOf(sums.crossSum, sums.sum, sums.preSum, sums.units);
const ofMean = (variance: number, sums: ArmSums): number => variance / sums.units;
