import { z } from "zod";

/**
 * How long conversions take, as a mixture of exponentials: F(t) = Σ weight · (1 − exp(−t / meanHours)). A mixture, because then what
 * is still to come of any number of impressions is one number a component, and no ages have to be kept (Chapelle 2014, "Modeling
 * delayed feedback in display advertising", whose model has one component).
 */
export const DelayCurve = z
  .array(z.strictObject({ weight: z.number().min(0).max(1), meanHours: z.number().positive().max(2_400) }))
  .length(3);
export type DelayCurve = z.infer<typeof DelayCurve>;

/** 35 % within 1 h, 50 % within 24 h, 87 % within 14 d (Chapelle 2014, Criteo's 30-day window); within .02 at each of them. */
export const CONVERSION_DELAY: DelayCurve = [
  { weight: 0.36, meanHours: 0.3 },
  { weight: 0.09, meanHours: 10 },
  { weight: 0.55, meanHours: 228 },
];

/** Feedback that comes with the ad itself (click, completion, skip): within minutes. */
export const PLAYBACK_DELAY: DelayCurve = [
  { weight: 1, meanHours: 0.05 },
  { weight: 0, meanHours: 1 },
  { weight: 0, meanHours: 1 },
];

/** Share of an impression's conversions that have come `hours` after it: F. */
export function maturity(curve: DelayCurve, hours: number): number {
  return curve.reduce(
    (sum, { weight, meanHours }) => sum + weight * (1 - Math.exp(-Math.max(0, hours) / meanHours)),
    0,
  );
}
