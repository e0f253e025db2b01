import {
  covarianceOf,
  meanMoments,
  proportionMoments,
  varianceOf,
} from "../../../actors/learning/experiment/arm-moments.ts";
import { type ArmSums, NO_UNITS, withUnit } from "../../../actors/learning/experiment/arm-sums.ts";
import {
  sequenceInterval,
  type SequencePlan,
  sequencePValue,
} from "../../../actors/learning/experiment/confidence-sequence.ts";
import { cupedMoments } from "../../../actors/learning/experiment/cuped.ts";
import {
  absoluteEffect,
  type Effect,
  type Interval,
  relativeEffect,
} from "../../../actors/learning/experiment/effect.ts";
import {
  type TestResult,
  twoProportionPValue,
  welchTest,
  zTest,
} from "../../../actors/learning/experiment/fixed-horizon.ts";
import { spendingBounds } from "../../../actors/learning/experiment/group-sequential.ts";
import { sampleRatio } from "../../../actors/learning/experiment/sample-ratio.ts";
import { normalQuantile } from "../../../actors/learning/numerics/distributions.ts";
import type { Datasets } from "../datasets.ts";
import { compare, type Deviation } from "../deviation.ts";

/* Our A/B statistics beside those of spotify-confidence and GrowthBook, on the same files (bar L10). */

const ALPHA = 0.05;

interface ToolResult {
  readonly diff: number;
  readonly ci: readonly [number, number];
  readonly p: number;
}

interface AbReference {
  readonly abtest_cookie_cats: {
    readonly srm_p_50_50: number;
    readonly retention_1: RetentionReference;
    readonly retention_7: RetentionReference;
    readonly sum_gamerounds: Record<"spotify_confidence_ttest" | "growthbook_ttest_absolute", ToolResult> & {
      readonly growthbook_sequential_absolute_N5000: ToolResult;
      readonly variances: readonly [number, number];
    };
  };
  readonly abtest_prepost_cuped: {
    readonly theta_growthbook: number;
    readonly unadjusted: ToolResult;
    readonly cuped: ToolResult;
    readonly cuped_sequential_N5000: ToolResult;
    readonly variance_reduction: number;
    readonly corr: number;
  };
  readonly abtest_group_sequential: readonly {
    readonly day: number;
    readonly diff: number;
    readonly ci: readonly [number, number];
    readonly adj_ci: readonly [number, number];
    readonly sig: boolean;
  }[];
}

type RetentionReference = Record<
  | "spotify_confidence_ztest"
  | "growthbook_ttest_absolute"
  | "growthbook_ttest_relative"
  | "growthbook_sequential_absolute_N5000"
  | "growthbook_sequential_absolute_N20000",
  ToolResult
> & { readonly spotify_confidence_chi2_p: number };

/** Every figure that the tools give, with how far ours is from it. */
export function abDeviations(datasets: Datasets): Deviation[] {
  return [...cookieCats(datasets), ...prePost(datasets), ...groupSequential(datasets)];
}

function cookieCats(datasets: Datasets): Deviation[] {
  const reference = (datasets.reference as AbReference).abtest_cookie_cats;
  const csv = datasets.csv("abtest/cookie_cats.csv");
  const arms = csv.texts("version").map((version) => (version === "gate_30" ? 0 : 1));
  const [control, treatment] = armSums(arms, csv.numbers("sum_gamerounds"));
  const effect = absoluteEffect(meanMoments(control), meanMoments(treatment));
  const rounds = reference.sum_gamerounds;
  const units = [control.units, treatment.units] as const;
  return [
    compare("SRM p", sampleRatio(units.map((each) => ({ units: each, share: 0.5 }))).pValue, reference.srm_p_50_50),
    compare("rounds: variance of control", meanMoments(control).variance, rounds.variances[0]),
    compare("rounds: variance of treatment", meanMoments(treatment).variance, rounds.variances[1]),
    ...compareTest("rounds: t (spotify)", welchTest(effect, ALPHA), rounds.spotify_confidence_ttest),
    ...compareTest("rounds: t (GrowthBook)", welchTest(effect, ALPHA), rounds.growthbook_ttest_absolute),
    ...compareSequence("rounds: sequence 5000", effect, 5_000, rounds.growthbook_sequential_absolute_N5000),
    ...retention("retention_1", arms, csv.numbers("retention_1"), reference.retention_1),
    ...retention("retention_7", arms, csv.numbers("retention_7"), reference.retention_7),
  ];
}

function retention(
  name: string,
  arms: readonly number[],
  kept: Float64Array,
  reference: RetentionReference,
): Deviation[] {
  const [control, treatment] = armSums(arms, kept).map(({ sum, units }) => ({ successes: sum, units })) as [
    { successes: number; units: number },
    { successes: number; units: number },
  ];
  const moments = [control, treatment].map(({ successes, units }) => proportionMoments(successes, units));
  const [a, b] = moments as [(typeof moments)[0], (typeof moments)[0]];
  const effect = absoluteEffect(a, b);
  return [
    ...compareTest(`${name}: z (spotify)`, zTest(effect, ALPHA), reference.spotify_confidence_ztest),
    compare(`${name}: chi-square p`, twoProportionPValue(control, treatment), reference.spotify_confidence_chi2_p),
    ...compareTest(`${name}: t (GrowthBook)`, welchTest(effect, ALPHA), reference.growthbook_ttest_absolute),
    ...compareTest(`${name}: t, relative`, welchTest(relativeEffect(a, b), ALPHA), reference.growthbook_ttest_relative),
    ...compareSequence(`${name}: sequence 5000`, effect, 5_000, reference.growthbook_sequential_absolute_N5000),
    ...compareSequence(`${name}: sequence 20000`, effect, 20_000, reference.growthbook_sequential_absolute_N20000),
  ];
}

