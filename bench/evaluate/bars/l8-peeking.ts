import { randomStream } from "../../../runtime/core/random-stream.ts";
import { type Bar, type BarContext, type Check, outcomeOf } from "../bar.ts";
import { type Measured, shareOf } from "../intervals.ts";
import { peekedExperiment, plannedLift } from "./peeked-experiment.ts";
import { PEEKED_METRICS, type PeekedMetric } from "./peeked-metrics.ts";
import { mismatches } from "./sample-ratio-power.ts";

/* What bar L8 asks: people look at experiments whenever they like, and the figures must hold. */

const ALPHA = 0.05;
/** How far our power may be behind mSPRT's. */
const POWER_SLACK = 0.02;
const SRM_UNITS = 400_000;
const SRM_LOSS = 0.01;
const SRM_FOUND_MIN = 0.4;
const SRM_FALSE_MAX = 0.002;

export const peekingBar: Bar = {
  id: "L8",
  title: "peeking at every step: false alarms, coverage and power of the read-out's interval; sample ratio",
  goal: "A/A false alarms ≤ 0.05 on every metric; simultaneous coverage ≥ 0.95; power within 0.02 of mSPRT; 1 % loss found ≥ 0.4, false ≤ 0.002",
  usesWorld: false,
  async run(context) {
    const alarms: Check[] = [];
    const others: Check[] = [];
    for (const metric of PEEKED_METRICS) {
      const { falseAlarms, coverage, power } = await metricChecks(metric, context);
      alarms.push(falseAlarms);
      others.push(coverage, power);
    }
    // The most frequent false alarms lead: they are the bar's figure.
    const checks = [...alarms.sort((a, b) => b.figure - a.figure), ...others, ...(await sampleRatioChecks(context))];
    return outcomeOf(
      checks,
      "The baseline is a test made for one look, looked at as often; for power the oracle is mSPRT's",
    );
  },
};

interface PeekedCounts {
  readonly repetitions: number;
  /** A/A: alarms of the sequence and of the test for one look. */
  readonly alarms: number;
  readonly fixedAlarms: number;
  /** With the planned lift: found by the sequence and by mSPRT, and always covered. */
  readonly found: number;
  readonly mixtureFound: number;
  readonly covered: number;
}

interface MetricChecks {
  readonly falseAlarms: Check;
  readonly coverage: Check;
  readonly power: Check;
}

async function metricChecks(metric: PeekedMetric, context: BarContext): Promise<MetricChecks> {
  const repetitions = context.short ? 400 : 2_000;
  const total = { repetitions: 0, alarms: 0, fixedAlarms: 0, found: 0, mixtureFound: 0, covered: 0 };
  for (const seed of context.seeds) {
    context.progress(`L8 ${metric.name}, seed ${seed}`);
    const parameters = { repetitions, unitsPerArm: metric.unitsPerArm };
    const counts = await context.remember(seed, metric.name, parameters, () => peeked(metric, repetitions, seed));
    for (const name of Object.keys(total) as (keyof PeekedCounts)[]) total[name] += counts[name];
  }
  const shared = (count: number): Measured => shareOf(count, total.repetitions);
  const name = metric.name;
  const mixture = total.mixtureFound / total.repetitions;
  return {
    falseAlarms: {
      name: `A/A false alarms, ${name}`,
      ...shared(total.alarms),
      bar: ALPHA,
      better: "below",
      baseline: total.fixedAlarms / total.repetitions,
      oracle: null,
    },
    coverage: {
      name: `simultaneous coverage, ${name}`,
      ...shared(total.covered),
      bar: 1 - ALPHA,
      better: "above",
      baseline: null,
      oracle: null,
    },
    power: {
      name: `power at a planned lift, ${name}`,
      ...shared(total.found),
      bar: mixture - POWER_SLACK,
      better: "above",
      baseline: null,
      oracle: mixture,
    },
  };
}

function peeked(metric: PeekedMetric, repetitions: number, seed: number): PeekedCounts {
  const random = randomStream(seed);
  const lift = plannedLift(metric, 0.8);
  const counts = { repetitions, alarms: 0, fixedAlarms: 0, found: 0, mixtureFound: 0, covered: 0 };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const same = peekedExperiment(metric, 0, random);
    if (same.alarm) counts.alarms++;
    if (same.fixedAlarm) counts.fixedAlarms++;
    const lifted = peekedExperiment(metric, lift, random);
    if (lifted.alarm) counts.found++;
    if (lifted.mixtureAlarm) counts.mixtureFound++;
    if (lifted.covered) counts.covered++;
  }
  return counts;
}

async function sampleRatioChecks({ seeds, short, remember, progress }: BarContext): Promise<Check[]> {
  const repetitions = { loss: short ? 500 : 1_500, none: short ? 10_000 : 30_000 };
  const total = { found: 0, falsely: 0 };
  for (const seed of seeds) {
    progress(`L8 sample ratio, seed ${seed}`);
    const counts = await remember(seed, "sample ratio", { repetitions, SRM_UNITS, SRM_LOSS }, () => {
      const random = randomStream(seed);
      return {
        found: mismatches(SRM_UNITS, SRM_LOSS, repetitions.loss, random),
        falsely: mismatches(SRM_UNITS, 0, repetitions.none, random),
      };
    });
    total.found += counts.found;
    total.falsely += counts.falsely;
  }
  const name = `${SRM_UNITS.toLocaleString("en")} units`;
  return [
    {
      name: `1 % loss found by the sample ratio, ${name}`,
      ...shareOf(total.found, repetitions.loss * seeds.length),
      bar: SRM_FOUND_MIN,
      better: "above",
      baseline: null,
      oracle: null,
    },
    {
      name: `false sample ratio alarms, ${name}`,
      ...shareOf(total.falsely, repetitions.none * seeds.length),
      bar: SRM_FALSE_MAX,
      better: "below",
      baseline: null,
      oracle: null,
    },
  ];
}
