import { z } from "zod";
import { Id } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { EpochMs, LocalDate } from "../quantities.ts";

/** click: the ad was clicked · listen: it was heard. */
export const TouchKind = z.enum(["click", "listen"]);
export type TouchKind = z.infer<typeof TouchKind>;

/** The contact of a listener with an ad that a conversion is put down to. Names no listener. */
export const Touch = z.strictObject({
  decisionId: z.string(),
  /** The ad's place in the answer. */
  slot: z.int(),
  campaignId: Id,
  creativeId: Id,
  /** Day of the decision, which is the day whose figures count it. */
  day: LocalDate,
  kind: TouchKind,
  /** When it was clicked or heard. */
  atMs: EpochMs,
});
export type Touch = z.infer<typeof Touch>;

/** A conversion that looks for its touch. */
export const ConversionClaim = z.strictObject({
  /** Key of the order's actor: a pseudonym of sender and order id. */
  orderKey: z.string(),
  /** When the order was made, as its sender says, never later than now. */
  atMs: EpochMs,
  valueMicros: z.int().min(0).nullable(),
  /** It came with the ad's click token, which is handed on by clicking only: the click's own beacon may be lost or still to come. */
  clicked: z.boolean(),
});
export type ConversionClaim = z.infer<typeof ConversionClaim>;

const Join = z.strictObject({
  touch: Touch,
  atMs: EpochMs,
  valueMicros: z.int().min(0).nullable(),
});
export type Join = z.infer<typeof Join>;

/** accepted: counted · duplicate: this order converted before. */
const JoinStatus = z.enum(["accepted", "duplicate"]);

/** One order; key = pseudonym of its sender and id. It converts once, however often and with whatever touches it is reported. */
export const conversion = protocol("conversion", {
  Join: ask(Join.shape, JoinStatus),
  /** The same from a delivery that held the conversion. */
  JoinHeld: tell(Join.shape),
});
