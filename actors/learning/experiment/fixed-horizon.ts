import { normalQuantile, normalTwoSided, studentCritical, studentTwoSided } from "../numerics/distributions.ts";
import type { Effect, Interval } from "./effect.ts";

/*
 * Tests that hold for one look at a planned sample size. A read-out that people watch uses confidence-sequence.ts: these, looked at
 * daily, find a difference in a third of the experiments that have none (bar L8 has the figure).
 */

export interface TestResult extends Interval {
  readonly estimate: number;
  /** Two-sided. */
  readonly pValue: number;
}

/** Welch's t-test (Biometrika 34, 1947). @param alpha 1 − confidence, 0.05 for 95 %. */
export function welchTest(effect: Effect, alpha: number): TestResult {
  const error = Math.sqrt(effect.variance);
  const half = studentCritical(alpha, effect.degrees) * error;
  return around(effect.estimate, half, studentTwoSided(effect.estimate / error, effect.degrees));
}

/** The z-test with the arms' own variances: for two proportions Wald's interval, as spotify-confidence has it. */
export function zTest(effect: Effect, alpha: number): TestResult {
  const error = Math.sqrt(effect.variance);
  return around(effect.estimate, normalQuantile(1 - alpha / 2) * error, normalTwoSided(effect.estimate / error));
}

/** Successes among the units of one arm. */
export interface Proportion {
  readonly successes: number;
  readonly units: number;
}

/** Pearson's chi-square of two proportions without continuity correction: the z-test with the variance of the pooled rate. */
export function twoProportionPValue(control: Proportion, treatment: Proportion): number {
  const pooled = (control.successes + treatment.successes) / (control.units + treatment.units);
  const variance = pooled * (1 - pooled) * (1 / control.units + 1 / treatment.units);
  const difference = treatment.successes / treatment.units - control.successes / control.units;
  return normalTwoSided(difference / Math.sqrt(variance));
}

function around(estimate: number, half: number, pValue: number): TestResult {
  return { estimate, lower: estimate - half, upper: estimate + half, pValue };
}
