import type { LoggedRounds } from "./logged-rounds.ts";
import { usedWeight, type Weighting } from "./weighting.ts";

/**
 * All that the estimators need of a log: one pass, bounded memory, so that a job reads a log of any length in pieces. w is the importance
 * weight (target chance / propensity), r the reward, b the model's value of the target policy, e the model's error r − model on the
 * chosen action.
 */
export interface RoundSums {
  rounds: number;
  w: number;
  ww: number;
  weightMax: number;
  wr: number;
  wwr: number;
  wwrr: number;
  b: number;
  bb: number;
  bw: number;
  wwe: number;
  readonly corrections: Correction[];
}

/** The sums of one weighting, with c = s(w) · e. */
export interface Correction {
  readonly weighting: Weighting;
  c: number;
  cc: number;
  bc: number;
}

/** @param weightings besides the full one, which is always there and first. */
export function noRounds(weightings: readonly Weighting[] = []): RoundSums {
  const corrections = [{ kind: "full" } as const, ...weightings].map((weighting) => ({
    weighting,
    c: 0,
    cc: 0,
    bc: 0,
  }));
  return { rounds: 0, w: 0, ww: 0, weightMax: 0, wr: 0, wwr: 0, wwrr: 0, b: 0, bb: 0, bw: 0, wwe: 0, corrections };
}

/** Adds rounds to the sums, in place: at a million rounds new objects would cost more than the arithmetic. */
export function addRounds(sums: RoundSums, log: LoggedRounds): void {
  const { length } = log.rewards;
  for (let round = 0; round < length; round++) {
    const weight = (log.targetChances[round] ?? 0) / (log.propensities[round] ?? 1);
    const reward = log.rewards[round] ?? 0;
    const model = log.modelOfTarget[round] ?? 0;
    addRound(sums, weight, reward, model, reward - (log.modelOfChosen[round] ?? 0));
  }
}

function addRound(sums: RoundSums, weight: number, reward: number, model: number, error: number): void {
  const weighted = weight * reward;
  sums.rounds++;
  sums.w += weight;
  sums.ww += weight * weight;
  if (weight > sums.weightMax) sums.weightMax = weight;
  sums.wr += weighted;
  sums.wwr += weight * weighted;
  sums.wwrr += weighted * weighted;
  sums.b += model;
  sums.bb += model * model;
  sums.bw += model * weight;
  sums.wwe += weight * weight * error;
  for (const correction of sums.corrections) {
    const corrected = usedWeight(correction.weighting, weight) * error;
    correction.c += corrected;
    correction.cc += corrected * corrected;
    correction.bc += model * corrected;
  }
}
