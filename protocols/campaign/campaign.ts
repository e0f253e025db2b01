import { z } from "zod";
import { Currency, DocumentId, Instant, MoneyMicros, Name, TimeZone } from "./fields.ts";

/** From the tier that is served first to the last; a lower tier never beats an eligible higher one (decisioning.md A3). */
export const TIERS = ["sponsorship", "guaranteed", "standard", "promo", "house"] as const;

const LIMIT_MAX = 100;
const Limit = z
  .int({ error: "must be a whole number" })
  .min(1, { error: "must be at least 1" })
  .max(LIMIT_MAX, { error: `must be at most ${LIMIT_MAX}` });

const WINDOW_DAYS_MAX = 30;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds of a window such as `90m`, `12h` or `1d`, or null. */
export function windowMs(text: string): number | null {
  const parts = /^([1-9]\d{0,4})([mhd])$/.exec(text);
  if (parts === null) return null;
  return Number(parts[1]) * UNIT_MS[parts[2] as keyof typeof UNIT_MS];
}

const RollingWindow = z.string().refine(
  (text) => {
    const ms = windowMs(text);
    return ms !== null && ms <= WINDOW_DAYS_MAX * UNIT_MS.d;
  },
  { error: `must be minutes, hours or days up to ${WINDOW_DAYS_MAX}d, as 90m, 12h or 1d` },
);
const CalendarWindow = z.string().refine(
  (text) => {
    const ms = windowMs(text);
    return text.endsWith("d") && ms !== null && ms <= WINDOW_DAYS_MAX * UNIT_MS.d;
  },
  { error: `must be whole days up to ${WINDOW_DAYS_MAX}d, as 1d: the day of the decision and those before` },
);

/** Sessions and pods bound themselves, so their window says nothing and may be left out. */
export const FrequencyCap = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ limit: Limit, window: RollingWindow, kind: z.literal("rolling") }),
    z.strictObject({ limit: Limit, window: CalendarWindow, kind: z.literal("calendar") }),
    z.strictObject({ limit: Limit, window: z.string().optional(), kind: z.literal("session") }),
    z.strictObject({ limit: Limit, window: z.string().optional(), kind: z.literal("pod") }),
  ],
  { error: "must be one of rolling, calendar, session, pod" },
);
export type FrequencyCap = z.infer<typeof FrequencyCap>;

const PRIORITY_MAX = 16;

export const CampaignDocument = z.strictObject({
  id: DocumentId,
  advertiserId: DocumentId,
  name: Name.optional(),
  status: z.enum(["active", "paused", "draft", "archived"]),
  currency: Currency,
  timezone: TimeZone,
  startsAt: Instant.nullish(),
  endsAt: Instant.nullish(),
  /** Absent: no bound of that kind. */
  budget: z.strictObject({ lifetimeMicros: MoneyMicros.nullish(), dailyMicros: MoneyMicros.nullish() }).nullish(),
  pacing: z.enum(["even", "front-loaded", "asap", "traffic"]).optional(),
  tier: z.enum(TIERS).optional(),
  priority: z
    .int({ error: "must be a whole number" })
    .min(1, { error: "must be at least 1" })
    .max(PRIORITY_MAX, { error: `must be at most ${PRIORITY_MAX}` })
    .optional(),
  frequencyCaps: z.array(FrequencyCap).max(8, { error: "must have at most 8 elements" }).optional(),
});
export type CampaignDocument = z.infer<typeof CampaignDocument>;
