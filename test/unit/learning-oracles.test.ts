import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { propensityCalibration } from "../../actors/learning/off-policy/calibration.ts";
import { evaluateOffPolicy } from "../../actors/learning/off-policy/evaluation.ts";
import { addRounds, noRounds } from "../../actors/learning/off-policy/round-sums.ts";
import { abDeviations } from "../../bench/evaluate/bars/ab-reference.ts";
import { offPolicyDeviations, openBanditLogs, summed } from "../../bench/evaluate/bars/off-policy-reference.ts";
import { parseCsv } from "../../bench/evaluate/datasets.ts";
import { type Deviation, farthestFirst } from "../../bench/evaluate/deviation.ts";
import { describeDatasets, describeFixtures } from "../support/fixtures.ts";

const TOLERANCE = 1e-6;

function expectNear(deviations: readonly Deviation[], count: number): void {
  expect(deviations).toHaveLength(count); // a comparison that silently compares less would pass too
  expect(farthestFirst(deviations).filter(({ size }) => !(size <= TOLERANCE))).toEqual([]);
}

describeDatasets("public tools on public data", (datasets) => {
  test("off-policy values and standard errors equal Open Bandit Pipeline's to 1e-6", () => {
    // Nine estimators with a value and an error each, on three logs; effective rounds and largest weight of one.
    expectNear(offPolicyDeviations(datasets()), 3 * 9 * 2 + 2);
  });

  test("A/B statistics equal spotify-confidence's and GrowthBook's to 1e-6", () => {
    expectNear(abDeviations(datasets()), 97);
  });

  test("the uniform log may score Thompson sampling; the Thompson log is refused for the uniform policy", () => {
    const { random, bts } = openBanditLogs(datasets());
    expect(evaluateOffPolicy(summed(random), 0.05).kind).toBe("estimated");
    const refused = evaluateOffPolicy(summed(bts), 0.05);
    expect(refused).toMatchObject({
      kind: "refused",
      refusals: [
        { rule: "effective-share-min", limit: 0.1 },
        { rule: "weight-max", limit: 50 },
      ],
    });
  });

  test("the propensities of the uniform log are calibrated, and a log with doubled ones is not", () => {
    const { random } = openBanditLogs(datasets());
    const counts = random.propensities.map(() => 34);
    expect(propensityCalibration(random.propensities, counts)).toMatchObject({
      mean: expect.closeTo(1, 9),
      calibrated: true,
    });
    const doubled = random.propensities.map((chance) => 2 * chance);
    expect(propensityCalibration(doubled, counts)).toMatchObject({ mean: expect.closeTo(0.5, 9), calibrated: false });
  });
});

describeFixtures("off-policy-open-bandit", (folder) => {
  test("the women's Thompson log says next to nothing about a uniform policy, and is refused with its effective size", () => {
    const csv = parseCsv(gunzipSync(folder.bytes("bts-women.csv.gz")).toString("utf8"), "bts-women.csv");
    const rewards = csv.numbers("click");
    const none = rewards.map(() => 0);
    const sums = noRounds();
    addRounds(sums, {
      rewards,
      propensities: csv.numbers("propensity_score"),
      targetChances: rewards.map(() => 1 / 46),
      modelOfChosen: none,
      modelOfTarget: none,
    });
    const result = evaluateOffPolicy(sums, 0.05);
    if (result.kind !== "refused") throw new Error("expected a refusal");
    expect(result.overlap.effectiveRounds).toBeGreaterThan(1);
    expect(result.overlap.effectiveRounds).toBeLessThan(3);
    expect(result.refusals.map(({ rule }) => rule)).toEqual(["effective-share-min", "weight-max"]);
    expect(result.refusals[0]?.text).toMatch(
      /^the log is worth [12]\.\d rounds \(0\.0\d+ % of 10000\); at least 10\.0 % are needed$/,
    );
  });
});
