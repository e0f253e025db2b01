import { clip } from "../numerics/bounds.ts";

/** A cohort smaller than this is not told apart from its campaign (privacy.md; learning.md 1). */
const COHORT_MIN = 50;
/** Listeners of the campaign that a cohort's own estimate is weighed against. */
const CAMPAIGN_WEIGHT = 200;

/**
 * How much better this context or cohort responds than the campaign does: the factor m of the objective.
 * @param listeners in the cohort; below COHORT_MIN the answer is 1.
 * @returns 0.25 to 4.
 */
export function valueRatio(estimate: number, campaignMean: number, listeners: number): number {
  if (listeners < COHORT_MIN || !(campaignMean > 0)) return 1;
  const own = listeners / (listeners + CAMPAIGN_WEIGHT);
  return clip((own * estimate + (1 - own) * campaignMean) / campaignMean, 0.25, 4);
}
