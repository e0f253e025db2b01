import { z } from "zod";
import { DeliveryOpening, DeliveryStage, InvalidTraffic, TrackedEvent } from "../../protocols/messages/delivery.ts";
import { ConversionClaim } from "../../protocols/messages/conversion.ts";
import { Id } from "../../protocols/ids.ts";
import { EpochMs, LocalDate } from "../../protocols/quantities.ts";
import type { SingleState } from "../../runtime/actor/state.ts";

/** An event of its kind came once; repeats are not kept (N1). A bot's stands apart: it takes the place of no person's. */
const SeenEvent = z.strictObject({ event: TrackedEvent, atMs: EpochMs, invalid: InvalidTraffic.optional() });
export type SeenEvent = z.infer<typeof SeenEvent>;

/** A bid while it may play and its playback counts. */
const Playing = z.strictObject({
  /** null only until the message that creates the actor has run. */
  opening: DeliveryOpening.nullable(),
  stage: DeliveryStage,
  /** In the order of arrival, one of a kind. */
  events: z.array(SeenEvent),
  /** Playback events that count, come or implied (N2); empty until billed. */
  counted: z.array(TrackedEvent),
  /** Conversions that came before what makes them join; at most `HELD_MAX`. */
  held: z.array(ConversionClaim),
});
export type Playing = z.infer<typeof Playing>;

/** What is left of a billed bid once its playback is over, for clicks and conversions (ADR 0015). */
const Remembered = z.strictObject({
  stage: z.literal("over"),
  campaignId: Id,
  creativeId: Id,
  day: LocalDate,
  /** Key of the listener's actor, or null. */
  listener: z.string().nullable(),
  heardAtMs: EpochMs,
  /** null: not clicked. */
  clickedAtMs: EpochMs.nullable(),
  /** A bot's click was recorded. */
  botClicked: z.boolean(),
  /** The end of its tokens: no click can come later. */
  tokensEndMs: EpochMs,
  held: z.array(ConversionClaim),
  /** As of the opening. */
  learntGenre: z.int().optional(),
});
export type Remembered = z.infer<typeof Remembered>;

export const DeliveryState = z.union([Playing, Remembered]);
export type DeliveryState = z.infer<typeof DeliveryState>;

export const deliveryState: SingleState<DeliveryState> = {
  version: 2,
  schema: DeliveryState,
  personal: true, // the listener's key
  initial: () => ({ opening: null, stage: "open", events: [], counted: [], held: [] }),
  upgrade: { 1: (older) => ({ ...(older as object), held: [] }) },
};
