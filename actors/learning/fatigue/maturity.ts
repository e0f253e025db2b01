import type { MaturityCurve } from "../experiment/fatigue-maturity.ts";

/**
 * Days in which a change of ad load does 63 % of its final work. Pandora's month-1 elasticity of hours is −.019, the final one
 * −.0208 · 3.63 ads/h = −.0755 (Goli et al., arXiv 2412.05516): a mean of .25 over the first 30 days, which an exponential approach
 * has at 50 days.
 */
const FADE_DAYS = 50;

/** Share of the final effect in the mean over the first `days` days of a treatment: from (0, 1), rising. */
export const fatigueMaturityCurve: MaturityCurve = (days) => {
  const spans = Math.max(days, 1) / FADE_DAYS;
  return 1 - (1 - Math.exp(-spans)) / spans;
};
