import fc from "fast-check";
import { expect, test } from "vitest";
import { meanMoments, proportionMoments, ratioMoments } from "../../actors/learning/experiment/arm-moments.ts";
import { type ArmSums, merged, NO_UNITS, withCorrection, withUnit } from "../../actors/learning/experiment/arm-sums.ts";
import {
  mixtureScale,
  narrowed,
  sequenceHalfWidth,
  sequenceInterval,
  sequencePValue,
} from "../../actors/learning/experiment/confidence-sequence.ts";
import { cupedMoments } from "../../actors/learning/experiment/cuped.ts";
import { absoluteEffect, relativeEffect } from "../../actors/learning/experiment/effect.ts";
import { welchTest, zTest } from "../../actors/learning/experiment/fixed-horizon.ts";
import { spendingBounds } from "../../actors/learning/experiment/group-sequential.ts";
import { capFrom, capped, skewness, unitsForNormality } from "../../actors/learning/experiment/heavy-tail.ts";
import { mixtureSprtInterval, mixtureSprtPValue } from "../../actors/learning/experiment/mixture-sprt.ts";
import { sampleRatio } from "../../actors/learning/experiment/sample-ratio.ts";
import { sequenceMayStart } from "../../actors/learning/experiment/sequence-start.ts";
import { peekedExperiment } from "../../bench/evaluate/bars/peeked-experiment.ts";
import { PEEKED_METRICS } from "../../bench/evaluate/bars/peeked-metrics.ts";
import { mismatches } from "../../bench/evaluate/bars/sample-ratio-power.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";

const sumsOf = (values: readonly (readonly [number, number])[]): ArmSums =>
  values.reduce((sums, [value, pre]) => withUnit(sums, value, pre), NO_UNITS);

const units = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 })), {
  minLength: 2,
  maxLength: 30,
});

test("sums add up in any split, and a correction equals having known it from the start", () => {
  fc.assert(
    fc.property(units, fc.nat(), fc.integer({ min: 0, max: 50 }), (values, at, after) => {
      const cut = at % values.length;
      expect(merged(sumsOf(values.slice(0, cut)), sumsOf(values.slice(cut)))).toEqual(sumsOf(values));
      const [before, pre] = values[cut] ?? [0, 0];
      const known = values.map((unit, place): readonly [number, number] => (place === cut ? [after, pre] : unit));
      expect(withCorrection(sumsOf(values), before, after, pre)).toEqual(sumsOf(known));
    }),
  );
});

test("a ratio's variance counts units, not events: one busy listener is not many", () => {
  // The same clicks and impressions, spread over few or many listeners.
  const few = ratioMoments(sumsOf(Array.from({ length: 20 }, (_, unit) => [unit % 2 === 0 ? 0 : 100, 1_000])));
  const many = ratioMoments(sumsOf(Array.from({ length: 2_000 }, (_, unit) => [unit % 2 === 0 ? 0 : 1, 10])));
  expect(few.mean).toBeCloseTo(many.mean, 12);
  const errorOf = ({ variance, units: count }: typeof few) => Math.sqrt(variance / count);
  expect(errorOf(few) / errorOf(many)).toBeCloseTo(10, 0);
});

test("a ratio with a constant denominator has the variance of its numerator divided by it", () => {
  const values = [3, 5, 2, 8].map((value): [number, number] => [value, 4]);
  const plain = meanMoments(sumsOf(values));
  const ratio = ratioMoments(sumsOf(values));
  expect(ratio.mean).toBeCloseTo(plain.mean / 4, 12);
  expect(ratio.variance).toBeCloseTo(plain.variance / 16, 12);
});

