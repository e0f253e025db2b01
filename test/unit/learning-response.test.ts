import { describe, expect, test } from "vitest";
import {
  hashedFeatures,
  hashedMargin,
  initialHashedResponse,
  updateHashedResponse,
} from "../../actors/learning/response/hashed-logistic.ts";
import {
  initialResponse,
  marginOf,
  type ResponseState,
  updateResponse,
} from "../../actors/learning/response/logistic.ts";
import { logistic, responseProbability, sampledMargin, tiltedMoments } from "../../actors/learning/response/margin.ts";
import { valueRatio } from "../../actors/learning/response/value-ratio.ts";
import { areaUnderCurve, type Prediction } from "../../bench/evaluate/baselines/contextual.ts";
import { streamFor } from "../../bench/evaluate/worlds/chance.ts";

/** The same integral on a fine grid. */
function tiltedByGrid(mean: number, variance: number, responded: boolean): { mean: number; variance: number } {
  const sd = Math.sqrt(variance);
  let [mass, first, second] = [0, 0, 0];
  for (let z = -10; z <= 10; z += 0.001) {
    const x = mean + sd * z;
    const weight = Math.exp((-z * z) / 2) * logistic(responded ? x : -x);
    mass += weight;
    first += weight * x;
    second += weight * x * x;
  }
  return { mean: first / mass, variance: second / mass - (first / mass) ** 2 };
}

test.each([
  [0, 1, true],
  [-3.5, 1, true],
  [-3.5, 4, false],
  [2, 0.01, false],
])(
  "one observation moves a margin of mean %d, variance %d as the exact posterior does (responded %s)",
  (mean, variance, responded) => {
    const exact = tiltedByGrid(mean, variance, responded);
    const ours = tiltedMoments(mean, variance, responded);
    expect(ours.mean).toBeCloseTo(exact.mean, 3);
    expect(ours.variance).toBeCloseTo(exact.variance, 3);
  },
);

function trained(observations: number, weights: readonly number[], isShuffled = false): ResponseState {
  const random = streamFor(8, 1);
  let state = initialResponse(weights.length, 0);
  for (let turn = 0; turn < observations; turn++) {
    const features = weights.map((_, k) => (k === 0 ? 1 : random() * 2 - 1));
    const odds = weights.reduce((all, weight, k) => all + weight * (features[k] ?? 0), 0);
    state = updateResponse(state, features, random() < (isShuffled ? 0.4 : logistic(odds)));
  }
  return state;
}

describe("the full covariance", () => {
  const weights = [-1, 1.5, -0.8, 0];

  test("weights are found, within what their own variances say", () => {
    const state = trained(4_000, weights);
    weights.forEach((weight, k) => {
      const unit = weights.map((_, other) => (other === k ? 1 : 0));
      const { mean, variance } = marginOf(state, unit);
      expect(Math.abs(mean - weight)).toBeLessThan(4 * Math.sqrt(variance));
      expect(Math.sqrt(variance)).toBeLessThan(0.12);
    });
  });

  test("an observation never widens a margin (R1)", () => {
    const random = streamFor(9, 1);
    let state = initialResponse(5, -2, 2);
    for (let turn = 0; turn < 300; turn++) {
      const features = Array.from({ length: 5 }, () => random() * 4 - 2);
      const before = marginOf(state, features).variance;
      state = updateResponse(state, features, random() < 0.3);
      const after = marginOf(state, features).variance;
      expect(after).toBeGreaterThanOrEqual(0);
      expect(after).toBeLessThanOrEqual(before + 1e-12);
    }
  });

  test("responses that have nothing to do with the features teach nothing but their rate", () => {
    const state = trained(4_000, weights, true);
    expect(responseProbability(marginOf(state, [1, 0, 0, 0]))).toBeCloseTo(0.4, 1);
    for (const k of [1, 2, 3]) expect(Math.abs(state.mean[k] ?? 9)).toBeLessThan(0.25);
  });

  test("a draw of the margin has the margin's mean and deviation", () => {
    const random = streamFor(10, 1);
    const draws = Array.from({ length: 20_000 }, () => sampledMargin({ mean: -1, variance: 4 }, random));
    const mean = draws.reduce((all, each) => all + each, 0) / draws.length;
    const variance = draws.reduce((all, each) => all + (each - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean + 1)).toBeLessThan(0.06);
    expect(Math.abs(variance - 4)).toBeLessThan(0.2);
  });

  test("wrong features are refused by name", () => {
    const state = initialResponse(3);
    expect(() => updateResponse(state, [1, 2], true)).toThrow("features: 2 given, the learner has 3");
    expect(() => updateResponse(state, [1, Number.NaN, 0], true)).toThrow("features[1]: NaN, must be within ±10");
    expect(() => initialResponse(25)).toThrow("features: 25, must be 1 to 24");
  });
});

test("hashed features have norm 1, and effect coding speaks of both alternatives", () => {
  const features = hashedFeatures(["jazz", "late", "night", "jazz"]);
  expect([...features.values()].reduce((all, value) => all + value * value, 0)).toBeCloseTo(1, 9);
  let state = initialHashedResponse();
  for (let turn = 0; turn < 20; turn++) state = updateHashedResponse(state, features, true, 1);
  expect(hashedMargin(state, features, 1).mean).toBeGreaterThan(0.5);
  expect(hashedMargin(state, features, -1).mean).toBeCloseTo(-hashedMargin(state, features, 1).mean, 9);
});

test("a cohort of fewer than 50 is not told apart, larger ones are shrunk and bounded", () => {
  expect(valueRatio(0.09, 0.03, 49)).toBe(1);
  expect(valueRatio(0.09, 0.03, 50)).toBeCloseTo(1.4, 9);
  expect(valueRatio(0.9, 0.03, 1e9)).toBe(4);
  expect(valueRatio(0, 0.03, 1e9)).toBe(0.25);
});

test("the area under the curve counts ties as halves", () => {
  const of = (pairs: readonly (readonly [number, boolean])[]): Prediction[] =>
    pairs.map(([probability, responded]) => ({ probability, responded }));
  expect(
    areaUnderCurve(
      of([
        [0.1, false],
        [0.2, false],
        [0.3, true],
      ]),
    ),
  ).toBe(1);
  expect(
    areaUnderCurve(
      of([
        [0.2, false],
        [0.2, true],
      ]),
    ),
  ).toBe(0.5);
});
