import { z } from "zod";

/*
 * The half of a world that listens: who there is, what ads do to them, when they come, how long they stay. [S] is read in the source
 * named, [A] an assumption that nobody measured: vary it (scenario.ts does). "Pandora" is Goli, Huang, Reiley, Riabov,
 * "Measuring consumer sensitivity to audio advertising", QME 2025, arXiv 2412.05516.
 */

export const share = z.number().min(0).max(1);
export const logSd = z.number().min(0).max(3);
const logShift = z.number().min(-3).max(3);
const name = z.string().min(1).max(40);
export const day = z.int().min(0).max(100_000);
export const factor = z.number().min(0).max(100);

/** A list whose `share`s sum to 1. */
const shared = <T extends z.ZodType<{ share: number }>>(item: T) =>
  z
    .array(item)
    .min(1)
    .max(16)
    .refine((list) => Math.abs(list.reduce((sum, each) => sum + each.share, 0) - 1) < 1e-6, "shares sum to 1");

export const populationSchema = z.strictObject({
  /** Age bands; `share` of listeners [A]; `sensitivityLogShift` added to the logarithm of sensitivity: Pandora saw more churn at 18–24 (.33 %) than at 55+ (.22 %) [S], shifts [A]. */
  ages: shared(z.strictObject({ name, share, sensitivityLogShift: logShift })),
  /** Platforms; shares and shifts [A]. `launchDay`: the listeners of the platform join on this day; 0 is from the start. */
  platforms: shared(z.strictObject({ name, share, sensitivityLogShift: logShift, launchDay: day })),
  /** Genres; shares of listening, and the factor on what a slot is worth, both [A]. */
  genres: shared(z.strictObject({ name, share, priceFactor: factor })),
  /** Share of a listener's sessions in their favourite genre [A]; the others follow the genres' shares. */
  favouriteGenreShare: share,
  /** Mean over all listeners of the sensitivity that multiplies every effect of ads; 1 is calibrated to Pandora's average. */
  sensitivityMean: z.number().min(0).max(20),
  /** Standard deviation of the logarithm of sensitivity within a segment [A]. */
  sensitivityLogSd: logSd,
});

export const fatigueSchema = z.strictObject({
  /** Effective ads an hour of music at which every hazard has its base value; also everybody's past before day 0. Pandora's average load, 3.63 [S]. */
  referenceAdsPerHour: z.number().min(0).max(60),
  /** Time constant of the slow average of the load, in days [A], so that the first month shows under a third of the effect (Pandora [S]). */
  memoryDays: z.number().min(1).max(3_650),
  /** Half-life of fast fatigue (effective ads lately heard), in minutes [A]. */
  fastHalfLifeMinutes: z.number().min(0.1).max(1_440),
  /** Above this load, effective ads an hour, every further one weighs more [A]; Pandora found a straight line [S], so the default is out of reach. */
  thresholdAdsPerHour: z.number().min(0).max(1_000),
  /** How much more: each ad an hour above the threshold counts as 1 + this. */
  extraSlopeAboveThreshold: z.number().min(0).max(100),
  /** A 15 s ad weighs .5 to this power of a 30 s ad [A]. */
  shortAdExponent: z.number().min(0).max(4),
  /** A pod of n weighs (1 + this × (n − 1)) times the sum of its ads; .05 makes a pod of two 2.1 (Pandora: 4.116 / 1.966 [S]). */
  podPremiumPerExtraAd: z.number().min(0).max(2),
});

export const activitySchema = z.strictObject({
  /** Mean of the logit of the chance that a listener listens on a day, at the reference load [A], calibrated with churn to Pandora's implied .37 active in the last month. */
  logitMean: z.number().min(-10).max(10),
  /** Its standard deviation over listeners [A]. */
  logitSd: z.number().min(0).max(5),
  /** Fall of the logit for one more effective ad an hour at sensitivity 1; calibrated to Pandora's −.955 % days per active listener [S]. */
  logitSlopePerAdPerHour: z.number().min(0).max(2),
  /** Half the swing of the logit over the year [A]; 0 is no season. */
  seasonLogitAmplitude: z.number().min(0).max(3),
  /** Day of the year (365 days) with most listening. */
  seasonPeakDay: day,
});

