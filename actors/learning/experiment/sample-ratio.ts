import { chiSquareTail } from "../numerics/distributions.ts";

/** Below this the arms do not have the sizes they were meant to have, and nothing may be read out (Fabijan et al., KDD 2019). */
const SAMPLE_RATIO_ALPHA = 0.001;

export interface SampleRatio {
  readonly pValue: number;
  /** Something between assignment and log loses or repeats units of one arm: a read-out would compare different listeners. */
  readonly mismatch: boolean;
}

export interface ArmCount {
  readonly units: number;
  /** The arm's share of the assignment; only proportions between arms count. */
  readonly share: number;
}

/**
 * The chi-square test of the arms' sizes against their shares (Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled
 * Experiments", KDD 2019).
 * @throws RangeError for fewer than two arms or a share that is not above 0.
 */
export function sampleRatio(arms: readonly ArmCount[]): SampleRatio {
  const units = arms.reduce((total, arm) => total + arm.units, 0);
  const shares = arms.reduce((total, arm) => total + arm.share, 0);
  if (arms.length < 2) throw new RangeError(`arms: ${arms.length}; a ratio needs two or more`);
  let statistic = 0;
  for (const { units: observed, share } of arms) {
    if (!(share > 0)) throw new RangeError(`share ${share}: must be above 0`);
    const expected = (units * share) / shares;
    if (expected > 0) statistic += (observed - expected) ** 2 / expected;
  }
  const pValue = chiSquareTail(statistic, arms.length - 1);
  return { pValue, mismatch: pValue < SAMPLE_RATIO_ALPHA };
}