test("CUPED takes away what the pre-period explains, and changes nothing without a pre-period", () => {
  const random = randomStream(2);
  const arm = (shift: number) =>
    sumsOf(
      Array.from({ length: 2_000 }, () => 10 * random()).map((pre): [number, number] => [pre + random() + shift, pre]),
    );
  const [control, treatment] = [arm(0), arm(0.1)];
  const { varianceReduction, theta, ...adjusted } = cupedMoments(control, treatment);
  expect(theta).toBeCloseTo(1, 1);
  expect(varianceReduction).toBeGreaterThan(0.98);
  expect(absoluteEffect(adjusted.control, adjusted.treatment).estimate).toBeCloseTo(0.1, 1);
  const without = (sums: ArmSums): ArmSums => ({ ...sums, preSum: 0, preSumSquares: 0, crossSum: 0 });
  const plain = cupedMoments(without(control), without(treatment));
  expect(plain).toMatchObject({ theta: 0, varianceReduction: 0 });
  expect(plain.control.mean).toBeCloseTo(meanMoments(control).mean, 12);
});

test("a relative effect and its interval do not change with the metric's unit", () => {
  const [a, b] = [
    { units: 900, mean: 4, variance: 9 },
    { units: 1_000, mean: 4.2, variance: 8 },
  ];
  const scaled = (moments: typeof a) => ({ ...moments, mean: moments.mean * 1_000, variance: moments.variance * 1e6 });
  const [plain, thousandfold] = [relativeEffect(a, b), relativeEffect(scaled(a), scaled(b))];
  expect(plain.estimate).toBeCloseTo(0.05, 12);
  expect(thousandfold.estimate).toBeCloseTo(plain.estimate, 12);
  expect(welchTest(thousandfold, 0.05).lower).toBeCloseTo(welchTest(plain, 0.05).lower, 12);
});

test("the confidence sequence is tightest, relative to a single look, at its tuning size", () => {
  const plan = { alpha: 0.05, tuningUnits: 10_000 };
  const widening = (n: number) => sequenceHalfWidth(1 / n, n, plan) * Math.sqrt(n); // of a unit variance, against √(1/n)
  const best = widening(10_000);
  for (const n of [1_000, 5_000, 9_000, 11_000, 20_000, 100_000]) expect(widening(n)).toBeGreaterThan(best);
  expect(best).toBeGreaterThan(1.96);
});

test("a p-value that may be read at any time is below alpha exactly when the interval excludes 0", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      fc.integer({ min: 2, max: 1_000_000 }),
      (estimate, variance, n) => {
        const effect = { estimate, variance, units: n, degrees: n - 2 };
        const plan = { alpha: 0.05, tuningUnits: 5_000 };
        const { lower, upper } = sequenceInterval(effect, plan);
        expect(sequencePValue(effect, plan) < 0.05).toBe(lower > 0 || upper < 0);
        const mixture = mixtureSprtInterval(effect, 0.01, 0.05);
        expect(mixtureSprtPValue(effect, 0.01) < 0.05).toBe(mixture.lower > 0 || mixture.upper < 0);
      },
    ),
  );
});

test("the sequence is mSPRT with the mixture that its scale says", () => {
  const effect = { estimate: 0.1, variance: 0.002, units: 4_000, degrees: 3_998 };
  const plan = { alpha: 0.05, tuningUnits: 9_000 };
  const unitVariance = effect.variance * effect.units;
  const mixture = mixtureSprtInterval(effect, mixtureScale(plan) ** 2 * unitVariance, 0.05);
  const sequence = sequenceInterval(effect, plan);
  expect(mixture.lower).toBeCloseTo(sequence.lower, 12);
  expect(mixture.upper).toBeCloseTo(sequence.upper, 12);
});

test("looks narrow an interval and never widen it", () => {
  const looks = [
    { lower: -5, upper: 4 },
    { lower: -1, upper: 6 },
    { lower: -3, upper: 2 },
  ];
  expect(looks.reduce(narrowed)).toEqual({ lower: -1, upper: 2 });
});

