import fc from "fast-check";
import { expect, test } from "vitest";
import {
  directMethod,
  doublyRobust,
  fullCorrection,
  inversePropensity,
  selfNormalised,
  selfNormalisedDoublyRobust,
} from "../../actors/learning/off-policy/estimates.ts";
import { evaluateOffPolicy } from "../../actors/learning/off-policy/evaluation.ts";
import { checkRounds, type LoggedRounds } from "../../actors/learning/off-policy/logged-rounds.ts";
import { crossFitRates, fitRates, policyRate, rateOf } from "../../actors/learning/off-policy/reward-model.ts";
import { addRounds, noRounds, type RoundSums } from "../../actors/learning/off-policy/round-sums.ts";
import {
  bernsteinInterval,
  bootstrapInterval,
  normalInterval,
} from "../../actors/learning/off-policy/value-interval.ts";
import { usedWeight, type Weighting } from "../../actors/learning/off-policy/weighting.ts";
import { drawLog, drawWorld } from "../../bench/evaluate/bars/off-policy-world.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";

const columns = (rows: readonly (readonly [number, number, number, number, number])[]): LoggedRounds => {
  const column = (at: number) => Float64Array.from(rows, (row) => row[at] ?? Number.NaN);
  const [rewards, propensities, targetChances, modelOfChosen, modelOfTarget] = [0, 1, 2, 3, 4].map(column) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return { rewards, propensities, targetChances, modelOfChosen, modelOfTarget };
};

const sumsOf = (log: LoggedRounds, weightings: readonly Weighting[] = []): RoundSums => {
  const sums = noRounds(weightings);
  addRounds(sums, log);
  return sums;
};

// reward, propensity, target's chance, model of the chosen, model of the target; weights 2, 0.5, 1, 0.
const FOUR = columns([
  [1, 0.25, 0.5, 0.6, 0.4],
  [0, 0.5, 0.25, 0.2, 0.3],
  [1, 0.5, 0.5, 0.5, 0.5],
  [1, 0.5, 0, 0.9, 0.2],
]);

test("the estimators give what pencil and paper give", () => {
  const sums = sumsOf(FOUR);
  expect(inversePropensity(sums).value).toBeCloseTo((2 + 1) / 4, 12);
  expect(selfNormalised(sums).value).toBeCloseTo(3 / 3.5, 12);
  expect(directMethod(sums).value).toBeCloseTo(1.4 / 4, 12);
  // Corrections: 2 · 0.4, 0.5 · −0.2, 1 · 0.5, 0.
  expect(doublyRobust(sums, fullCorrection(sums)).value).toBeCloseTo((1.4 + 1.2) / 4, 12);
  expect(selfNormalisedDoublyRobust(sums).value).toBeCloseTo(1.4 / 4 + 1.2 / 3.5, 12);
});

test("Switch and shrinkage lie between the direct method and full correction, and reach both at their ends", () => {
  const value = (weighting: Weighting): number => {
    const sums = sumsOf(FOUR, [weighting]);
    const correction = sums.corrections[1];
    if (correction === undefined) throw new Error("no second weighting");
    return doublyRobust(sums, correction).value;
  };
  const full = doublyRobust(sumsOf(FOUR), fullCorrection(sumsOf(FOUR))).value;
  const direct = directMethod(sumsOf(FOUR)).value;
  expect(value({ kind: "switch", limit: 2 })).toBeCloseTo(full, 12); // a weight of the limit itself still corrects
  expect(value({ kind: "switch", limit: 1.99 })).toBeCloseTo((1.4 - 0.1 + 0.5) / 4, 12);
  expect(value({ kind: "shrunk", limit: 0 })).toBeCloseTo(direct, 12);
  expect(value({ kind: "shrunk", limit: Infinity })).toBeCloseTo(full, 12);
});

