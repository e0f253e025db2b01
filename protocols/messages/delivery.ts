import { z } from "zod";
import { ConversionClaim, Touch } from "./conversion.ts";
import { Id } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { TRACKED_EVENTS } from "../tracked-event.ts";
import { EpochMs, LocalDate, Nanos, type DurationMs } from "../quantities.ts";

const MINUTE_MS = 60_000;
/** OpenRTB `audio.feed` of a podcast. */
const FEED_PODCAST = 3;
/** What a beacon may take after the ad has played. */
const BEACON_MS = 10 * MINUTE_MS;
/** Clicks count this long after the last moment the ad may have played: the click token's expiry (decisioning.md 7.3). */
export const CLICK_MS: DurationMs = 24 * 60 * MINUTE_MS;
/** Longest queueing that is believed: above it a bid would hold money for days. */
const QUEUE_MS_MAX = 24 * 60 * MINUTE_MS;

/**
 * How long a bid's money and cap stay reserved from the decision on, which is also how long its impression token is good
 * (decisioning.md 7.2). @param expMs `imp.exp` in milliseconds, where the exchange named it.
 */
export function reservationMs(feed: number | undefined, expMs: DurationMs | undefined): DurationMs {
  const queueMs = expMs ?? (feed === FEED_PODCAST ? 60 : 10) * MINUTE_MS;
  return Math.min(queueMs, QUEUE_MS_MAX) + BEACON_MS;
}

export const TrackedEvent = z.enum(TRACKED_EVENTS);
export type TrackedEvent = z.infer<typeof TrackedEvent>;

export const DeliveryOpening = z.strictObject({
  decisionId: z.string(),
  /** The ad's place in the answer; absent: the first. */
  slot: z.int().optional(),
  /** Key of the listener's actor, or null when it keeps nothing of this decision. */
  listener: z.string().nullable(),
  campaignId: Id,
  adSetId: Id,
  creativeId: Id,
  advertiserId: Id,
  /** Day of the campaign that pays (D16). */
  day: LocalDate,
  priceNanos: Nanos,
  durationMs: z.int(),
  /** End of the reservation: the impression token's expiry (decisioning.md 7.2). */
  expiresAtMs: EpochMs,
  /** Decided for `test: 1`: never bills, caps or learns. */
  test: z.boolean(),
  podcast: z.boolean(),
  /** Of an ad set with rotation `optimised`: the genre that its campaign's creatives learn for (creative-learner.ts). */
  learntGenre: z.int().optional(),
  /** The listener may be measured: conversions may join by listener. Absent in messages of older releases, which asked nobody. */
  measure: z.boolean().optional(),
});
export type DeliveryOpening = z.infer<typeof DeliveryOpening>;

/**
 * accepted: counted now, or once billed · duplicate: came before · late: its reservation or window has ended, recorded, never billed ·
 * invalid: a bot's, recorded, never counted · test: not counted.
 */
export const EventStatus = z.enum(["accepted", "duplicate", "late", "invalid", "test"]);
export type EventStatus = z.infer<typeof EventStatus>;

export const DeliveryStage = z.enum(["open", "billed", "lost", "expired"]);

/** Why an event is no person's (IVT); it is recorded under this word and has no other effect. */
export const InvalidTraffic = z.enum(["bot"]);
export type InvalidTraffic = z.infer<typeof InvalidTraffic>;

const EVENT = { event: TrackedEvent, atMs: EpochMs, invalid: InvalidTraffic.optional() };

export const DeliveryView = z.strictObject({
  stage: DeliveryStage,
  priceNanos: Nanos,
  events: z.array(z.strictObject({ event: z.string(), atMs: EpochMs, invalid: InvalidTraffic.optional() })),
  /** Its playback is over: `events` are those of after that, the rest is in the decision log. */
  over: z.boolean(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;

/** What a delivery says to a conversion: the touch it joins, or why there is none (yet). */
export const ConversionAnswer = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("touch"), touch: Touch }),
  /** Kept: it joins when an impression or a click that is still to come makes it. */
  z.strictObject({ status: z.literal("held") }),
  z.strictObject({ status: z.literal("late") }),
  z.strictObject({ status: z.literal("test") }),
]);
export type ConversionAnswer = z.infer<typeof ConversionAnswer>;

/** One bid's life: open → billed | lost | expired; key = serving id, pinned to the decision's partition (D16). Only Open creates it. */
export const delivery = protocol("delivery", {
  Open: tell(DeliveryOpening.shape),
  Event: ask(EVENT, EventStatus),
  /** The same by mail, when the owner did not answer the gateway in time (D4). */
  LateEvent: tell(EVENT),
  /** Asks which touch a conversion joins; safe to repeat, counts nothing: the order's actor does (ADR 0015). */
  Convert: ask(ConversionClaim.shape, ConversionAnswer),
  /** The answer reached nobody: frees money and cap (D5). */
  Withdraw: tell({}),
  Describe: ask({}, DeliveryView),
});
