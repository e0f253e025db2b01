import { z } from "zod";
import { DocumentId, MoneyMicros, Name } from "./fields.ts";

/** What is sold to chosen ad sets on agreed terms; a request offers it by `imp.pmp.deals[].id`. */
export const DealDocument = z.strictObject({
  id: DocumentId,
  name: Name.optional(),
  adSetIds: z.array(DocumentId).max(1_000, { error: "must have at most 1000 elements" }),
  /** In the currency of the ad sets' campaigns; the exchange's own floor counts where it is higher. */
  floorCpmMicros: MoneyMicros.optional(),
  /** 1 first price, 2 second price, 3 fixed price. */
  at: z.union([z.literal(1), z.literal(2), z.literal(3)], { error: "must be 1, 2 or 3" }).optional(),
  /** Served as the tier `guaranteed` is. */
  guaranteed: z.boolean().optional(),
  /** Seats that buy under it, in the order of preference; absent: our own. */
  seats: z.array(z.string().min(1).max(64)).max(100, { error: "must have at most 100 elements" }).optional(),
});
export type DealDocument = z.infer<typeof DealDocument>;
