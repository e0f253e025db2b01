import type { Correction, RoundSums } from "./round-sums.ts";

/** Of the target policy's mean reward a round. */
export interface ValueEstimate {
  readonly value: number;
  /** Of the rounds' own terms, as Open Bandit Pipeline (obp) has it: sample deviation / √rounds. */
  readonly standardError: number;
  /**
   * What the interval uses. It differs where the mean weight divides: there it is the delta method's, which knows that the divisor varies
   * too (Owen, "Monte Carlo theory, methods and examples", 2013, equation 9.9).
   */
  readonly intervalError: number;
}

/** Inverse propensity scoring (Horvitz and Thompson 1952): unbiased, and only as steady as its largest weights. */
export function inversePropensity(sums: RoundSums): ValueEstimate {
  return plain(sums, sums.wr, sums.wwrr);
}

/** Self-normalised IPS (Swaminathan and Joachims, NeurIPS 2015): divides by the mean weight; a little bias for much less variance. */
export function selfNormalised(sums: RoundSums): ValueEstimate {
  const value = sums.wr / sums.w;
  const meanWeight = sums.w / sums.rounds;
  const { standardError } = plain(sums, sums.wr / meanWeight, sums.wwrr / meanWeight ** 2);
  const residual = sums.wwrr - 2 * value * sums.wwr + value * value * sums.ww;
  return { value, standardError, intervalError: Math.sqrt(Math.max(0, residual)) / sums.w };
}

/** The direct method: the reward model alone. As wrong as the model is; its error measures nothing of that. */
export function directMethod(sums: RoundSums): ValueEstimate {
  return plain(sums, sums.b, sums.bb);
}

/** Model plus corrected weights: doubly robust, Switch-DR or DRos, by the weighting of the sums (see `Weighting`). */
export function doublyRobust(sums: RoundSums, correction: Correction): ValueEstimate {
  return plain(sums, sums.b + correction.c, sums.bb + 2 * correction.bc + correction.cc);
}

/** Doubly robust with the mean weight as divisor (Thomas and Brunskill, ICML 2016). */
export function selfNormalisedDoublyRobust(sums: RoundSums): ValueEstimate {
  const { rounds, b, bb, bw, w, ww, wwe } = sums;
  const full = fullCorrection(sums);
  const meanWeight = w / rounds;
  const { value, standardError } = plain(
    sums,
    b + full.c / meanWeight,
    bb + (2 * full.bc) / meanWeight + full.cc / meanWeight ** 2,
  );
  // The influence of a round: b − mean b + (w / mean w)(e − weighted mean of e).
  const meanError = full.c / w;
  const weighted = (full.cc - 2 * meanError * wwe + meanError * meanError * ww) / meanWeight ** 2;
  const cross = (full.bc - meanError * bw) / meanWeight;
  const influence = bb - (b * b) / rounds + weighted + 2 * cross;
  return { value, standardError, intervalError: Math.sqrt(Math.max(0, influence)) / rounds };
}

export function fullCorrection({ corrections }: RoundSums): Correction {
  const [full] = corrections;
  if (full === undefined) throw new RangeError("corrections: the full weighting is missing; make sums with noRounds()");
  return full;
}

function plain({ rounds }: RoundSums, sum: number, sumSquares: number): ValueEstimate {
  const value = sum / rounds;
  const variance = Math.max(0, sumSquares / rounds - value * value) * (rounds / (rounds - 1));
  const standardError = Math.sqrt(variance / rounds);
  return { value, standardError, intervalError: standardError };
}
