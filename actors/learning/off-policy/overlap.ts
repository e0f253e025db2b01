import type { RoundSums } from "./round-sums.ts";

/** How much of the log speaks about the target policy. */
export interface Overlap {
  readonly rounds: number;
  /** (Σw)² / Σw²: as many unweighted rounds would be worth as much (Kish 1965). */
  readonly effectiveRounds: number;
  readonly effectiveShare: number;
  readonly weightMax: number;
  /** 1 in expectation when the propensities are right and cover the target policy. */
  readonly weightMean: number;
}

export interface OverlapLimits {
  /** Refused below this share of the log. */
  readonly effectiveShareMin: number;
  /** Refused above this weight. */
  readonly weightMax: number;
}

/** decisioning.md 5 and learning.md 1: below these an estimate is a story about a handful of rounds. */
export const OVERLAP_LIMITS: OverlapLimits = { effectiveShareMin: 0.1, weightMax: 50 };

/** Why an estimate is refused: the figure, and the rule that it breaks. */
export interface OverlapRefusal {
  readonly rule: "no-rounds" | "no-overlap" | "effective-share-min" | "weight-max";
  readonly figure: number;
  readonly limit: number;
  /** The same for a reader. */
  readonly text: string;
}

export function overlapOf({ rounds, w, ww, weightMax }: RoundSums): Overlap {
  const effectiveRounds = ww > 0 ? (w * w) / ww : 0;
  return {
    rounds,
    effectiveRounds,
    effectiveShare: rounds > 0 ? effectiveRounds / rounds : 0,
    weightMax,
    weightMean: rounds > 0 ? w / rounds : 0,
  };
}

/** Every rule that the overlap breaks; none: the log may be used. */
export function overlapRefusals(overlap: Overlap, limits: OverlapLimits = OVERLAP_LIMITS): OverlapRefusal[] {
  const { rounds, effectiveRounds, effectiveShare, weightMax } = overlap;
  if (rounds < 2) {
    const text = `${rounds} rounds: an estimate needs 2 or more`;
    return [{ rule: "no-rounds", figure: rounds, limit: 2, text }];
  }
  if (effectiveRounds === 0) {
    const text = "no logged action is one that the target policy would take";
    return [{ rule: "no-overlap", figure: 0, limit: 0, text }];
  }
  const refusals: OverlapRefusal[] = [];
  if (effectiveShare < limits.effectiveShareMin) {
    const text = `the log is worth ${effectiveRounds.toFixed(1)} rounds (${percent(effectiveShare)} of ${rounds}); at least ${percent(limits.effectiveShareMin)} are needed`;
    refusals.push({ rule: "effective-share-min", figure: effectiveShare, limit: limits.effectiveShareMin, text });
  }
  if (weightMax > limits.weightMax) {
    const text = `one round has a weight of ${weightMax.toFixed(1)}; at most ${limits.weightMax} is allowed`;
    refusals.push({ rule: "weight-max", figure: weightMax, limit: limits.weightMax, text });
  }
  return refusals;
}

const percent = (share: number): string => `${(100 * share).toPrecision(3)} %`;
