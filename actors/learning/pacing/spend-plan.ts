import { z } from "zod";
import { clip } from "../numerics/bounds.ts";

/** Hours of a campaign's day in a plan; a day of 23 or 25 hours is planned by shares of the day, not by hours of the clock. */
const PARTS = 24;

/**
 * The supply of one historic day: how many opportunities the campaign had in it and how they lay over the day.
 * Opportunities, not spend: what is planned is that each opportunity of the day gets the same chance to win (Balseiro, Lu, Mirrokni
 * 2023, "The best of many worlds: dual mirror descent for online allocation problems", section 2: target rate rho = B/T).
 */
export const SpendPlan = z.strictObject({
  /** Opportunities forecast for the whole day; at least 1. */
  opportunities: z.number().min(1),
  /** Share of them in each 24th of the day; adds up to 1. */
  shares: z.array(z.number().min(0).max(1)).length(PARTS),
});
export type SpendPlan = z.infer<typeof SpendPlan>;

/** A plan from the counts of one historic day, in 24 equal parts of it. Parts without any count get a thousandth, since supply may come. */
export function planFrom(counts: readonly number[]): SpendPlan {
  if (counts.length !== PARTS) throw new RangeError(`counts: ${counts.length} parts, a plan has ${PARTS}`);
  const total = counts.reduce((sum, count) => sum + Math.max(0, count), 0);
  if (total <= 0) return { opportunities: 1, shares: counts.map(() => 1 / PARTS) };
  const raised = counts.map((count) => Math.max(count / total, 0.001));
  const sum = raised.reduce((all, share) => all + share, 0);
  return { opportunities: Math.max(1, total), shares: raised.map((share) => share / sum) };
}

/** A plan without history: `opportunities` evenly over the day. */
export const evenPlan = (opportunities: number): SpendPlan =>
  planFrom(new Array<number>(PARTS).fill(opportunities / PARTS));

/** Share of the day's opportunities that the plan has before `dayShare` (0 to 1) of the day has gone. */
export function plannedShare(plan: SpendPlan, dayShare: number): number {
  const at = clip(dayShare, 0, 1) * PARTS;
  let before = 0;
  for (let part = 0; part < PARTS; part++) {
    const share = plan.shares[part] ?? 0;
    if (at < part + 1) return Math.min(1, before + share * (at - part));
    before += share;
  }
  return 1;
}

/** How the supply of the last hour or so ran against the plan; both counts fade with the day. */
export const SupplyTrend = z.strictObject({ seen: z.number().min(0), planned: z.number().min(0) });
export type SupplyTrend = z.infer<typeof SupplyTrend>;

/** Share of a day after which a count of the trend has faded to 1/e: one and a half hours. */
const TREND_FADES_DAYS = 1.5 / 24;
/** Share of a day after which a surprise in supply is expected to have faded to 1/e. */
const SURPRISE_FADES_DAYS = 8 / 24;
/** The plan's weight in the trend, in opportunities, so that a handful of slots at dawn decides nothing. */
const PLAN_WEIGHT = 20;

/** The trend after `seen` opportunities between two moments of the day (0 to 1). */
export function followSupply(trend: SupplyTrend, plan: SpendPlan, from: number, to: number, seen: number): SupplyTrend {
  if (to <= from) return { seen: trend.seen + seen, planned: trend.planned };
  const kept = Math.exp((from - to) / TREND_FADES_DAYS);
  const planned = (plannedShare(plan, to) - plannedShare(plan, from)) * plan.opportunities;
  return { seen: trend.seen * kept + seen, planned: trend.planned * kept + planned };
}

/**
 * Opportunities still to come: the plan's rest, scaled by the trend as far as a surprise lasts (an autoregression of order 1, its
 * forecast averaged over the rest of the day). Near the end of the day the trend decides, far from it the plan.
 * @returns at least 1.
 */
export function opportunitiesLeft(plan: SpendPlan, dayShare: number, trend: SupplyTrend): number {
  const ratio = clip((trend.seen + PLAN_WEIGHT) / (trend.planned + PLAN_WEIGHT), 0.1, 10);
  const horizon = Math.max(1 - dayShare, 1e-6) / SURPRISE_FADES_DAYS;
  const lasting = (1 - Math.exp(-horizon)) / horizon;
  return Math.max(1, (1 - plannedShare(plan, dayShare)) * plan.opportunities * (1 + (ratio - 1) * lasting));
}
