import { z } from "zod";
import { day, factor, logSd, share } from "./listening-schema.ts";

/* The half of a world that pays: what a slot is worth, who bids for it, what an ad brings, and what of that is heard of. */

const micros = z.int().min(0).max(1e15);

export const openMarketSchema = z.strictObject({
  /** What the open market pays for a thousand 30 s ads, micros: $15 [A]. Times all factors below, each of mean about 1. */
  cpmMicros: micros,
  /** Standard deviation of the logarithm of a slot's worth [A]: how unequal slots are decides what a policy can win (learning.md 0.4). 0 is the flat world. */
  valueLogSd: logSd,
  /** Worth falls as (1 + ads already heard today)^−this; .29 from Podsights' response by frequency [S]. */
  repetitionExponent: z.number().min(0).max(3),
  /** Share of positions somebody bids for [A]. */
  fillShare: share,
  /** What a 15 s ad pays of a 30 s one [A]. */
  shortAdPriceShare: share,
  /** Half the swing of the worth over the year, as a share [A]; 0 is no season. */
  seasonAmplitude: share,
  /** Day of the year (365 days) with the highest prices. */
  seasonPeakDay: day,
});

export const campaignSchema = z.strictObject({
  name: z.string().min(1).max(40),
  /** Campaigns of one advertiser share its name. */
  advertiser: z.string().min(1).max(40),
  /** Live from this day … */
  startDay: day,
  /** … up to and without this one. */
  endDay: day,
  /** What it may spend on a day for each 1,000 listeners of the run, micros, so that a world suits any size of run. The world counts, it does not stop: keeping to it is the policy's duty. */
  budgetMicrosPerDayPer1000: micros,
  /** From `day` on the budget is another: a rise for one day is money dumped at once. */
  budgetChanges: z.array(z.strictObject({ day, budgetMicrosPerDayPer1000: micros })).max(64),
  /** Factor on a slot's worth that it bids [A]. */
  priceFactor: factor,
  /** Spread of its bid around that, log-sd by slot [A]. */
  priceLogSd: logSd,
  /** Share of the slots inside its targeting that it bids for [A]. */
  reachShare: share,
  /** Names of platforms and genres it wants; an empty list is all. */
  platforms: z.array(z.string()).max(16),
  genres: z.array(z.string()).max(16),
  /** Creatives live at a time. */
  creatives: z.int().min(1).max(64),
  /** Each creative is replaced by a new one after this many days, one after the other; 0 is never. */
  creativeLifetimeDays: day,
  /** Factor on the response to its ads [A]. */
  responseFactor: factor,
});

export const responseSchema = z.strictObject({
  /** Visits an impression: .27 %, from Podsights' 1.21 % at a frequency of 4.55 [S]. */
  visitShare: share,
  /** Purchases an impression: .014 % [S, the same]. */
  purchaseShare: share,
  /** Spread of creatives' response, log-sd [A]. */
  creativeLogSd: logSd,
  /** Correlation of a creative's effect between two platforms [A]: what transfer can carry over. */
  creativePlatformCorrelation: share,
  /** Spread of creative × genre on top, log-sd [A]. */
  creativeGenreLogSd: logSd,
  /** Spread of listeners' own responsiveness, log-sd [A]. */
  listenerLogSd: logSd,
  /** Response to a 15 s ad as a share of that to a 30 s one [A]. */
  shortAdShare: share,
  /** Delay of a visit or purchase: `cumulativeShare` within `withinHours`, uniform in the logarithm between two entries (the first: from a minute). Chapelle, KDD 2014: 35 % < 1 h, 50 % < 24 h, 87 % < 14 d, all < 30 d [S]. */
  delays: z
    .array(z.strictObject({ withinHours: z.number().min(0.02).max(10_000), cumulativeShare: share }))
    .min(1)
    .max(16)
    .refine((list) => list.at(-1)?.cumulativeShare === 1, "the last cumulativeShare is 1")
    .refine(
      (list) =>
        list.every(
          (entry, at) =>
            at === 0 ||
            (entry.withinHours > list[at - 1]!.withinHours && entry.cumulativeShare >= list[at - 1]!.cumulativeShare),
        ),
      "withinHours and cumulativeShare rise",
    ),
  /** Ads heard to the end without fatigue: 96 % [A]; published rates are 90 to 98 % [S]. */
  completionShare: share,
  /** Fall of that share per unit of fast fatigue at sensitivity 1 [A]. */
  completionDropPerFastAd: share,
});

export const trackingSchema = z.strictObject({
  /** Share of impressions whose tracking never arrives, nor that of what follows from them [A]. */
  lossShare: share,
  /** Days on which no tracking arrives at all: lost, not late [A]. What listeners do goes on. */
  outages: z.array(z.strictObject({ fromDay: day, days: z.int().min(1).max(365) })).max(32),
});
