import { allEstimates, type NamedEstimate } from "../../../actors/learning/off-policy/evaluation.ts";
import type { LoggedRounds } from "../../../actors/learning/off-policy/logged-rounds.ts";
import { overlapRefusals, overlapOf } from "../../../actors/learning/off-policy/overlap.ts";
import { addRounds, noRounds } from "../../../actors/learning/off-policy/round-sums.ts";
import { bernsteinInterval, bootstrapInterval } from "../../../actors/learning/off-policy/value-interval.ts";
import { randomStream } from "../../../runtime/core/random-stream.ts";
import { type Bar, type BarContext, type Check, outcomeOf } from "../bar.ts";
import type { Datasets } from "../datasets.ts";
import { groupChecks } from "../deviation.ts";
import { shareOf } from "../intervals.ts";
import { offPolicyDeviations, openBanditLogs, summed } from "./off-policy-reference.ts";
import { drawLog, drawWorld, type OffPolicyWorldSettings } from "./off-policy-world.ts";

const TOLERANCE = 1e-6;
const COVERAGE_MIN = 0.92;
const ALPHA = 0.05;

/** Two worlds: one with plain rewards, one with rewards as rare as clicks. */
const WORLDS: readonly CoverageWorld[] = [
  {
    name: "rates .05–.5",
    rounds: 2_000,
    bootstrapDraws: 200,
    settings: { contexts: 8, actions: 6, rateMin: 0.05, rateMax: 0.5 },
  },
  {
    name: "rates .002–.03",
    rounds: 10_000,
    bootstrapDraws: 0,
    settings: { contexts: 8, actions: 6, rateMin: 0.002, rateMax: 0.03 },
  },
];

interface CoverageWorld {
  readonly name: string;
  readonly rounds: number;
  /** 0: no bootstrap, which costs draws × rounds. */
  readonly bootstrapDraws: number;
  readonly settings: OffPolicyWorldSettings;
}

export const offPolicyBar: Bar = {
  id: "L9",
  title: "off-policy estimates against obp 0.4.1, and their intervals against a known truth",
  goal: "values and standard errors equal to 1e-6; coverage of 95 % intervals ≥ 0.92; too little overlap is refused",
  usesWorld: false,
  async run(context) {
    const checks = [
      ...(context.datasets === null ? [] : toolChecks(context.datasets)),
      ...(await coverageChecks(context)),
    ];
    const missing = context.datasets === null ? "Not compared with obp: no datasets, see CHORUS_DATASETS. " : "";
    const note = `${missing}Coverage is of the normal interval unless named; the direct method has none, since its error is the model's`;
    const outcome = outcomeOf(checks, note);
    return context.datasets === null ? { ...outcome, met: null } : outcome;
  },
};

function toolChecks(datasets: Datasets): Check[] {
  const refused = overlapRefusals(overlapOf(summed(openBanditLogs(datasets).bts))).length;
  const refusal = { name: "rules that refuse the Thompson log for a uniform policy", figure: refused, bar: 1 } as const;
  return [
    ...groupChecks(offPolicyDeviations(datasets), TOLERANCE).sort((a, b) => b.figure - a.figure),
    { ...refusal, interval: null, better: "above", baseline: null, oracle: null },
  ];
}

/** How often each interval holds the truth. */
interface Coverage {
  readonly repetitions: number;
  readonly covered: Readonly<Record<string, number>>;
}

async function coverageChecks({ seeds, short, remember, progress }: BarContext): Promise<Check[]> {
  const repetitions = short ? 250 : 1_000;
  const checks: Check[] = [];
  for (const world of WORLDS) {
    const parts: Coverage[] = [];
    for (const seed of seeds) {
      progress(`L9 coverage, ${world.name}, seed ${seed}`);
      parts.push(
        await remember(seed, `coverage ${world.name}`, { ...world, repetitions }, () =>
          coverage(world, repetitions, seed),
        ),
      );
    }
    checks.push(...pooled(world.name, parts));
  }
  return checks;
}

function pooled(world: string, parts: readonly Coverage[]): Check[] {
  const total = parts.reduce((sum, part) => sum + part.repetitions, 0);
  return Object.keys(parts[0]?.covered ?? {}).map((name) => {
    const covered = parts.reduce((sum, part) => sum + (part.covered[name] ?? 0), 0);
    return {
      name: `coverage of ${name}, ${world}`,
      ...shareOf(covered, total),
      bar: COVERAGE_MIN,
      better: "above",
      baseline: null,
      oracle: 1 - ALPHA,
    };
  });
}

function coverage({ rounds, settings, bootstrapDraws }: CoverageWorld, repetitions: number, seed: number): Coverage {
  const random = randomStream(seed);
  const covered: Record<string, number> = {};
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const world = drawWorld(settings, random);
    const log = drawLog(world, rounds, random);
    const intervals = [...intervalsOf(log), ...bootstrapIntervals(log, bootstrapDraws, random)];
    for (const { name, lower, upper } of intervals)
      covered[name] = (covered[name] ?? 0) + (lower <= world.truth && world.truth <= upper ? 1 : 0);
  }
  return { repetitions, covered };
}

interface NamedInterval {
  readonly name: string;
  readonly lower: number;
  readonly upper: number;
}

function intervalsOf(log: LoggedRounds): NamedInterval[] {
  // Limits that leave the estimators nearly unbiased here; smaller ones trade coverage for variance.
  const sums = noRounds([
    { kind: "switch", limit: 20 },
    { kind: "shrunk", limit: 1_000 },
  ]);
  addRounds(sums, log);
  const estimates = allEstimates(sums, ALPHA);
  const normal = estimates.flatMap(({ estimator, limit, interval }) =>
    interval === null ? [] : [{ name: limit === null ? estimator : `${estimator} ${limit}`, ...interval }],
  );
  const [ips] = estimates as [NamedEstimate];
  const bernstein = bernsteinInterval(ips, sums.rounds, sums.weightMax, ALPHA);
  return [...normal, { name: "ips, Bernstein", ...bernstein }];
}

function bootstrapIntervals(log: LoggedRounds, draws: number, random: () => number): NamedInterval[] {
  if (draws === 0) return [];
  const divisors = log.targetChances.map((chance, round) => chance / (log.propensities[round] ?? 1));
  const numerators = divisors.map((weight, round) => weight * (log.rewards[round] ?? 0));
  return [{ name: "snips, bootstrap", ...bootstrapInterval({ numerators, divisors }, draws, ALPHA, random) }];
}