test("group-sequential looks spend their alpha and no more, in 100,000 experiments without an effect", () => {
  const fractions = [0.2, 0.5, 1];
  const bounds = spendingBounds(fractions, { alpha: 0.05, power: 2 });
  const random = randomStream(4);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const crossed = [0, 0, 0];
  const repetitions = 100_000;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    let score = 0;
    let before = 0;
    for (const [look, fraction] of fractions.entries()) {
      score += normal() * Math.sqrt(fraction - before);
      before = fraction;
      if (Math.abs(score) / Math.sqrt(fraction) <= (bounds[look] ?? 0)) continue;
      crossed[look] = (crossed[look] ?? 0) + 1;
      break;
    }
  }
  const spent = crossed.map(
    (_, look) => crossed.slice(0, look + 1).reduce((sum, count) => sum + count, 0) / repetitions,
  );
  fractions.forEach((fraction, look) => expect(spent[look]).toBeCloseTo(0.05 * fraction ** 2, 2));
  expect(spendingBounds([1], { alpha: 0.05, power: 1 })[0]).toBeCloseTo(1.959964, 6);
  expect(() => spendingBounds([0.5, 0.5], { alpha: 0.05, power: 1 })).toThrow(
    "information fraction 0.5: must rise above 0.5",
  );
});

test("looking after every unit keeps false alarms below 5 % where a test for one look does not, seed 9", () => {
  const random = randomStream(9);
  const repetitions = 60;
  for (const metric of PEEKED_METRICS) {
    const short = { ...metric, unitsPerArm: metric.unitsPerArm / 4 };
    const found = Array.from({ length: repetitions }, () => peekedExperiment(short, 0, random));
    expect(found.filter(({ alarm }) => alarm).length / repetitions, metric.name).toBeLessThanOrEqual(0.05);
    expect(found.filter(({ fixedAlarm }) => fixedAlarm).length / repetitions, metric.name).toBeGreaterThan(0.1);
    expect(
      found.every(({ alarm, covered }) => alarm !== covered),
      metric.name,
    ).toBe(true); // in A/A they are opposites
  }
});

test("a sample ratio forgives chance and finds a lost percent in about half of 400,000 units", () => {
  expect(sampleRatio([{ units: 5_100, share: 1 }, { units: 4_900, share: 1 }]).mismatch).toBe(false); // prettier-ignore
  expect(sampleRatio([{ units: 5_300, share: 1 }, { units: 4_700, share: 1 }]).mismatch).toBe(true); // prettier-ignore
  expect(sampleRatio([{ units: 100, share: 1 }, { units: 900, share: 9 }]).pValue).toBe(1); // prettier-ignore
  const random = randomStream(6);
  expect(mismatches(400_000, 0.01, 200, random) / 200).toBeGreaterThan(0.3);
  expect(mismatches(400_000, 0, 2_000, random)).toBeLessThanOrEqual(8);
  expect(() => sampleRatio([{ units: 3, share: 1 }])).toThrow("arms: 1; a ratio needs two or more");
  expect(() => sampleRatio([{ units: 3, share: 1 }, { units: 3, share: 0 }])).toThrow("share 0: must be above 0"); // prettier-ignore
});

test("a sequence does not start with a handful of events", () => {
  const arm = (count: number): ArmSums => ({ ...NO_UNITS, units: count });
  expect(sequenceMayStart(arm(100), arm(5_000), 10)).toBe(true);
  expect(sequenceMayStart(arm(99), arm(5_000), 10)).toBe(false);
  expect(sequenceMayStart(arm(100), arm(5_000), 9)).toBe(false);
});

test("a cap from before the experiment cuts the tail's variance", () => {
  const random = randomStream(8);
  const [, , heavy] = PEEKED_METRICS;
  const spend = Float64Array.from({ length: 20_000 }, () => heavy?.draw(random, 0) ?? Number.NaN);
  const cap = capFrom(spend, 0.99);
  expect(spend.filter((value) => value > cap)).toHaveLength(200);
  const cut = spend.map((value) => capped(value, cap));
  expect(skewness(cut)).toBeLessThan(skewness(spend) / 2);
  expect(unitsForNormality(2)).toBe(1_420);
  expect(skewness(Float64Array.of(1, 2, 3))).toBeCloseTo(0, 12);
});

test("the z-test and Welch's agree on large arms and differ on small ones", () => {
  const effect = (n: number) => absoluteEffect(proportionMoments(n * 0.4, n), proportionMoments(n * 0.6, n));
  expect(welchTest(effect(100_000), 0.05).upper).toBeCloseTo(zTest(effect(100_000), 0.05).upper, 6);
  expect(welchTest(effect(5), 0.05).upper - zTest(effect(5), 0.05).upper).toBeGreaterThan(0.1);
});
