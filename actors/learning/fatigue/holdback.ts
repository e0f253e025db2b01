import type { ArmSums } from "../experiment/arm-sums.ts";
import { sequenceInterval } from "../experiment/confidence-sequence.ts";
import { cupedMoments } from "../experiment/cuped.ts";
import { type Interval, relativeEffect } from "../experiment/effect.ts";
import { type GuardrailState, guardrailState } from "../experiment/guardrail.ts";

/** Hours that learning may cost against the control rule: 1 %. */
const MARGIN = 0.01;
const ALPHA = 0.05;
const LISTENERS_MIN = 200;

export interface HoldbackReading {
  /** harmed: learning is rolled back to the control rule. */
  readonly state: GuardrailState;
  /** Of hours against the holdback, relative, valid at any time; unbounded before there are enough listeners. */
  readonly interval: Interval;
}

/**
 * Compares the learning listeners' hours with the holdback's, at any moment: rolled back as soon as the confidence sequence excludes
 * every effect better than −1 %.
 * @param tuningUnits listeners of both arms at which the interval is to be tightest.
 */
export function readHoldback(holdback: ArmSums, learning: ArmSums, tuningUnits: number): HoldbackReading {
  const open: HoldbackReading = { state: "open", interval: { lower: -Infinity, upper: Infinity } };
  if (holdback.units < LISTENERS_MIN || learning.units < LISTENERS_MIN || !(holdback.sum > 0)) return open;
  const { control, treatment } = cupedMoments(holdback, learning);
  const interval = sequenceInterval(relativeEffect(control, treatment), { alpha: ALPHA, tuningUnits });
  return {
    state: guardrailState({ guardrail: { metric: "hours", harm: "decrease", margin: MARGIN }, interval }),
    interval,
  };
}
