import type { EpochMs, LocalDate } from "../../protocols/quantities.ts";
import { epochDayOf } from "./civil-date.ts";

/**
 * Calendar days in a campaign's zone (decisioning.md 6, T1). Time comes in as a number; `Intl` holds the zone rules.
 * Since 1973 every zone's offset and every change of it falls on a quarter of an hour of UTC, so a local date holds for a whole
 * quarter, and the start of a day is found among quarters.
 */
const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
/** No zone is further from UTC than 14 hours, and a gap at midnight adds at most two. */
const OFFSET_QUARTERS_MAX = 16 * 4;
/** Spellings of zones that are remembered; there are about 600 zones. */
const ZONES_MAX = 1_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  quarter: number;
  date: LocalDate;
}

/** A memo only: making a formatter costs milliseconds, and formatting microseconds; answers do not depend on it. */
const zones = new Map<string, Zone>();

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  if (zones.size >= ZONES_MAX) zones.clear();
  const zone: Zone = { format, quarter: -1, date: "" };
  zones.set(timezone, zone);
  return zone;
}

/** The calendar day in `timezone` (an IANA name or an offset) at an instant. @throws RangeError for an unknown zone. */
export function localDate(timezone: string, epochMs: EpochMs): LocalDate {
  const zone = zoneOf(timezone);
  const quarter = Math.floor(epochMs / QUARTER_MS);
  if (zone.quarter !== quarter) {
    zone.date = zone.format.format(epochMs);
    zone.quarter = quarter;
  }
  return zone.date;
}

/** The first instant at which `timezone` has reached `date`: its midnight, or later where the clocks skip that. */
export function dayStartMs(timezone: string, date: LocalDate): EpochMs {
  const utcMidnight = (epochDayOf(date) * DAY_MS) / QUARTER_MS;
  let before = utcMidnight - OFFSET_QUARTERS_MAX;
  let reached = utcMidnight + OFFSET_QUARTERS_MAX;
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2);
    if (localDate(timezone, middle * QUARTER_MS) >= date) reached = middle;
    else before = middle;
  }
  return reached * QUARTER_MS;
}
