import { z } from "zod";
import { Id, Partition } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { EpochMs, LocalDate, Micros, Nanos } from "../quantities.ts";

/** Figures of deliveries that wallets count and `GET /v1/campaigns/ID/delivery` shows (interfaces.md 3). */
export const DELIVERY_FIGURES = ["impressions", "starts", "completes", "skips", "clicks", "conversions"] as const;
export const DeliveryFigure = z.enum(DELIVERY_FIGURES);
export type DeliveryFigure = (typeof DELIVERY_FIGURES)[number];

/** Totals by figure; absent = 0. */
export const DeliveryCounts = z.partialRecord(DeliveryFigure, z.int().min(0));
export type DeliveryCounts = z.infer<typeof DeliveryCounts>;

/** What the catalog tells a campaign's budget; the latest version wins, repeats change nothing. */
export const BudgetTerms = z.strictObject({
  version: z.int(),
  campaign: Id,
  live: z.boolean(),
  timezone: z.string(),
  startsAtMs: EpochMs.nullable(),
  endsAtMs: EpochMs.nullable(),
  lifetimeMicros: Micros.nullable(),
  dailyMicros: Micros.nullable(),
  /** How the money is let out over the day, or over the flight where there is no daily budget. */
  pacing: z.enum(["even", "front-loaded", "asap", "traffic"]),
  /** Price of the dearest impression the campaign can buy, so that grants are whole impressions. */
  impressionNanosMax: Nanos,
});
export type BudgetTerms = z.infer<typeof BudgetTerms>;

/** One account as the wallet sees it. Totals, not steps: a repeated or reordered report changes nothing (D16). */
export const AccountReport = z.strictObject({
  campaign: Id,
  day: LocalDate,
  partition: Partition,
  /** Reports of an account carry rising numbers; an older one is dropped. */
  number: z.int(),
  /** Granted in total as the wallet knows it: tells a want that a grant on its way has answered from a new one. */
  grantedMicros: Micros,
  /** The last recall or revival that the wallet has followed. */
  recallNumber: z.int(),
  /** Billed so far, exact. */
  spentNanos: Nanos,
  /** Held for bids that may still play. */
  reservedNanos: Nanos,
  /** Given back in total; never falls. */
  returnedMicros: Micros,
  /** Wished for beyond what is free; 0 = none. */
  wantedMicros: Micros,
  /** Counts of deliveries, for the delivery figures; totals. */
  counts: DeliveryCounts,
});
export type AccountReport = z.infer<typeof AccountReport>;

/** Figures of one partition that came to count after their day was closed. Totals: an older number changes nothing. */
export const LaterCounts = z.strictObject({ partition: Partition, number: z.int(), counts: DeliveryCounts });
export type LaterCounts = z.infer<typeof LaterCounts>;

/** The three amounts add up to what is committed, which never exceeds the budget (B1); rounded half to even for showing only. */
export const BudgetBalance = z.strictObject({
  spentMicros: Micros,
  reservedMicros: Micros,
  /** Granted to wallets and neither spent, reserved nor given back. */
  grantedMicros: Micros,
  counts: DeliveryCounts,
  /** When the latest report that is in these figures arrived; 0 = none yet. */
  asOfMs: EpochMs,
});
export type BudgetBalance = z.infer<typeof BudgetBalance>;

/** Ledger of one campaign; key = campaign id (D16). */
export const budget = protocol("budget", {
  Terms: tell(BudgetTerms.shape),
  Report: tell(AccountReport.shape),
  LaterCounts: tell(LaterCounts.shape),
  Balance: ask({}, BudgetBalance),
});