function prePost(datasets: Datasets): Deviation[] {
  const reference = (datasets.reference as AbReference).abtest_prepost_cuped;
  const csv = datasets.csv("abtest/prepost.csv");
  const [control, treatment] = armSums([...csv.numbers("arm")], csv.numbers("post"), csv.numbers("pre"));
  const plain = absoluteEffect(meanMoments(control), meanMoments(treatment));
  const adjusted = cupedMoments(control, treatment);
  const effect = absoluteEffect(adjusted.control, adjusted.treatment);
  return [
    compare("CUPED theta", adjusted.theta, reference.theta_growthbook),
    compare("CUPED variance reduction", adjusted.varianceReduction, reference.variance_reduction),
    compare("correlation of pre and post", correlation(control, treatment), reference.corr),
    ...compareTest("without CUPED", welchTest(plain, ALPHA), reference.unadjusted),
    ...compareTest("CUPED", welchTest(effect, ALPHA), reference.cuped),
    ...compareSequence("CUPED sequence 5000", effect, 5_000, reference.cuped_sequential_N5000),
  ];
}

function groupSequential(datasets: Datasets): Deviation[] {
  const reference = (datasets.reference as AbReference).abtest_group_sequential;
  const csv = datasets.csv("abtest/group_sequential.csv");
  const [successes, units, final] = [csv.numbers("s"), csv.numbers("n"), csv.numbers("final")];
  const looks = reference.map((_, day) => {
    const [a, b] = [2 * day, 2 * day + 1] as const;
    const arm = (row: number) => proportionMoments(successes[row] ?? Number.NaN, units[row] ?? Number.NaN);
    return {
      effect: absoluteEffect(arm(a), arm(b)),
      // `final` is the planned size of both arms together.
      fraction: ((units[a] ?? 0) + (units[b] ?? 0)) / (final[a] ?? Number.NaN),
    };
  });
  const bounds = spendingBounds(
    looks.map(({ fraction }) => fraction),
    { alpha: ALPHA, power: 2 },
  );
  return reference.flatMap((expected, look) => {
    const effect = looks[look]?.effect;
    if (effect === undefined) return [];
    const half = (bounds[look] ?? Number.NaN) * Math.sqrt(effect.variance);
    const plain = normalQuantile(1 - ALPHA / 2) * Math.sqrt(effect.variance);
    const name = `group-sequential day ${expected.day}`;
    return [
      compare(`${name}: difference`, effect.estimate, expected.diff),
      ...compareInterval(`${name}: one look`, around(effect.estimate, plain), expected.ci),
      ...compareInterval(`${name}: bounds`, around(effect.estimate, half), expected.adj_ci),
    ];
  });
}

function armSums(arms: readonly number[], values: Float64Array, pre?: Float64Array): [ArmSums, ArmSums] {
  const sums: [ArmSums, ArmSums] = [NO_UNITS, NO_UNITS];
  values.forEach((value, row) => {
    const arm = arms[row] === 0 ? 0 : 1;
    sums[arm] = withUnit(sums[arm], value, pre?.[row] ?? 0);
  });
  return sums;
}

function correlation(a: ArmSums, b: ArmSums): number {
  const units = a.units + b.units;
  const pre = varianceOf(a.preSumSquares + b.preSumSquares, a.preSum + b.preSum, units);
  const post = varianceOf(a.sumSquares + b.sumSquares, a.sum + b.sum, units);
  return covarianceOf(a.crossSum + b.crossSum, a.sum + b.sum, a.preSum + b.preSum, units) / Math.sqrt(pre * post);
}

function compareTest(name: string, ours: TestResult, tool: ToolResult): Deviation[] {
  return [
    compare(`${name}: effect`, ours.estimate, tool.diff),
    ...compareInterval(name, ours, tool.ci),
    compare(`${name}: p`, ours.pValue, tool.p),
  ];
}

function compareSequence(name: string, effect: Effect, tuningUnits: number, tool: ToolResult): Deviation[] {
  const plan: SequencePlan = { alpha: ALPHA, tuningUnits };
  const pValue = sequencePValue(effect, plan);
  return compareTest(name, { estimate: effect.estimate, ...sequenceInterval(effect, plan), pValue }, tool);
}

function compareInterval(name: string, ours: Interval, tool: readonly [number, number]): Deviation[] {
  return [compare(`${name}: lower`, ours.lower, tool[0]), compare(`${name}: upper`, ours.upper, tool[1])];
}

const around = (middle: number, half: number): Interval => ({ lower: middle - half, upper: middle + half });
