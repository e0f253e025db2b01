import { z } from "zod";
import { ID_PATTERN } from "../ids.ts";
import { instantMs } from "./instant.ts";

/** Fields that several documents share; each message is the rule that a fault names. */

export const DocumentId = z.string().regex(ID_PATTERN, { error: `must match ${ID_PATTERN.source}` });

/** Above this, nanos (micros × 1,000) would leave the safe integers. */
const MICROS_MAX = 9_007_199_254_740;
export const MoneyMicros = z
  .int({ error: "must be a whole number of micros" })
  .min(0, { error: "must not be negative" })
  .max(MICROS_MAX, { error: `must be at most ${MICROS_MAX}` });

export const Name = z
  .string()
  .min(1, { error: "must not be empty" })
  .max(256, { error: "must have at most 256 characters" });

export const Currency = z.string().regex(/^[A-Z]{3}$/, { error: "must be a currency of ISO 4217, as USD" });

const SUPPORTED_ZONES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("timeZone"));

/** Aliases such as `US/Pacific` are valid but not listed, so what is not listed is tried. */
function isTimeZone(zone: string): boolean {
  if (SUPPORTED_ZONES.has(zone)) return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}
export const TimeZone = z.string().refine(isTimeZone, { error: "must be a time zone of the IANA database" });

export const Instant = z
  .string()
  .refine((text) => instantMs(text) !== null, { error: "must be an instant of RFC 3339, as 2026-03-01T00:00:00Z" });

export const WebUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .max(2_048, { error: "must have at most 2048 characters" });

export const Domain = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+$/i, {
    error: "must be a domain, as nordlicht.example",
  });

const Category = z.string().regex(/^[A-Za-z0-9._-]{1,32}$/, { error: "must be an id of the content taxonomy" });
export const Categories = z.array(Category).max(64, { error: "must have at most 64 elements" });

export const Language = z.string().regex(/^[a-z]{2}$/, { error: "must be two letters of ISO 639-1, as de" });
