import { z } from "zod";
import { Id } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { TRACKED_EVENTS } from "../tracked-event.ts";
import { EpochMs, LocalDate, Nanos, type DurationMs } from "../quantities.ts";

const MINUTE_MS = 60_000;
/** OpenRTB `audio.feed` of a podcast. */
const FEED_PODCAST = 3;
/** What a beacon may take after the ad has played. */
const BEACON_MS = 10 * MINUTE_MS;
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
});
export type DeliveryOpening = z.infer<typeof DeliveryOpening>;

/** accepted: counted now, or once billed · duplicate: came before · late: its reservation has ended, recorded, never billed · test: not counted. */
export const EventStatus = z.enum(["accepted", "duplicate", "late", "test"]);
export type EventStatus = z.infer<typeof EventStatus>;

export const DeliveryStage = z.enum(["open", "billed", "lost", "expired"]);

export const DeliveryView = z.strictObject({
  stage: DeliveryStage,
  priceNanos: Nanos,
  events: z.array(z.strictObject({ event: TrackedEvent, atMs: EpochMs })),
});
export type DeliveryView = z.infer<typeof DeliveryView>;

/** One bid's life: open → billed | lost | expired; key = serving id, pinned to the decision's partition (D16). Only Open creates it. */
export const delivery = protocol("delivery", {
  Open: tell(DeliveryOpening.shape),
  Event: ask({ event: TrackedEvent, atMs: EpochMs }, EventStatus),
  /** The same by mail, when the owner did not answer the gateway in time (D4). */
  LateEvent: tell({ event: TrackedEvent, atMs: EpochMs }),
  /** The answer reached nobody: frees money and cap (D5). */
  Withdraw: tell({}),
  Describe: ask({}, DeliveryView),
});
