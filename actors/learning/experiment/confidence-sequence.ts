import type { Effect, Interval } from "./effect.ts";

/*
 * The asymptotic confidence sequence: an interval that holds at all sample sizes at once, so that it may be looked at whenever one
 * likes and acted upon (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic
 * confidence sequences", Annals of Statistics 2024, arXiv 2103.06476, equation 9; in GrowthBook's form, which takes the units of both arms
 * as the time). It is asymptotic: too early, when the variance itself is unknown, it may err (see `SequenceStart`).
 */

export interface SequencePlan {
  /** 1 − confidence, 0.05 for 95 %. */
  readonly alpha: number;
  /** Units of both arms at which the interval is to be tightest; about the planned size. */
  readonly tuningUnits: number;
}

/** The scale of the mixture that is tightest at `tuningUnits` (Waudby-Smith et al., appendix B.2). */
export function mixtureScale({ alpha, tuningUnits }: SequencePlan): number {
  const target = -2 * Math.log(alpha);
  return Math.sqrt((target + Math.log(target + 1)) / tuningUnits);
}

/** The interval after so many units; sound at every look together. */
export function sequenceInterval(effect: Effect, plan: SequencePlan): Interval {
  const half = sequenceHalfWidth(effect.variance, effect.units, plan);
  return { lower: effect.estimate - half, upper: effect.estimate + half };
}

/** @param variance of the estimate after that many units. */
export function sequenceHalfWidth(variance: number, units: number, plan: SequencePlan): number {
  const scale = mixtureScale(plan);
  const time = units * scale * scale + 1;
  const unitVariance = variance * units;
  return (
    Math.sqrt(unitVariance) * Math.sqrt((2 * time * Math.log(Math.sqrt(time) / plan.alpha)) / (units * scale) ** 2)
  );
}

/**
 * The p-value that may be read at any time: 1 / (the mixture's evidence against no effect), at most 1. Below alpha exactly when the
 * interval excludes 0 (Waudby-Smith et al., the sequence's dual; the plan's alpha sets the scale only).
 */
export function sequencePValue(effect: Effect, plan: SequencePlan): number {
  const scale = mixtureScale(plan);
  const time = effect.units * scale * scale + 1;
  const unitVariance = effect.variance * effect.units;
  const evidence = (scale * effect.units * effect.estimate) ** 2 / (2 * unitVariance * time) - Math.log(time) / 2;
  return Math.min(1, Math.exp(-evidence));
}

/** What all looks so far leave: their intersection. It may end empty (lower > upper) where an assumption is broken. */
export function narrowed(before: Interval, now: Interval): Interval {
  return { lower: Math.max(before.lower, now.lower), upper: Math.min(before.upper, now.upper) };
}
