import { z } from "zod";
import { clip } from "../numerics/bounds.ts";
import { followSupply, opportunitiesLeft, plannedShare, SpendPlan, SupplyTrend } from "./spend-plan.ts";

/*
 * The shadow price of a campaign's budget by dual mirror descent: Balseiro, Lu, Mirrokni 2023 ("The best of many worlds", algorithm 1,
 * entropy-like reference function), with the target rate re-solved from what is left of budget and forecast (Jasin and Kumar 2012).
 *
 *   mu <- clip((mu + .05) · exp(−eta · (rho − spend) / rho0) − .05, 0, 4),   eta = .35 / √T
 *
 * mu · unit is advertiser micros per micro spent: a slot is worth bidding on when value > mu · unit · cost. The shift of .05 lets a price that
 * stands at 0 rise again, which a pure multiplicative step could not.
 *
 * P1: 0 <= mu <= 4, in units of the campaign's own scale. P2: a spend above rho never lowers mu, one below never raises it. P3: the wallet, not this price, bounds spend.
 */

const SHIFT = 0.05;
const MU_MAX = 4;
/** Largest step of the exponent in one update, so that a late or repeated batch cannot throw the price out. */
const STEP_MAX = 1.5;
/** mu is doubled or halved against its unit outside of this range, so that 4 bounds a step's reach and never the price itself. */
const MU_HIGH = 3;
const MU_LOW = 1;
const UNIT_MAX = 64;

export const PacingState = z.strictObject({
  /** Shadow price of the budget in `unit`s; 0 to 4. */
  mu: z.number().min(0).max(MU_MAX),
  /** Micros of value per micro spent that mu counts in, a power of 2 from 1 to 64: the price is mu · unit. */
  unit: z.number().min(1).max(UNIT_MAX),
  /** Learning rate an opportunity, .35 / √T. */
  eta: z.number().min(0).max(1),
  /** The day's budget in micros. */
  budgetMicros: z.number().min(0),
  spentMicros: z.number().min(0),
  /** Opportunities met today. */
  seen: z.number().min(0),
  /** Opportunities in which mu was held still, because feedback was missing or an operator froze it. */
  held: z.number().min(0),
  /** Share of the day gone at the last update, 0 to 1. */
  dayShare: z.number().min(0).max(1),
  trend: SupplyTrend,
  plan: SpendPlan,
});
export type PacingState = z.infer<typeof PacingState>;

export interface PacingObservation {
  /** Opportunities the campaign could have taken since the last update, at least 0. */
  readonly opportunities: number;
  /** What it spent in them, in micros. */
  readonly spentMicros: number;
  /** Share of the campaign's day that has gone, 0 to 1. */
  readonly dayShare: number;
}

/** @param mu the price to start from: yesterday's last one, or 1 (a micro of value for a micro spent). */
export function initialPacing(budgetMicros: number, plan: SpendPlan, mu = 1): PacingState {
  const eta = Math.min(0.35 / Math.sqrt(Math.max(1, plan.opportunities)), 0.25);
  return {
    ...inUnits(Math.max(0, mu), 1),
    eta,
    budgetMicros: Math.max(0, budgetMicros),
    spentMicros: 0,
    seen: 0,
    held: 0,
    dayShare: 0,
    trend: { seen: 0, planned: 0 },
    plan,
  };
}

export const pacingState = { version: 1, schema: PacingState };

/** Spend an opportunity that the budget allows from here on, in micros: rho of the paper, re-solved. */
export function targetRateMicros(state: PacingState): number {
  const left = opportunitiesLeft(state.plan, state.dayShare, state.trend);
  return Math.max(0, state.budgetMicros - state.spentMicros) / left;
}

/** One step of the price. `isHeld`: spend and supply are counted, the price stands still. */
export function updatePacing(state: PacingState, observation: PacingObservation, isHeld = false): PacingState {
  const opportunities = Math.max(0, observation.opportunities);
  const spent = Math.max(0, observation.spentMicros);
  const rho = targetRateMicros(state);
  const rho0 = state.budgetMicros / state.plan.opportunities;
  const dayShare = clip(observation.dayShare, state.dayShare, 1);
  const next: PacingState = {
    mu: state.mu,
    unit: state.unit,
    eta: state.eta,
    budgetMicros: state.budgetMicros,
    spentMicros: state.spentMicros + spent,
    seen: state.seen + opportunities,
    held: state.held + (isHeld ? opportunities : 0),
    dayShare,
    trend: followSupply(state.trend, state.plan, state.dayShare, dayShare, opportunities),
    plan: state.plan,
  };
  if (isHeld || rho0 <= 0) return next;
  const step = clip((state.eta * (opportunities * rho - spent)) / rho0, -STEP_MAX, STEP_MAX);
  const mu = clip((state.mu + SHIFT) * Math.exp(-step) - SHIFT, 0, MU_MAX);
  Object.assign(next, inUnits(mu, state.unit));
  return next;
}

/** The same price with mu inside of its range where the unit's bounds allow. */
function inUnits(mu: number, unit: number): Pick<PacingState, "mu" | "unit"> {
  let [scaled, by] = [mu, unit];
  while (scaled > MU_HIGH && by < UNIT_MAX) [scaled, by] = [scaled / 2, by * 2];
  // Doubled at a third of where it halves, so that a price at the border does not flip back and forth.
  while (scaled < MU_LOW && by > 1) [scaled, by] = [scaled * 2, by / 2];
  return { mu: clip(scaled, 0, MU_MAX), unit: by };
}

/** Shadow price of the budget: micros of value that a micro spent now takes from the rest of the day; 0 to 256. */
export const shadowPrice = ({ mu, unit }: Pick<PacingState, "mu" | "unit">): number => mu * unit;

/** What agents score with; small enough for a topic. */
export interface PacingSnapshot {
  /** Micros of value per micro spent. */
  readonly price: number;
  /** Spent share of the budget less the plan's share of the day: above 0 is ahead of plan. */
  readonly aheadOfPlan: number;
  readonly seen: number;
}

export function pacingSnapshot(state: PacingState): PacingSnapshot {
  const spentShare = state.budgetMicros > 0 ? state.spentMicros / state.budgetMicros : 1;
  return {
    price: shadowPrice(state),
    aheadOfPlan: spentShare - plannedShare(state.plan, state.dayShare),
    seen: state.seen,
  };
}

/** The pacing term of the objective, in micros: what this impression's cost takes from the rest of the day (learning.md 1). */
export const pacingCostMicros = (price: number, costMicros: number): number => price * costMicros;

/** In a second-price auction the score is not negative exactly at prices up to this bid, in the unit of `value`. */
export const secondPriceBid = (value: number, price: number): number => value / Math.max(price, 1e-6);
