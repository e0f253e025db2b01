import { allEstimates, type NamedEstimate } from "../../../actors/learning/off-policy/evaluation.ts";
import type { LoggedRounds } from "../../../actors/learning/off-policy/logged-rounds.ts";
import { overlapOf } from "../../../actors/learning/off-policy/overlap.ts";
import { fitRates, policyRate, rateOf } from "../../../actors/learning/off-policy/reward-model.ts";
import { addRounds, noRounds, type RoundSums } from "../../../actors/learning/off-policy/round-sums.ts";
import type { Weighting } from "../../../actors/learning/off-policy/weighting.ts";
import type { CsvColumns, Datasets } from "../datasets.ts";
import { compare, type Deviation } from "../deviation.ts";

/* Our off-policy estimates beside those of Open Bandit Pipeline 0.4.1, on the same files (bar L9). */

const ALPHA = 0.05;
const WEIGHTINGS: readonly Weighting[] = [
  { kind: "switch", limit: 1 },
  { kind: "switch", limit: 5 },
  { kind: "shrunk", limit: 1 },
  { kind: "shrunk", limit: 100 },
];
/** What the reference file's reward model uses: (clicks + 1) / (impressions + 201). */
const RATE_PRIOR = { successes: 1, trials: 201 };

interface ToolEstimate {
  readonly value: number;
  readonly std_err: number;
}

interface OffPolicyReference {
  readonly obd_men: {
    readonly n_items: number;
    readonly n_positions: number;
    readonly evaluate_bts_from_random_log: Record<string, ToolEstimate>;
    readonly evaluate_uniform_from_bts_log: Record<string, ToolEstimate>;
  };
  readonly ope_synth_a: {
    readonly n_actions: number;
    readonly max_weight: number;
    readonly ess: number;
    readonly truth_value: number;
    readonly estimates: Record<string, ToolEstimate>;
  };
}

/** Every estimate and standard error that obp gives, with how far ours is from it. */
export function offPolicyDeviations(datasets: Datasets): Deviation[] {
  const { obd_men: obd, ope_synth_a: synth } = datasets.reference as OffPolicyReference;
  const { bts, random } = openBanditLogs(datasets);
  const synthetic = summed(syntheticLog(datasets));
  const overlap = overlapOf(synthetic);
  return [
    ...compareEstimates("obd random log", summed(random), obd.evaluate_bts_from_random_log),
    ...compareEstimates("obd Thompson log", summed(bts), obd.evaluate_uniform_from_bts_log),
    ...compareEstimates("synthetic log", synthetic, synth.estimates),
    compare("synthetic log: effective rounds", overlap.effectiveRounds, synth.ess),
    compare("synthetic log: largest weight", overlap.weightMax, synth.max_weight),
  ];
}

export function summed(log: LoggedRounds): RoundSums {
  const sums = noRounds(WEIGHTINGS);
  addRounds(sums, log);
  return sums;
}

/** The uniform log scored for Thompson sampling, and the other way round, with the reference's reward model. */
export function openBanditLogs(datasets: Datasets): { readonly random: LoggedRounds; readonly bts: LoggedRounds } {
  const { n_items: items, n_positions: positions } = (datasets.reference as OffPolicyReference).obd_men;
  const policy = datasets.csv("obd/bts_policy_men.csv");
  const thompson = new Float64Array(items * positions);
  for (let position = 0; position < positions; position++)
    policy.numbers(`p_pos${position + 1}`).forEach((chance, item) => (thompson[position * items + item] = chance));
  const uniform = new Float64Array(items * positions).fill(1 / items);
  return {
    random: openBanditLog(datasets.csv("obd/random_men.csv"), thompson, items, positions),
    bts: openBanditLog(datasets.csv("obd/bts_men.csv"), uniform, items, positions),
  };
}

/** @param target chances by position · items + item. */
function openBanditLog(csv: CsvColumns, target: Float64Array, items: number, positions: number): LoggedRounds {
  const rewards = csv.numbers("click");
  const actionOf = Int32Array.from(csv.numbers("item_id"));
  const cellOf = Int32Array.from(csv.numbers("position"), (position) => position - 1);
  const table = fitRates({ actionOf, cellOf, rewards }, items, positions, RATE_PRIOR);
  const columnOf = (value: (cell: number, action: number) => number): Float64Array =>
    rewards.map((_, round) => value(cellOf[round] ?? -1, actionOf[round] ?? -1));
  return {
    rewards,
    propensities: csv.numbers("propensity_score"),
    targetChances: columnOf((cell, action) => target[cell * items + action] ?? Number.NaN),
    modelOfChosen: columnOf((cell, action) => rateOf(table, cell, action)),
    modelOfTarget: columnOf((cell) => policyRate(table, cell, target, cell * items)),
  };
}

function syntheticLog(datasets: Datasets): LoggedRounds {
  const { n_actions: actions } = (datasets.reference as OffPolicyReference).ope_synth_a;
  const csv = datasets.csv("ope_synth/synth_a.csv");
  const numbered = (name: string) => Array.from({ length: actions }, (_, action) => csv.numbers(`${name}${action}`));
  const [chances, models, actionOf] = [numbered("pi"), numbered("q"), csv.numbers("action")];
  const at = (columns: Float64Array[], action: number, round: number): number => columns[action]?.[round] ?? Number.NaN;
  const rewards = csv.numbers("reward");
  const totals = rewards.map((_, round) =>
    chances.reduce((total, _column, action) => total + at(chances, action, round), 0),
  );
  return {
    rewards,
    propensities: csv.numbers("pscore"),
    // The file's chances are rounded, so each row is brought back to a sum of 1, as the reference did.
    targetChances: rewards.map((_, round) => at(chances, actionOf[round] ?? -1, round) / (totals[round] ?? 1)),
    modelOfChosen: rewards.map((_, round) => at(models, actionOf[round] ?? -1, round)),
    modelOfTarget: rewards.map(
      (_, round) =>
        chances.reduce((sum, _c, action) => sum + at(chances, action, round) * at(models, action, round), 0) /
        (totals[round] ?? 1),
    ),
  };
}

const TOOL_NAMES: Readonly<Record<NamedEstimate["estimator"], string>> = {
  ips: "ipw",
  snips: "snipw",
  dm: "dm",
  dr: "dr",
  sndr: "sndr",
  "switch-dr": "switch_dr_tau",
  dros: "dros_l",
};

function compareEstimates(log: string, sums: RoundSums, tool: Record<string, ToolEstimate>): Deviation[] {
  return allEstimates(sums, ALPHA).flatMap(({ estimator, limit, value, standardError }) => {
    const name = `${TOOL_NAMES[estimator]}${limit ?? ""}`;
    return [
      compare(`${log}: ${name}`, value, tool[name]?.value ?? Number.NaN),
      compare(`${log}: ${name}, standard error`, standardError, tool[name]?.std_err ?? Number.NaN),
    ];
  });
}
