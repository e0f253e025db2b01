import { fnv1a32 } from "./hash.ts";
import type { Micros } from "./quantities.ts";

/** What currencies are worth, as one decision takes it (C1). */
export interface RateSnapshot {
  /** Names these rates and no others. */
  readonly id: string;
  /** Millionths of a unit that one US dollar buys. */
  readonly perDollarMicros: Readonly<Record<string, number>>;
}

const DOLLAR = "USD";
const MILLION = 1_000_000;

/** @param perDollar units of a currency that one US dollar buys. @returns null where nothing is known. */
export function rateSnapshot(perDollar: Readonly<Record<string, number>>): RateSnapshot | null {
  const known = Object.entries(perDollar).sort(([one], [other]) => (one < other ? -1 : 1));
  if (known.length === 0) return null;
  const micros = [
    ...known.map(([currency, units]) => [currency, Math.round(units * MILLION)] as const),
    [DOLLAR, MILLION],
  ];
  const perDollarMicros = Object.fromEntries(micros) as Record<string, number>;
  return { id: `rates-${fnv1a32(JSON.stringify(perDollarMicros)).toString(16).padStart(8, "0")}`, perDollarMicros };
}

export function isRated(rates: RateSnapshot | null, currency: string): boolean {
  return rates !== null && Object.hasOwn(rates.perDollarMicros, currency);
}

/**
 * An amount in another currency, exact but for the one rounding. Rounded down there and back again it never gains (C1); floors are
 * rounded up, so that they are never undercut. Amounts are micros or nanos, so a currency's own minor digits do not matter.
 * @returns null where a rate is not known.
 */
export function converted(
  amount: Micros,
  from: string,
  to: string,
  rates: RateSnapshot | null,
  rounding: "down" | "up",
): Micros | null {
  if (from === to) return amount;
  if (rates === null || !isRated(rates, from) || !isRated(rates, to)) return null;
  const per = rates.perDollarMicros;
  const divisor = BigInt(per[from] ?? 0);
  const product = BigInt(amount) * BigInt(per[to] ?? 0);
  if (divisor === 0n) return null;
  const whole = rounding === "up" ? (product + divisor - 1n) / divisor : product / divisor;
  return whole > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(whole);
}
