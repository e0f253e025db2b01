import { z } from "zod";
import { DocumentId, Language, MoneyMicros, Name } from "./fields.ts";

const TIME = /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/;
const TimeOfDay = z.string().regex(TIME, { error: "must be a time of day, as 06:00 (24:00 ends a day)" });

/** Hours of the listener's own clock. `days` are those on which it begins, 1 = Monday; `to` before `from` ends on the next day. */
const Daypart = z.strictObject({
  days: z
    .array(z.int().min(1, { error: "must be 1 (Monday) to 7" }).max(7, { error: "must be 1 (Monday) to 7" }))
    .min(1, { error: "must name a day" }),
  from: TimeOfDay,
  to: TimeOfDay,
});
export type Daypart = z.infer<typeof Daypart>;

const VALUES_MAX = 1_000;
const list = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .max(VALUES_MAX, { error: `must have at most ${VALUES_MAX} elements` })
    .optional();

/** Absent and empty lists mean everyone. */
export const Targeting = z.strictObject({
  countries: list(z.string().regex(/^[A-Z]{3}$/, { error: "must be a country of ISO 3166-1 alpha-3, as DEU" })),
  regions: list(z.string().regex(/^[A-Za-z0-9-]{1,8}$/, { error: "must be a region of ISO 3166-2, as BE" })),
  genres: list(z.string().min(1, { error: "must not be empty" }).max(40, { error: "must have at most 40 characters" })),
  deviceTypes: list(
    z.int().min(1, { error: "must be a device type, 1 to 8" }).max(8, { error: "must be a device type, 1 to 8" }),
  ),
  platforms: list(z.enum(["mobile", "desktop", "web", "smart"])),
  feeds: list(z.int().min(1, { error: "must be a feed, 1 to 7" }).max(7, { error: "must be a feed, 1 to 7" })),
  languages: list(Language),
  dayparts: z.array(Daypart).max(64, { error: "must have at most 64 elements" }).optional(),
});
export type Targeting = z.infer<typeof Targeting>;

export const AdSetDocument = z.strictObject({
  id: DocumentId,
  campaignId: DocumentId,
  name: Name.optional(),
  status: z.enum(["active", "paused"]).optional(),
  /** One impression costs a thousandth of it: first price. */
  bidCpmMicros: MoneyMicros,
  rotation: z.enum(["even", "weighted", "sequential", "optimised"]).optional(),
  targeting: Targeting.optional(),
  creatives: z
    .array(
      z.strictObject({
        id: DocumentId,
        weight: z
          .number({ error: "must be a number" })
          .min(0, { error: "must not be negative" })
          .max(1_000_000, { error: "must be at most 1000000" })
          .optional(),
      }),
    )
    .max(100, { error: "must have at most 100 elements" }),
});
export type AdSetDocument = z.infer<typeof AdSetDocument>;
