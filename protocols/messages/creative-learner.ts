import { z } from "zod";
import { Id } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { EpochMs } from "../quantities.ts";

/** Coarse genres that a creative's effect is learnt for; the last stands for every other. */
export const LEARNT_GENRES = ["rock", "pop", "hip-hop", "electronic", "jazz", "classical", "news", "other"] as const;

/** @returns position in `LEARNT_GENRES` of the first genre that is among them. */
export function learntGenre(genres: readonly string[]): number {
  for (const genre of genres) {
    const position = (LEARNT_GENRES as readonly string[]).indexOf(genre.toLowerCase());
    if (position !== -1) return position;
  }
  return LEARNT_GENRES.length - 1;
}

/** Ten-thousandths, so that a table is small and the same wherever it is read. */
export const CHANCE_UNITS = 10_000;

/** What is known of one creative: its effect on responses against the campaign's mean creative, 1 = like it, with a 90 % interval. */
const Effect = z.strictObject({
  creativeId: Id,
  mean: z.number(),
  low: z.number(),
  high: z.number(),
  /** Impressions, those of them whose response is known by now, and responses. */
  shown: z.number(),
  known: z.number(),
  responses: z.number(),
});

/** What a campaign's learner publishes: the chances that local agents draw from until the next. */
export const CreativeTable = z.strictObject({
  campaignId: Id,
  atMs: EpochMs,
  /** By position in `LEARNT_GENRES`: units of each creative in the order of `effects`. */
  chances: z.array(z.array(z.int().min(0).max(CHANCE_UNITS))),
  effects: z.array(Effect),
  /** Responses an impression of the mean creative. */
  responseRate: z.number(),
  /** holding: too many bids end without word, so nothing is learnt from them. frozen: an operator wants it so. */
  state: z.enum(["learning", "holding", "frozen"]),
});
export type CreativeTable = z.infer<typeof CreativeTable>;

/** Prefix of the topics of all learners. */
export const LEARNER_TOPICS = "learn";
export const creativeTopic = (campaignId: string): string => `${LEARNER_TOPICS}.creative.${campaignId}`;

const Heard = {
  creativeId: Id,
  genre: z
    .int()
    .min(0)
    .max(LEARNT_GENRES.length - 1),
  atMs: EpochMs,
};

/** Learns which creatives of a campaign are responded to; key = campaign id. Fed by deliveries of ad sets with rotation `optimised`. */
export const creativeLearner = protocol("creative-learner", {
  /** An impression was billed. */
  Shown: tell(Heard),
  /** Its listener clicked. */
  Responded: tell(Heard),
  /** A bid's reservation ended without a word about it. */
  Missed: tell({ atMs: EpochMs }),
  Freeze: ask({ frozen: z.boolean() }, CreativeTable),
  /** Forgets everything learnt. */
  Reset: ask({}, CreativeTable),
});
