import { z } from "zod";
import { type Margin, tiltedMoments } from "./margin.ts";

/*
 * P(response | features) = logistic(w · x) with w ~ N(mean, covariance), learned one observation at a time by assumed-density
 * filtering: the exact posterior of the margin w · x is replaced by the normal of the same mean and variance, and the weights follow it
 * (Opper 1998, "A Bayesian approach to on-line learning"; Minka 2001, section 3; the probit form is Graepel et al. 2010). One pass,
 * no step size.
 *
 * R1: the covariance stays symmetric and positive; an observation never widens it along its own features.
 * R2: at most FEATURES_MAX features, O(d²) an update. R3: features are coarse and each within ±FEATURE_MAX.
 */

export const FEATURES_MAX = 24;
const FEATURE_MAX = 10;

export const ResponseState = z.strictObject({
  /** One a feature; the first feature is by custom the constant 1. */
  mean: z.array(z.number()).min(1).max(FEATURES_MAX),
  /** Lower triangle by rows: (0,0), (1,0), (1,1), (2,0), … */
  covariance: z.array(z.number()),
  observations: z.int().min(0),
  responses: z.int().min(0),
});
export type ResponseState = z.infer<typeof ResponseState>;

export const responseState = { version: 1, schema: ResponseState };

/**
 * @param features their number, 1 to FEATURES_MAX.
 * @param intercept log odds before data, for the first feature; −3.5 is a response of 3 %.
 * @param priorSd of each weight.
 */
export function initialResponse(features: number, intercept = -3.5, priorSd = 1): ResponseState {
  if (!(features >= 1 && features <= FEATURES_MAX)) {
    throw new RangeError(`features: ${features}, must be 1 to ${FEATURES_MAX}`);
  }
  const mean = new Array<number>(features).fill(0);
  mean[0] = intercept;
  const covariance: number[] = [];
  for (let row = 0; row < features; row++) {
    for (let column = 0; column <= row; column++) covariance.push(row === column ? priorSd * priorSd : 0);
  }
  return { mean, covariance, observations: 0, responses: 0 };
}

/** @throws RangeError for another number of features, or one that is not within ±10. */
export function updateResponse(state: ResponseState, features: readonly number[], responded: boolean): ResponseState {
  checkFeatures(state, features);
  const spread = spreadOf(state, features);
  const { mean, variance } = marginFrom(state, features, spread);
  const counted = {
    observations: state.observations + 1,
    responses: state.responses + (responded ? 1 : 0),
  };
  if (variance <= 1e-12) return { ...state, ...counted };
  const tilted = tiltedMoments(mean, variance, responded);
  const shift = (tilted.mean - mean) / variance;
  const shrink = Math.min(0, (tilted.variance - variance) / (variance * variance));
  const covariance = state.covariance.slice();
  let at = 0;
  for (let row = 0; row < spread.length; row++) {
    const scaled = shrink * (spread[row] ?? 0);
    for (let column = 0; column <= row; column++, at++)
      covariance[at] = (covariance[at] ?? 0) + scaled * (spread[column] ?? 0);
  }
  return { mean: state.mean.map((weight, k) => weight + shift * (spread[k] ?? 0)), covariance, ...counted };
}

function checkFeatures(state: ResponseState, features: readonly number[]): void {
  if (features.length !== state.mean.length) {
    throw new RangeError(`features: ${features.length} given, the learner has ${state.mean.length}`);
  }
  for (let k = 0; k < features.length; k++) {
    if (!(Math.abs(features[k] ?? 0) <= FEATURE_MAX)) {
      throw new RangeError(`features[${k}]: ${features[k]}, must be within ±${FEATURE_MAX}`);
    }
  }
}

/** covariance · features. */
function spreadOf(state: ResponseState, features: readonly number[]): number[] {
  const { covariance } = state;
  const spread = new Array<number>(features.length).fill(0);
  let at = 0;
  for (let row = 0; row < features.length; row++) {
    const x = features[row] ?? 0;
    let sum = 0;
    for (let column = 0; column < row; column++, at++) {
      const value = covariance[at] ?? 0;
      sum += value * (features[column] ?? 0);
      spread[column] = (spread[column] ?? 0) + value * x;
    }
    spread[row] = (spread[row] ?? 0) + sum + (covariance[at++] ?? 0) * x;
  }
  return spread;
}

function marginFrom(state: ResponseState, features: readonly number[], spread: readonly number[]): Margin {
  let mean = 0;
  let variance = 0;
  for (let k = 0; k < features.length; k++) {
    mean += (state.mean[k] ?? 0) * (features[k] ?? 0);
    variance += (spread[k] ?? 0) * (features[k] ?? 0);
  }
  return { mean, variance: Math.max(0, variance) };
}

export const marginOf = (state: ResponseState, features: readonly number[]): Margin =>
  marginFrom(state, features, spreadOf(state, features));
