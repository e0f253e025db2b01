import { z } from "zod";
import { Categories, DocumentId, Language, Name, WebUrl } from "./fields.ts";

const MediaFile = z.strictObject({
  url: WebUrl,
  mimeType: z.string().regex(/^audio\/[A-Za-z0-9.+-]{1,64}$/, { error: "must be an audio type, as audio/mpeg" }),
  bitrateKbps: z
    .int({ error: "must be a whole number of kbit/s" })
    .min(1, { error: "must be at least 1" })
    .max(10_000, { error: "must be at most 10000" })
    .optional(),
});

const Companion = z.strictObject({
  url: WebUrl,
  mimeType: z.string().regex(/^image\/[A-Za-z0-9.+-]{1,64}$/, { error: "must be an image type, as image/png" }),
  widthPixels: z.int().min(1, { error: "must be at least 1" }),
  heightPixels: z.int().min(1, { error: "must be at least 1" }),
  clickUrl: WebUrl.optional(),
  altText: z.string().max(256, { error: "must have at most 256 characters" }).optional(),
});

const DURATION_MS_MAX = 600_000;

export const CreativeDocument = z.strictObject({
  id: DocumentId,
  advertiserId: DocumentId,
  name: Name.optional(),
  status: z.enum(["active", "paused"]).optional(),
  durationMs: z
    .int({ error: "must be a whole number of milliseconds" })
    .min(1, { error: "must be at least 1" })
    .max(DURATION_MS_MAX, { error: `must be at most ${DURATION_MS_MAX}` }),
  /** The advertiser's own id of the recording (Ad-ID): VAST's UniversalAdId. */
  adId: z
    .string()
    .min(1, { error: "must not be empty" })
    .max(64, { error: "must have at most 64 characters" })
    .optional(),
  clickUrl: WebUrl.optional(),
  /** When players may offer to skip it; absent: never. */
  skipAfterMs: z
    .int()
    .min(0, { error: "must not be negative" })
    .max(DURATION_MS_MAX, { error: `must be at most ${DURATION_MS_MAX}` })
    .optional(),
  mediaFiles: z
    .array(MediaFile)
    .min(1, { error: "must name a media file" })
    .max(16, { error: "must have at most 16 elements" }),
  companions: z.array(Companion).max(16, { error: "must have at most 16 elements" }).optional(),
  categories: Categories.optional(),
  /** AdCOM creative attributes, compared with `battr`. */
  attributes: z
    .array(z.int().min(1, { error: "must be a creative attribute of AdCOM" }))
    .max(64, { error: "must have at most 64 elements" })
    .optional(),
  languages: z.array(Language).max(16, { error: "must have at most 16 elements" }).optional(),
});
export type CreativeDocument = z.infer<typeof CreativeDocument>;
