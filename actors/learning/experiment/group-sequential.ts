import { normalCdf, normalQuantile } from "../numerics/distributions.ts";

/*
 * Group-sequential bounds: a few planned looks, for which the false alarms together stay at alpha (Lan and DeMets, "Discrete sequential
 * boundaries for clinical trials", Biometrika 70, 1983). The spending is alpha · t^power (Kim and DeMets 1987); spotify-confidence
 * uses power 2. The crossing probabilities come from the recursion of Armitage, McPherson and Rowe (JRSS A 132, 1969).
 */

export interface SpendingPlan {
  /** Two-sided false alarms over all looks. */
  readonly alpha: number;
  /** Of the information fraction; 1 spends evenly, more spends later. Above 0. */
  readonly power: number;
}

/** Cells of Simpson's rule between the bounds: the bounds are then right to about 1e-9. */
const CELLS = 400;
const BISECTIONS = 60;
/** No bound beyond: the probability outside is below 1e-30. */
const FARTHEST = 12;

/**
 * The bound of |z| at each look.
 * @param fractions the information at each look as a share of the planned end: rising, from (0, 1].
 * @throws RangeError when they are not.
 */
export function spendingBounds(fractions: readonly number[], { alpha, power }: SpendingPlan): number[] {
  const bounds: number[] = [];
  let spent = 0;
  let before = 0;
  let density: Density | null = null;
  for (const fraction of fractions) {
    if (!(fraction > before && fraction <= 1))
      throw new RangeError(`information fraction ${fraction}: must rise above ${before}, to 1 at most`);
    const toSpend: number = alpha * fraction ** power - spent;
    const edge: number =
      density === null ? firstEdge(fraction, toSpend) : nextEdge(density, fraction - before, toSpend);
    density = density === null ? firstDensity(edge, fraction) : nextDensity(density, edge, fraction - before);
    bounds.push(edge / Math.sqrt(fraction));
    spent += toSpend;
    before = fraction;
  }
  return bounds;
}

/** The density of the score (z · √fraction) of experiments that crossed no bound yet, on an even grid from −edge to edge. */
interface Density {
  readonly edge: number;
  /** Already multiplied with Simpson's weights. */
  readonly weighted: Float64Array;
}

const place = (edge: number, cell: number): number => edge * ((2 * cell) / CELLS - 1);
const normalDensity = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

function firstEdge(fraction: number, toSpend: number): number {
  return Math.min(FARTHEST, -normalQuantile(toSpend / 2)) * Math.sqrt(fraction);
}

function firstDensity(edge: number, fraction: number): Density {
  const scale = Math.sqrt(fraction);
  return onGrid(edge, (score) => normalDensity(score / scale) / scale);
}

function nextDensity(before: Density, edge: number, step: number): Density {
  const scale = Math.sqrt(step);
  return onGrid(edge, (score) => integral(before, (from) => normalDensity((score - from) / scale) / scale));
}

function onGrid(edge: number, density: (score: number) => number): Density {
  const weighted = new Float64Array(CELLS + 1);
  const third = (2 * edge) / CELLS / 3;
  for (let cell = 0; cell <= CELLS; cell++) {
    const simpson = cell === 0 || cell === CELLS ? 1 : cell % 2 === 1 ? 4 : 2;
    weighted[cell] = simpson * third * density(place(edge, cell));
  }
  return { edge, weighted };
}

function integral({ edge, weighted }: Density, value: (score: number) => number): number {
  let total = 0;
  for (let cell = 0; cell <= CELLS; cell++) total += (weighted[cell] ?? 0) * value(place(edge, cell));
  return total;
}

function nextEdge(before: Density, step: number, toSpend: number): number {
  const scale = Math.sqrt(step);
  const crossing = (edge: number): number =>
    integral(before, (from) => normalCdf((from - edge) / scale) + normalCdf((-edge - from) / scale));
  let low = 0;
  let high = FARTHEST;
  for (let round = 0; round < BISECTIONS; round++) {
    const middle = (low + high) / 2;
    if (crossing(middle) > toSpend) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
