import { z } from "zod";
import { Categories, DocumentId, Domain, Name } from "./fields.ts";

export const AdvertiserDocument = z.strictObject({
  id: DocumentId,
  name: Name,
  /** What `badv` of a request is compared with. */
  domain: Domain,
  categories: Categories.optional(),
});
export type AdvertiserDocument = z.infer<typeof AdvertiserDocument>;
