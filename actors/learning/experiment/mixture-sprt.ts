import type { Effect, Interval } from "./effect.ts";

/*
 * The mixture sequential probability ratio test with a normal mixture over the effect (Robbins 1970; Johari, Koomen, Pekelis, Walsh, "Always
 * Valid Inference: Continuous Monitoring of A/B Tests", Operations Research 2022, section 4). Kept to compare with: it is
 * best when the effects that occur really spread like the mixture.
 */

/** @param mixtureVariance tau squared: the variance of the effects one expects, in the effect's unit squared; above 0. */
export function mixtureSprtInterval(
  { estimate, variance }: Pick<Effect, "estimate" | "variance">,
  mixtureVariance: number,
  alpha: number,
): Interval {
  const total = variance + mixtureVariance;
  const half = Math.sqrt(((2 * variance * total) / mixtureVariance) * Math.log(Math.sqrt(total / variance) / alpha));
  return { lower: estimate - half, upper: estimate + half };
}

/** 1 / likelihood ratio of the mixture against no effect, at most 1; may be read at any time. */
export function mixtureSprtPValue(
  { estimate, variance }: Pick<Effect, "estimate" | "variance">,
  mixtureVariance: number,
): number {
  const total = variance + mixtureVariance;
  const evidence = (mixtureVariance * estimate * estimate) / (2 * variance * total) + Math.log(variance / total) / 2;
  return Math.min(1, Math.exp(-evidence));
}