test("no weighting uses more than the weight itself", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      (weight, limit) => {
        for (const kind of ["switch", "shrunk"] as const) {
          const used = usedWeight({ kind, limit }, weight);
          expect(used).toBeGreaterThanOrEqual(0);
          expect(used).toBeLessThanOrEqual(weight * (1 + 1e-12));
        }
      },
    ),
  );
});

test("a log read in pieces gives what it gives in one", () => {
  const random = randomStream(7);
  const world = drawWorld({ contexts: 4, actions: 3, rateMin: 0.1, rateMax: 0.6 }, random);
  const log = drawLog(world, 300, random);
  const piece = (from: number, to: number) =>
    Object.fromEntries(
      Object.entries(log).map(([name, column]) => [name, (column as Float64Array).slice(from, to)]),
    ) as unknown as LoggedRounds;
  const inPieces = noRounds([{ kind: "shrunk", limit: 5 }]);
  for (let from = 0; from < 300; from += 70) addRounds(inPieces, piece(from, from + 70));
  expect(inPieces).toEqual(sumsOf(log, [{ kind: "shrunk", limit: 5 }]));
});

test("rewards shifted by a constant shift SNIPS and SNDR by exactly that, whatever the weights", () => {
  const shifted = { ...FOUR, rewards: FOUR.rewards.map((reward) => reward + 10) };
  const [before, after] = [sumsOf(FOUR), sumsOf(shifted)];
  expect(selfNormalised(after).value - selfNormalised(before).value).toBeCloseTo(10, 12);
  expect(selfNormalisedDoublyRobust(after).value - selfNormalisedDoublyRobust(before).value).toBeCloseTo(10, 12);
  expect(inversePropensity(after).value - inversePropensity(before).value).toBeCloseTo(10 * (3.5 / 4), 12);
});

test("a doubly robust estimate survives a wrong model, the direct method does not", () => {
  const random = randomStream(11);
  const world = drawWorld({ contexts: 4, actions: 4, rateMin: 0.1, rateMax: 0.8 }, random);
  const log = drawLog(world, 60_000, random);
  const wrong = { ...log, modelOfChosen: log.rewards.map(() => 0.9), modelOfTarget: log.rewards.map(() => 0.9) };
  const sums = sumsOf(wrong);
  expect(directMethod(sums).value).toBeCloseTo(0.9, 9);
  expect(Math.abs(doublyRobust(sums, fullCorrection(sums)).value - world.truth)).toBeLessThan(0.02);
});

test("95 % intervals hold the truth in at least 92 % of logs, seed 5", () => {
  const random = randomStream(5);
  const repetitions = 300;
  const held = { ips: 0, snips: 0, dr: 0, sndr: 0, bernstein: 0, bootstrap: 0 };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const world = drawWorld({ contexts: 6, actions: 5, rateMin: 0.05, rateMax: 0.5 }, random);
    const log = drawLog(world, 800, random);
    const sums = sumsOf(log);
    const divisors = log.targetChances.map((chance, round) => chance / (log.propensities[round] ?? 1));
    const numerators = divisors.map((weight, round) => weight * (log.rewards[round] ?? 0));
    const intervals = {
      ips: normalInterval(inversePropensity(sums), 0.05),
      snips: normalInterval(selfNormalised(sums), 0.05),
      dr: normalInterval(doublyRobust(sums, fullCorrection(sums)), 0.05),
      sndr: normalInterval(selfNormalisedDoublyRobust(sums), 0.05),
      bernstein: bernsteinInterval(inversePropensity(sums), sums.rounds, sums.weightMax, 0.05),
      bootstrap: bootstrapInterval({ numerators, divisors }, 150, 0.05, random),
    };
    for (const name of Object.keys(held) as (keyof typeof held)[])
      if (intervals[name].lower <= world.truth && world.truth <= intervals[name].upper) held[name]++;
  }
  for (const [name, count] of Object.entries(held)) expect(count / repetitions, name).toBeGreaterThanOrEqual(0.92);
  // Intervals that hold always would be too wide; only Bernstein's may be.
  expect(held.dr / repetitions).toBeLessThan(0.99);
});

