import { z } from "zod";
import { DeliveryOpening, DeliveryStage, TrackedEvent } from "../../protocols/messages/delivery.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import type { SingleState } from "../../runtime/actor/state.ts";

/** An event of its kind came once; repeats are not kept (N1). */
const SeenEvent = z.strictObject({ event: TrackedEvent, atMs: EpochMs });
export type SeenEvent = z.infer<typeof SeenEvent>;

export const DeliveryState = z.strictObject({
  /** null only until the message that creates the actor has run. */
  opening: DeliveryOpening.nullable(),
  stage: DeliveryStage,
  /** In the order of arrival, one of a kind. */
  events: z.array(SeenEvent),
  /** Playback events that count, come or implied (N2); empty until billed. */
  counted: z.array(TrackedEvent),
});
export type DeliveryState = z.infer<typeof DeliveryState>;

export const deliveryState: SingleState<DeliveryState> = {
  version: 1,
  schema: DeliveryState,
  personal: true, // the listener's key
  initial: () => ({ opening: null, stage: "open", events: [], counted: [] }),
};
