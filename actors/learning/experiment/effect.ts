import type { ArmMoments } from "./arm-moments.ts";

/** A difference between two arms, before any choice of interval. */
export interface Effect {
  /** Treatment − control; for a relative effect divided by the control's mean (0.02 = 2 % more). */
  readonly estimate: number;
  /** Of the estimate, in its own unit squared. */
  readonly variance: number;
  /** Of both arms together. */
  readonly units: number;
  /** Welch–Satterthwaite degrees of freedom. */
  readonly degrees: number;
}

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** Nothing is known: the interval of an effect that may not be read yet. */
export const UNBOUNDED: Interval = { lower: -Infinity, upper: Infinity };

/** Treatment − control (Welch, "The generalization of Student's problem", Biometrika 34, 1947, for the degrees of freedom). */
export function absoluteEffect(control: ArmMoments, treatment: ArmMoments): Effect {
  return {
    estimate: treatment.mean - control.mean,
    variance: control.variance / control.units + treatment.variance / treatment.units,
    units: control.units + treatment.units,
    degrees: welchDegrees(control, treatment),
  };
}

/**
 * (Treatment − control) / control, with the delta method's variance of a ratio of independent means (Deng et al. 2018, section
 * 3.2; GrowthBook's form). NaN where the control's mean is 0.
 */
export function relativeEffect(control: ArmMoments, treatment: ArmMoments): Effect {
  const base = control.mean;
  const ratio = treatment.mean / base;
  return {
    estimate: ratio - 1,
    variance:
      (treatment.variance / treatment.units + (ratio * ratio * control.variance) / control.units) / (base * base),
    units: control.units + treatment.units,
    degrees: welchDegrees(control, treatment),
  };
}

function welchDegrees(control: ArmMoments, treatment: ArmMoments): number {
  const a = control.variance / control.units;
  const b = treatment.variance / treatment.units;
  return (a + b) ** 2 / ((a * a) / (control.units - 1) + (b * b) / (treatment.units - 1));
}
