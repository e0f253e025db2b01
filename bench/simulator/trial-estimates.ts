import type { Arm } from "./trial.ts";

/** 97.5 % point of the normal distribution. */
const Z95 = 1.959964;

/** A figure with its standard error over listeners. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

export function interval({ value, standardError }: Estimate): readonly [number, number] {
  return [value - Z95 * standardError, value + Z95 * standardError];
}

/** Each listener's part in an estimate: the mean of `parts` is 0 for a share and their spread gives the error (the delta method). */
interface Linear {
  readonly value: number;
  readonly parts: Float64Array;
}

type Column = (arm: Arm) => Float64Array;

/**
 * Effects by least squares over the arms' delivered loads. A slope is a weighted sum over arms, hence a weighted sum for each listener;
 * its error comes from how these differ between listeners, which pairs the arms. Loads are taken as known.
 */
export class TrialEstimates {
  readonly #arms: readonly Arm[];
  readonly #listeners: number;
  readonly meanAdsPerHour: number;
  readonly #load: readonly number[];
  readonly #oneAd: readonly number[];
  readonly #pod: readonly number[];

  constructor(arms: readonly Arm[]) {
    this.#arms = arms;
    this.#listeners = arms[0]!.outcomes.listeners;
    const loads = arms.map((arm) => arm.adsPerHour);
    this.meanAdsPerHour = mean(loads);
    this.#load = slopeWeights(loads);
    const oneAd = arms.map((arm) => arm.oneAdBreaksPerHour);
    const pods = arms.map((arm) => arm.podsPerHour);
    this.#oneAd = slopeWeights(oneAd, pods);
    this.#pod = slopeWeights(pods, oneAd);
  }

  /** Relative change for one more ad an hour. */
  relative(column: Column): Estimate {
    return this.#estimate(this.#relative(column, this.#load));
  }

  /** Relative change of a quotient for one more ad an hour. */
  relativeRatio(numerator: Column, denominator: Column): Estimate {
    const above = this.#relative(numerator, this.#load);
    const below = this.#relative(denominator, this.#load);
    return this.#estimate({
      value: above.value - below.value,
      parts: above.parts.map((part, listener) => part - below.parts[listener]!),
    });
  }

  /** Change of the mean for one more ad an hour, in the column's own unit. */
  absolute(column: Column): Estimate {
    const changes = this.#weighted(column, this.#load);
    const value = mean(changes);
    return this.#estimate({ value, parts: changes.map((change) => change - value) });
  }

  /** Relative change for one more break of one ad an hour, pods held still. */
  relativeToOneAdBreaks(column: Column): Estimate {
    return this.#estimate(this.#relative(column, this.#oneAd));
  }

  /** Relative change for one more pod of two an hour, breaks of one held still. */
  relativeToPods(column: Column): Estimate {
    return this.#estimate(this.#relative(column, this.#pod));
  }

  #relative(column: Column, weights: readonly number[]): Linear {
    const changes = this.#weighted(column, weights);
    const levels = this.#weighted(
      column,
      weights.map(() => 1 / this.#arms.length),
    );
    const level = mean(levels);
    const value = mean(changes) / level;
    return { value, parts: changes.map((change, listener) => (change - value * levels[listener]!) / level) };
  }

  #weighted(column: Column, weights: readonly number[]): Float64Array {
    const columns = this.#arms.map(column);
    return Float64Array.from({ length: this.#listeners }, (_, listener) =>
      columns.reduce((sum, values, arm) => sum + weights[arm]! * values[listener]!, 0),
    );
  }

  #estimate({ value, parts }: Linear): Estimate {
    const variance = parts.reduce((sum, part) => sum + part * part, 0) / Math.max(1, this.#listeners - 1);
    return { value, standardError: Math.sqrt(variance / this.#listeners) };
  }
}

/**
 * Weights whose sum with outcomes is the least-squares slope on x, with an intercept and, if given, another regressor held still
 * (Frisch and Waugh: x is first cleared of the other).
 */
function slopeWeights(x: readonly number[], held?: readonly number[]): readonly number[] {
  let cleared = centred(x);
  if (held !== undefined) {
    const other = centred(held);
    const slope = dot(cleared, other) / dot(other, other);
    cleared = cleared.map((value, at) => value - slope * other[at]!);
  }
  const scale = dot(cleared, cleared);
  return cleared.map((value) => value / scale);
}

function centred(values: readonly number[]): readonly number[] {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

function mean(values: readonly number[] | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
