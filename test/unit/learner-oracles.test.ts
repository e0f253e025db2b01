import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { playBudgets } from "../../bench/evaluate/bars/l5-ipinyou.ts";
import {
  areaUnderCurve,
  logLoss,
  parseLoggedTexts,
  playDigits,
  predictConversions,
  progressiveLoss,
} from "../../bench/evaluate/baselines/contextual.ts";
import { describeDatasets } from "../support/fixtures.ts";

interface Reference {
  readonly pacing_ipinyou_2997: Record<string, Record<string, { readonly value: number }>>;
  readonly marketing_ab: {
    readonly online_full_covariance_adf: { readonly auc_second_half: number; readonly logloss_second_half: number };
  };
  readonly vw_cb: Record<string, number>;
}

describeDatasets("learners on public data, beside the named tools", (datasets) => {
  const reference = (): Reference => datasets().reference as Reference;

  test("pacing wins more than greedy and throttled bidding at every budget, and what the reference's own residual dual descent wins", () => {
    const budgets = playBudgets(datasets(), { seeds: [1], progress: () => {} });
    expect(budgets).toHaveLength(12);
    for (const { ours, greedy, throttled } of budgets) {
      expect(ours.value).toBeGreaterThan(greedy.value);
      expect(ours.value).toBeGreaterThan(throttled.value);
      expect(ours.paceError).toBeLessThan(0.01);
    }
    const tool = reference().pacing_ipinyou_2997["N=1000,c0=0.03125"]?.["dmd_residual_eta0.01"]?.value ?? Infinity;
    const same = budgets.find(({ episode, share }) => episode === 1_000 && share === 1 / 32);
    expect(same?.ours.value).toBeGreaterThan(0.98 * tool);
  });

  test("the filter predicts conversions as well as the reference's", () => {
    const predictions = predictConversions(datasets());
    const { auc_second_half: auc, logloss_second_half: loss } = reference().marketing_ab.online_full_covariance_adf;
    expect(Math.abs(areaUnderCurve(predictions) - auc)).toBeLessThan(0.002);
    expect(logLoss(predictions)).toBeLessThan(loss + 0.001);
  });

  test("digits are learned as a bandit; dealt other rows' rewards, nothing is", () => {
    expect(playDigits(datasets(), 3)).toBeGreaterThan(0.5);
    expect(playDigits(datasets(), 3, true)).toBeLessThan(0.14);
  });

  test("logged texts are learned better than their logging policy and than the best single action", () => {
    const text = readFileSync(join(datasets().root, "vw/rcv1_raw_cb_small_p1.vw"), "utf8");
    const { weighted } = progressiveLoss(parseLoggedTexts(text));
    const loss = weighted.reduce((all, each) => all + each, 0) / weighted.length;
    expect(weighted).toHaveLength(reference().vw_cb["n"] ?? 0);
    expect(loss).toBeLessThan(reference().vw_cb["best_constant_action_ips_cost"] ?? 0);
  });
});
