import { sequenceHalfWidth, type SequencePlan } from "../../../actors/learning/experiment/confidence-sequence.ts";
import { mixtureSprtInterval } from "../../../actors/learning/experiment/mixture-sprt.ts";
import { SEQUENCE_START } from "../../../actors/learning/experiment/sequence-start.ts";
import { normalQuantile } from "../../../actors/learning/numerics/distributions.ts";
import type { PeekedMetric } from "./peeked-metrics.ts";

const ALPHA = 0.05;

/** What looks after every unit found in one experiment. */
export interface Peeked {
  /** Some look's confidence sequence excluded no difference. */
  readonly alarm: boolean;
  /** The same for a test made for a single look. */
  readonly fixedAlarm: boolean;
  /** The same for mSPRT, tuned to the effect that the size was planned for. */
  readonly mixtureAlarm: boolean;
  /** Every look's confidence sequence held the true difference. */
  readonly covered: boolean;
}

/** The lift that a test with one look at the end finds in `power` of the experiments: what a size is planned for. */
export function plannedLift({ mean, variance, unitsPerArm }: PeekedMetric, power: number): number {
  const error = Math.sqrt((2 * variance) / unitsPerArm);
  return ((normalQuantile(1 - ALPHA / 2) + normalQuantile(power)) * error) / mean;
}

/** Two arms filled in turn, looked at after every pair of units. */
export function peekedExperiment(metric: PeekedMetric, lift: number, random: () => number): Peeked {
  const plan: SequencePlan = { alpha: ALPHA, tuningUnits: metric.unitsPerArm * 2 };
  const mixtureVariance = (metric.mean * plannedLift(metric, 0.8)) ** 2;
  const critical = normalQuantile(1 - ALPHA / 2);
  const truth = metric.mean * lift;
  const [a, b] = [noValues(), noValues()];
  const found = { alarm: false, fixedAlarm: false, mixtureAlarm: false, covered: true };
  for (let units = 1; units <= metric.unitsPerArm; units++) {
    add(a, metric.draw(random, 0));
    add(b, metric.draw(random, lift));
    if (units < SEQUENCE_START.unitsPerArm || a.nonZero + b.nonZero < SEQUENCE_START.nonZeroUnits) continue;
    const variance = (unitVariance(a, units) + unitVariance(b, units)) / units;
    const difference = (b.sum - a.sum) / units;
    const half = sequenceHalfWidth(variance, 2 * units, plan);
    if (Math.abs(difference) > half) found.alarm = true;
    if (Math.abs(difference - truth) > half) found.covered = false;
    if (difference * difference > critical * critical * variance) found.fixedAlarm = true;
    if (!found.mixtureAlarm) {
      const { lower, upper } = mixtureSprtInterval({ estimate: difference, variance }, mixtureVariance, ALPHA);
      if (lower > 0 || upper < 0) found.mixtureAlarm = true;
    }
  }
  return found;
}

interface Values {
  sum: number;
  squares: number;
  nonZero: number;
}

const noValues = (): Values => ({ sum: 0, squares: 0, nonZero: 0 });

function add(values: Values, value: number): void {
  values.sum += value;
  values.squares += value * value;
  if (value !== 0) values.nonZero++;
}

const unitVariance = ({ sum, squares }: Values, units: number): number => (squares - (sum * sum) / units) / (units - 1);
