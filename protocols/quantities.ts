import { z } from "zod";

/** Millionths of a currency unit; a safe integer. */
export const Micros = z.int();
export type Micros = number;

/**
 * Billionths of a currency unit. A CPM of n micros is exactly n nanos an impression (CPM / 1000), so prices of single
 * impressions are carried in nanos and rounded once, when they are charged (decisioning.md 6).
 */
export const Nanos = z.int().min(0);
export type Nanos = number;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const EpochMs = z.int().min(0);
export type EpochMs = number;

export const DurationMs = z.int().min(0);
export type DurationMs = number;

/** A calendar day in some campaign's zone, `2026-03-01`. */
export const LocalDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
export type LocalDate = string;

/** Rounds nanos to micros half to even, the only rounding of money (decisioning.md 6). */
export function microsOf(nanos: Nanos): Micros {
  const whole = Math.floor(nanos / 1000);
  const rest = nanos - whole * 1000;
  if (rest !== 500) return rest > 500 ? whole + 1 : whole;
  return whole % 2 === 0 ? whole : whole + 1;
}
