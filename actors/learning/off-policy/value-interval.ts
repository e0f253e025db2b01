import { normalQuantile } from "../numerics/distributions.ts";
import type { ValueEstimate } from "./estimates.ts";

export interface ValueInterval {
  readonly lower: number;
  readonly upper: number;
}

/** The interval of the central limit theorem: right when no single round decides, which `overlapRefusals` sees to. */
export function normalInterval({ value, intervalError }: ValueEstimate, alpha: number): ValueInterval {
  const half = normalQuantile(1 - alpha / 2) * intervalError;
  return { lower: value - half, upper: value + half };
}

/**
 * An interval that holds for any sample size, for terms within a known range (Maurer and Pontil, "Empirical Bernstein bounds and
 * sample variance penalization", COLT 2009, theorem 4, on both sides). Wide: for a decision that must not go wrong.
 * @param range of one round's term: for IPS the largest weight that is allowed × the largest reward.
 */
export function bernsteinInterval(
  { value, intervalError }: ValueEstimate,
  rounds: number,
  range: number,
  alpha: number,
): ValueInterval {
  const log = Math.log(4 / alpha);
  const half = intervalError * Math.sqrt(2 * log) + (7 * range * log) / (3 * (rounds - 1));
  return { lower: value - half, upper: value + half };
}

/** Terms whose totals divide to the estimate: Σ numerator / Σ divisor. For IPS w·r by 1, for SNIPS w·r by w. */
export interface RatioTerms {
  readonly numerators: Float64Array;
  readonly divisors: Float64Array;
}

/**
 * The percentile bootstrap (Efron and Tibshirani 1993, section 13.3), resampling rounds with both terms together. Costs draws × rounds.
 * @param random draws from [0, 1): the caller's seeded stream.
 */
export function bootstrapInterval(
  { numerators, divisors }: RatioTerms,
  draws: number,
  alpha: number,
  random: () => number,
): ValueInterval {
  const rounds = numerators.length;
  const values = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let numerator = 0;
    let divisor = 0;
    for (let place = 0; place < rounds; place++) {
      const round = Math.floor(random() * rounds);
      numerator += numerators[round] ?? 0;
      divisor += divisors[round] ?? 0;
    }
    values[draw] = numerator / divisor;
  }
  values.sort();
  return { lower: quantile(values, alpha / 2), upper: quantile(values, 1 - alpha / 2) };
}

/** Linear between the neighbours, as NumPy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (at - Math.floor(at)) * (above - below);
}
