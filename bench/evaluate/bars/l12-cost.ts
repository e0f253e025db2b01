import { encode } from "../../../protocols/codec.ts";
import { type Bar, type Check, outcomeOf } from "../bar.ts";
import { type LearnerCost, learnerCosts } from "./learner-costs.ts";

/* What bar L12 asks: what learning costs a decision and an actor, with every learner at its largest. */

const DECISION_MICROS_MAX = 5;
const UPDATE_MICROS_MAX = 20;
const STATE_BYTES_MAX = 5 * 1024;
const WARM_UP = 20_000;
const REPETITIONS = 9;

export const learningCostBar: Bar = {
  id: "L12",
  title: "what learning costs: a decision's part, an update, bytes of state",
  goal: "a decision's part ≤ 5 µs, an update ≤ 20 µs, state ≤ 5 KB a cohort",
  usesWorld: false,
  async run({ short, progress }) {
    const turns = short ? 20_000 : 100_000;
    const decisions: Check[] = [];
    const others: Check[] = [];
    let whole = 0;
    for (const learner of learnerCosts()) {
      progress(`L12 ${learner.name}`);
      const update = medianMicros(turns, (turn) => (learner.update(turn) === null ? 1 : 0));
      others.push(costCheck(`µs an update, ${learner.name}`, update, UPDATE_MICROS_MAX), bytesCheck(learner, turns));
      if (learner.decide === null) continue;
      const micros = medianMicros(turns, learner.decide);
      whole += micros;
      decisions.push(costCheck(`µs a decision, ${learner.name}`, micros, DECISION_MICROS_MAX));
    }
    const checks = [
      costCheck("µs a decision, all learners asked once", whole, DECISION_MICROS_MAX),
      ...decisions,
      ...others,
    ];
    return outcomeOf(
      checks,
      checks.map(({ name, figure }) => `${name} ${figure.toFixed(figure < 10 ? 2 : 0)}`).join("; "),
    );
  },
};

function costCheck(name: string, figure: number, bar: number): Check {
  return { name, figure, interval: null, bar, better: "below", baseline: null, oracle: null };
}

function bytesCheck(learner: LearnerCost, turns: number): Check {
  return costCheck(`bytes of state, ${learner.name}`, encode(learner.update(turns)).byteLength, STATE_BYTES_MAX);
}

/** Median over repetitions of the mean time of a call, in microseconds, after a warm-up; results are summed so that none is optimised away. */
function medianMicros(turns: number, call: (turn: number) => number): number {
  let used = 0;
  for (let turn = 0; turn < WARM_UP; turn++) used += call(turn);
  const times = Array.from({ length: REPETITIONS }, () => {
    const from = performance.now();
    for (let turn = 0; turn < turns; turn++) used += call(turn);
    return ((performance.now() - from) * 1_000) / turns;
  });
  if (Number.isNaN(used)) throw new Error("a learner answered NaN");
  return times.sort((a, b) => a - b)[Math.floor(REPETITIONS / 2)] ?? Number.NaN;
}
