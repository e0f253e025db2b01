import type { Micros } from "../quantities.ts";

/** Substitution macros of OpenRTB 2.6 section 4.4 that exchanges expand in our notice URLs. */
export const NOTICE_MACROS = [
  "AUCTION_ID",
  "AUCTION_BID_ID",
  "AUCTION_IMP_ID",
  "AUCTION_SEAT_ID",
  "AUCTION_AD_ID",
  "AUCTION_PRICE",
  "AUCTION_CURRENCY",
  "AUCTION_MBR",
  "AUCTION_LOSS",
  "AUCTION_MIN_TO_WIN",
  "AUCTION_MULTIPLIER",
  "AUCTION_IMP_TS",
] as const;

export type NoticeMacro = (typeof NOTICE_MACROS)[number];

/** Stands where a notice URL wants the exchange to put a value. */
export function macro(name: NoticeMacro): string {
  return `\${${name}}`;
}

/** Below any price that was ever paid for a thousand impressions, so that a price in another unit is not taken for money. */
const PRICE_CPM_MAX = 100_000;

/**
 * The clearing price of a notice as CPM micros, or undefined where there is none to believe: missing, empty, "AUDIT", an
 * unexpanded or encrypted macro, negative, absurd. Undefined is not 0: such a price changes nothing (interfaces.md 5).
 */
export function clearingCpmMicros(text: string | undefined): Micros | undefined {
  if (text === undefined || !/^\d{1,6}(\.\d{1,12})?$/.test(text)) return undefined;
  const cpm = Number(text);
  return cpm > PRICE_CPM_MAX ? undefined : Math.round(cpm * 1e6);
}

/**
 * The loss code of a notice, or undefined where it is missing, unexpanded or of no known block: 0 won, 1 to 10 technical, 100 to
 * 104 lost by price or deal, 200 to 215 filtered.
 */
export function lossCode(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,3}$/.test(text)) return undefined;
  const code = Number(text);
  return code <= 10 || (code >= 100 && code <= 104) || (code >= 200 && code <= 215) ? code : undefined;
}