export const churnSchema = z.strictObject({
  /** Chance a day of leaving for good, at the reference load and the mean frailty [A], calibrated with activity. */
  hazardPerDay: share,
  /** Standard deviation of the logarithm of a listener's own factor on it [A]. */
  frailtyLogSd: logSd,
  /** Rise of its logarithm for one more effective ad an hour at sensitivity 1; calibrated to Pandora's −.915 % active in the last month [S]. */
  logSlopePerAdPerHour: z.number().min(0).max(2),
});

export const subscriptionSchema = z.strictObject({
  /** Chance a day of leaving for the paid, ad-free service at the reference load: .0014 a day see the offer, 12 % of them take it [A]. */
  hazardPerDay: share,
  /** Rise of its logarithm for one more effective ad an hour at sensitivity 1; calibrated to Pandora's +.00145 subscribers a listener [S]. */
  logSlopePerAdPerHour: z.number().min(0).max(2),
});

export const sessionsSchema = z.strictObject({
  /** Chance of a second session on an active day [A]. */
  secondShare: share,
  /** Chance of a third, drawn on its own [A]. */
  thirdShare: share,
  /** Least time between two sessions of one listener, minutes [A]. */
  gapMinutes: z.number().min(0).max(600),
  /** Mean tracks a session without any ad; exits are geometric. Calibrated to 54 minutes of music an active day. */
  tracksMean: z.number().min(1).max(500),
  /** Rise of the logarithm of the chance to end the session after a track, per unit of fast fatigue at sensitivity 1; calibrated to Pandora's −.403 % hours an active day [S]. */
  exitLogSlopePerFastAd: z.number().min(0).max(2),
  /** Share of sessions with the listener at the device, who skips more [A]. */
  leanInShare: share,
  /** Factor on the chance to skip in those [A]. */
  leanInSkipFactor: factor,
  /** When sessions start: from `fromHour` (local, 0 to 23) to the next entry's; the first is 0. Shares of starts and factors on a slot's worth [A]. */
  dayparts: shared(z.strictObject({ name, fromHour: z.int().min(0).max(23), share, priceFactor: factor })).refine(
    (list) => list[0]?.fromHour === 0 && list.every((part, at) => at === 0 || part.fromHour > list[at - 1]!.fromHour),
    "hours rise, the first is 0",
  ),
});

export const tracksSchema = z.strictObject({
  /** Mean length, minutes [A]. */
  minutesMean: z.number().min(0.1).max(120),
  /** Lengths are uniform within this share of the mean to either side [A]. */
  minutesSpread: share,
  /** Chance to skip after a skipped track [A]; the Music Streaming Sessions Dataset has .73 on demand [S], the upper reference. */
  skipAfterSkip: share,
  /** Chance to skip after a track heard to the end [A]; .29 there [S]. */
  skipAfterPlay: share,
  /** Share of a skipped track that was heard [A]. */
  skippedShareHeard: share,
  /** Rise of the logarithm of the chance to skip per unit of fast fatigue at sensitivity 1 [A]. */
  skipLogSlopePerFastAd: z.number().min(0).max(2),
  /** Changes of the recommender: from `day` on, a factor on the chance to skip and a shift of the activity logit [A]; the latest counts. */
  recommenderChanges: z.array(z.strictObject({ day, skipFactor: factor, activityLogitShift: logShift })).max(16),
});

export const botsSchema = z.strictObject({
  /** Share of "listeners" that are programs [A]: every day, no fatigue, no purchase; their ads earn nothing. */
  share,
  /** Mean tracks of their sessions [A]. */
  tracksMean: z.number().min(1).max(500),
  /** Factor on the chance of a (faked) visit [A]. */
  visitFactor: factor,
});
