/** Whether logged propensities can be true: of k actions to choose from, the mean of 1 / (k · p) of the chosen ones is 1. */
export interface Calibration {
  readonly mean: number;
  readonly standardError: number;
  /** Distance from 1 in standard errors. */
  readonly z: number;
  /** Within `CALIBRATION_Z`. */
  readonly calibrated: boolean;
}

/** One false alarm in 16,000 logs: far enough out for a check that runs on every log. */
const CALIBRATION_Z = 4;

/**
 * The propensities against themselves: under true ones E[1 / p(chosen)] is the number of actions with a chance above 0
 * (decisioning.md 7.4; the importance weights of the uniform policy).
 * @param actionCounts how many actions could have been chosen, for each round.
 */
export function propensityCalibration(propensities: Float64Array, actionCounts: Float64Array): Calibration {
  const rounds = propensities.length;
  let sum = 0;
  let sumSquares = 0;
  propensities.forEach((propensity, round) => {
    const ratio = 1 / (propensity * (actionCounts[round] ?? Number.NaN));
    sum += ratio;
    sumSquares += ratio * ratio;
  });
  const mean = sum / rounds;
  const standardError = Math.sqrt(Math.max(0, sumSquares / rounds - mean * mean) / (rounds - 1));
  const distance = mean - 1;
  // Equal propensities leave rounding only: a distance of it is none.
  const z = Math.abs(distance) < 1e-9 ? 0 : distance / standardError;
  return { mean, standardError, z, calibrated: Math.abs(z) <= CALIBRATION_Z };
}
