import { z } from "zod";
import { fnv1a32, mix32 } from "../../../protocols/hash.ts";
import { clip } from "../numerics/bounds.ts";
import { type Margin, tiltedMoments } from "./margin.ts";

/*
 * The logistic learner for wide, sparse features (keywords of a show, categories of content): the same filtering with a diagonal
 * covariance, over features hashed with signs (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"; the diagonal
 * form: Graepel et al. 2010, "Web-scale Bayesian click-through rate prediction", section 3).
 *
 * Weights are kept as integers (millionths of log odds; variances in ten-thousandths), so that 512 buckets fit into 5 KB of
 * msgpack. The variance's smallest unit is also its floor: the learner never stops to follow a change.
 */

const BUCKETS = 512;
const WEIGHT_UNIT = 1e-6;
const VARIANCE_UNIT = 1e-4;
const WEIGHT_MAX = 30;
const VARIANCE_MAX = 6.5;

export const HashedResponseState = z.strictObject({
  /** Millionths of log odds, by bucket. */
  weights: z.array(z.int()).length(BUCKETS),
  /** Ten-thousandths, by bucket. */
  variances: z.array(z.int().min(1).max(65_535)).length(BUCKETS),
  observations: z.int().min(0),
  responses: z.int().min(0),
});
export type HashedResponseState = z.infer<typeof HashedResponseState>;

export const hashedResponseState = { version: 1, schema: HashedResponseState };

/** @param priorSd of each weight, up to 2.5. */
export function initialHashedResponse(priorSd = 2): HashedResponseState {
  const variance = Math.round(clip(priorSd * priorSd, VARIANCE_UNIT, VARIANCE_MAX) / VARIANCE_UNIT);
  return {
    weights: new Array<number>(BUCKETS).fill(0),
    variances: new Array<number>(BUCKETS).fill(variance),
    observations: 0,
    responses: 0,
  };
}

/** Value by bucket; its norm is 1, so that a long text is no louder than a short one. */
export type HashedFeatures = ReadonlyMap<number, number>;

/** @param names of what is present: words, categories. Repeats count again. */
export function hashedFeatures(names: readonly string[]): HashedFeatures {
  const values = new Map<number, number>();
  for (const name of names) {
    const hash = mix32(fnv1a32(name));
    const bucket = hash % BUCKETS;
    values.set(bucket, (values.get(bucket) ?? 0) + ((hash >>> 20) & 1 ? 1 : -1));
  }
  let squares = 0;
  for (const value of values.values()) squares += value * value;
  if (squares === 0) return new Map();
  const norm = Math.sqrt(squares);
  for (const [bucket, value] of values) values.set(bucket, value / norm);
  return values;
}

/**
 * @param sign +1 or −1 codes one of two alternatives against the other: what is learned of one then speaks of both (effect coding).
 */
export function hashedMargin(state: HashedResponseState, features: HashedFeatures, sign: 1 | -1 = 1): Margin {
  let mean = 0;
  let variance = 0;
  for (const [bucket, value] of features) {
    mean += sign * value * (state.weights[bucket] ?? 0) * WEIGHT_UNIT;
    variance += value * value * (state.variances[bucket] ?? 0) * VARIANCE_UNIT;
  }
  return { mean, variance };
}

export function updateHashedResponse(
  state: HashedResponseState,
  features: HashedFeatures,
  responded: boolean,
  sign: 1 | -1 = 1,
): HashedResponseState {
  const { mean, variance } = hashedMargin(state, features, sign);
  const observations = state.observations + 1;
  const responses = state.responses + (responded ? 1 : 0);
  if (variance <= 0) return { ...state, observations, responses };
  const tilted = tiltedMoments(mean, variance, responded);
  const shift = (tilted.mean - mean) / variance;
  const shrink = Math.min(0, (tilted.variance - variance) / (variance * variance));
  const weights = state.weights.slice();
  const variances = state.variances.slice();
  for (const [bucket, value] of features) {
    const before = (variances[bucket] ?? 1) * VARIANCE_UNIT;
    const spread = before * value * sign;
    const weight = (weights[bucket] ?? 0) * WEIGHT_UNIT + shift * spread;
    weights[bucket] = Math.round(clip(weight, -WEIGHT_MAX, WEIGHT_MAX) / WEIGHT_UNIT);
    variances[bucket] = Math.max(1, Math.round((before + shrink * spread * spread) / VARIANCE_UNIT));
  }
  return { weights, variances, observations, responses };
}