test("a weight above 50 or an effective size below 10 % refuses, and says by how much", () => {
  const rows = Array.from({ length: 100 }, (): [number, number, number, number, number] => [1, 0.5, 0.5, 0, 0]);
  const heavy = columns([...rows, [1, 0.01, 0.6, 0, 0]]);
  const result = evaluateOffPolicy(sumsOf(heavy), 0.05);
  expect(result).toMatchObject({
    kind: "refused",
    refusals: [
      { rule: "effective-share-min", figure: expect.closeTo(160 ** 2 / 3_700 / 101, 9), limit: 0.1 },
      {
        rule: "weight-max",
        figure: expect.closeTo(60, 9),
        limit: 50,
        text: "one round has a weight of 60.0; at most 50 is allowed",
      },
    ],
  });
  expect(evaluateOffPolicy(sumsOf(columns(rows)), 0.05).kind).toBe("estimated");
});

test("an empty log and one without overlap are refused by name, not divided by zero", () => {
  expect(evaluateOffPolicy(noRounds(), 0.05)).toMatchObject({
    kind: "refused",
    refusals: [{ rule: "no-rounds", figure: 0 }],
  });
  const apart = columns([
    [1, 0.5, 0, 0, 0],
    [1, 0.5, 0, 0, 0],
  ]);
  expect(evaluateOffPolicy(sumsOf(apart), 0.05)).toMatchObject({ kind: "refused", refusals: [{ rule: "no-overlap" }] });
});

test("the direct method has no interval: its spread says nothing of the model's error", () => {
  const result = evaluateOffPolicy(sumsOf(FOUR), 0.05);
  if (result.kind === "refused") throw new Error(result.refusals[0]?.text);
  expect(result.estimates.map(({ estimator }) => estimator)).toEqual(["ips", "snips", "dm", "dr", "sndr"]);
  expect(result.estimates.filter(({ interval }) => interval === null).map(({ estimator }) => estimator)).toEqual([
    "dm",
  ]);
});

test("what no log may hold is refused by column, round and rule", () => {
  const broken = (change: Partial<LoggedRounds>) => () => checkRounds({ ...FOUR, ...change });
  expect(broken({})).not.toThrow();
  expect(broken({ propensities: Float64Array.of(0.5, 0, 0.5, 0.5) })).toThrow("propensities[1] = 0: must be in (0, 1]");
  expect(broken({ targetChances: Float64Array.of(0.5, 0.1, 1.5, 0.5) })).toThrow(
    "targetChances[2] = 1.5: must be in [0, 1]",
  );
  expect(broken({ rewards: Float64Array.of(0, 0, 0, Number.NaN) })).toThrow(
    "rewards[3] = NaN: must be a finite number",
  );
  expect(broken({ modelOfTarget: new Float64Array(3) })).toThrow("modelOfTarget: 3 rounds; rewards has 4");
});

test("a rate draws to its prior, and a cross-fitted one has not seen its own fold", () => {
  const log = {
    actionOf: Int32Array.of(0, 0, 1, 0),
    cellOf: Int32Array.of(0, 0, 0, 1),
    rewards: Float64Array.of(1, 0, 1, 1),
  };
  const prior = { successes: 1, trials: 4 };
  const table = fitRates(log, 2, 2, prior);
  expect([rateOf(table, 0, 0), rateOf(table, 0, 1), rateOf(table, 1, 1)]).toEqual([2 / 6, 2 / 5, 1 / 4]);
  expect(policyRate(table, 0, Float64Array.of(0.25, 0.75))).toBeCloseTo(0.25 * (2 / 6) + 0.75 * (2 / 5), 12);
  const [even] = crossFitRates(log, 2, 2, prior, 2);
  // Rounds 0 and 2 are of fold 0, so its table knows rounds 1 and 3 only.
  expect(even && [rateOf(even, 0, 0), rateOf(even, 0, 1), rateOf(even, 1, 0)]).toEqual([1 / 5, 1 / 4, 2 / 5]);
});
