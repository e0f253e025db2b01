import { z } from "zod";
import { fatigueMaturityCurve } from "./maturity.ts";

/*
 * What one more ad an hour costs a segment's listeners, as a share of their hours: the slope over randomised price cells (two-stage
 * least squares with the cell as instrument: Angrist and Imbens 1995; for one pair of cells Wald's estimator), after CUPED with hours
 * before the draw (Deng et al. 2013), corrected for maturity and shrunk to the published effect.
 *
 * S1: within a cell, who hears more ads differs in other ways too; only differences between cells count. S2: with no difference of load
 * between cells the estimate is the prior.
 */

const CELLS = 3;
/** Hours lost per hour for one more ad an hour: 2.08 % (Goli et al., table 3; SE .116 %), for another service doubted by half of it. */
export const PRIOR_SLOPE = 0.0208;
export const PRIOR_SD = 0.0104;

const CellSums = z.strictObject({
  n: z.number().min(0),
  hours: z.number(),
  load: z.number(),
  before: z.number(),
  hoursHours: z.number().min(0),
  loadLoad: z.number().min(0),
  beforeBefore: z.number().min(0),
  hoursLoad: z.number(),
  hoursBefore: z.number(),
  loadBefore: z.number(),
});
export type CellSums = z.infer<typeof CellSums>;

export const SlopeState = z.strictObject({
  /** Cells low, usual, high. */
  cells: z.array(CellSums).length(CELLS),
  /** Windows dropped because feedback was missing. */
  windowsDropped: z.int().min(0),
});
export type SlopeState = z.infer<typeof SlopeState>;

export const slopeState = { version: 1, schema: SlopeState };

const emptyCell = (): CellSums => ({
  n: 0,
  hours: 0,
  load: 0,
  before: 0,
  hoursHours: 0,
  loadLoad: 0,
  beforeBefore: 0,
  hoursLoad: 0,
  hoursBefore: 0,
  loadBefore: 0,
});

export const initialSlope = (): SlopeState => ({
  cells: Array.from({ length: CELLS }, emptyCell),
  windowsDropped: 0,
});

/** One listener over one period: all of them, those who stayed away with 0 hours. */
export interface SlopeObservation {
  /** 0 low, 1 usual, 2 high price. */
  readonly cell: 0 | 1 | 2;
  /** Hours listened in the period. */
  readonly hours: number;
  /** Effective ads an hour that the listener met over the period. */
  readonly load: number;
  /** Hours in an equally long period before the draw. */
  readonly hoursBefore: number;
}

/** +1 adds an observation, −1 takes one back that late feedback corrected. */
export function updateSlope(state: SlopeState, observation: SlopeObservation, sign: 1 | -1 = 1): SlopeState {
  const { hours: y, load: l, hoursBefore: x } = observation;
  const cells = state.cells.slice();
  const sums = cells[observation.cell] ?? emptyCell();
  cells[observation.cell] = {
    n: Math.max(0, sums.n + sign),
    hours: sums.hours + sign * y,
    load: sums.load + sign * l,
    before: sums.before + sign * x,
    hoursHours: Math.max(0, sums.hoursHours + sign * y * y),
    loadLoad: Math.max(0, sums.loadLoad + sign * l * l),
    beforeBefore: Math.max(0, sums.beforeBefore + sign * x * x),
    hoursLoad: sums.hoursLoad + sign * y * l,
    hoursBefore: sums.hoursBefore + sign * y * x,
    loadBefore: sums.loadBefore + sign * l * x,
  };
  return { ...state, cells };
}

export interface SlopeEstimate {
  /** Share of hours lost for one more effective ad an hour; above 0 is a loss. */
  readonly slope: number;
  readonly sd: number;
  readonly listeners: number;
  /** The slope before maturity and prior, and its standard error; null without a difference of load between cells. */
  readonly raw: { readonly slope: number; readonly se: number } | null;
  /** Share of the final effect that the period can show, 0 to 1. */
  readonly maturity: number;
}

/** @param days since the cells were drawn. */
export function slopeEstimate(state: SlopeState, days: number, maturityOf = fatigueMaturityCurve): SlopeEstimate {
  const raw = instrumentSlope(state.cells);
  const maturity = maturityOf(days);
  const listeners = state.cells.reduce((sum, { n }) => sum + n, 0);
  if (raw === null || !(maturity > 0)) return { slope: PRIOR_SLOPE, sd: PRIOR_SD, listeners, raw, maturity };
  // Normal–Normal (Gelman et al., Bayesian Data Analysis, 2.5).
  const own = (maturity / raw.se) ** 2;
  const prior = 1 / PRIOR_SD ** 2;
  const slope = (prior * PRIOR_SLOPE + (own * raw.slope) / maturity) / (prior + own);
  return { slope, sd: 1 / Math.sqrt(prior + own), listeners, raw, maturity };
}

function instrumentSlope(cells: readonly CellSums[]): { slope: number; se: number } | null {
  const used = cells.filter(({ n }) => n >= 2);
  const all = used.reduce(added, emptyCell());
  if (used.length < 2 || !(all.hours > 0)) return null;
  const mean = { hours: all.hours / all.n, load: all.load / all.n, before: all.before / all.n };
  // Theta from within the cells: between them hours differ by the treatment itself.
  const within = (pick: (cell: CellSums) => number, a: Mean, b: Mean): number =>
    used.reduce((sum, cell) => sum + pick(cell) - (cell[a] * cell[b]) / cell.n, 0);
  const beforeVariance = within(({ beforeBefore }) => beforeBefore, "before", "before");
  const theta = beforeVariance > 0 ? within(({ hoursBefore }) => hoursBefore, "hours", "before") / beforeVariance : 0;
  let between = 0;
  let cross = 0;
  for (const cell of used) {
    const load = cell.load / cell.n - mean.load;
    const hours = cell.hours / cell.n - mean.hours - theta * (cell.before / cell.n - mean.before);
    between += cell.n * load * load;
    cross += cell.n * load * hours;
  }
  if (!(between > 1e-9 * all.n)) return null;
  const beta = cross / between;
  // Variance of hours − theta·before − beta·load around the cells' means.
  const residual =
    within(({ hoursHours }) => hoursHours, "hours", "hours") +
    theta ** 2 * beforeVariance +
    beta ** 2 * within(({ loadLoad }) => loadLoad, "load", "load") -
    2 * theta * within(({ hoursBefore }) => hoursBefore, "hours", "before") -
    2 * beta * within(({ hoursLoad }) => hoursLoad, "hours", "load") +
    2 * theta * beta * within(({ loadBefore }) => loadBefore, "load", "before");
  const variance = Math.max(0, residual) / Math.max(1, all.n - used.length);
  const se = Math.sqrt(variance / between) / mean.hours;
  return se > 0 ? { slope: -beta / mean.hours, se } : null;
}

type Mean = "hours" | "load" | "before";

function added(a: CellSums, b: CellSums): CellSums {
  const sum = { ...a };
  for (const name of Object.keys(sum) as (keyof CellSums)[]) sum[name] += b[name];
  return sum;
}
