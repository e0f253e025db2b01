import type { LoggedRounds } from "../../../actors/learning/off-policy/logged-rounds.ts";
import { crossFitRates, policyRate, rateOf } from "../../../actors/learning/off-policy/reward-model.ts";

/** A small world with a known truth: some contexts, some actions, a logging policy and one to be scored. */
export interface OffPolicyWorld {
  readonly contexts: number;
  readonly actions: number;
  /** By context · actions + action, as are both policies. */
  readonly rates: Float64Array;
  readonly logging: Float64Array;
  readonly target: Float64Array;
  /** The target policy's mean reward; contexts are equally likely. */
  readonly truth: number;
}

export interface OffPolicyWorldSettings {
  readonly contexts: number;
  readonly actions: number;
  /** The range of the actions' rates. */
  readonly rateMin: number;
  readonly rateMax: number;
}

const FOLDS = 2;
/** The logging policy explores: no action has less than this share of an even one. */
const LOGGING_FLOOR = 0.3;

/** The target prefers better actions in every context; the logging policy has tastes of its own. */
export function drawWorld(settings: OffPolicyWorldSettings, random: () => number): OffPolicyWorld {
  const { contexts, actions, rateMin, rateMax } = settings;
  const drawn = (): Float64Array => Float64Array.from({ length: contexts * actions }, random);
  const quality = drawn();
  const rates = quality.map((share) => rateMin + share * (rateMax - rateMin));
  const logging = softmaxed(drawn(), contexts, actions, LOGGING_FLOOR);
  const target = softmaxed(quality, contexts, actions, 0);
  const truth = rates.reduce((sum, rate, at) => sum + rate * (target[at] ?? 0), 0) / contexts;
  return { contexts, actions, rates, logging, target, truth };
}

/** So many rounds of the logging policy, with a reward model fitted crosswise on them. */
export function drawLog(world: OffPolicyWorld, rounds: number, random: () => number): LoggedRounds {
  const { contexts, actions, rates, logging, target } = world;
  const cellOf = new Int32Array(rounds);
  const actionOf = new Int32Array(rounds);
  const rewards = new Float64Array(rounds);
  for (let round = 0; round < rounds; round++) {
    const cell = Math.floor(random() * contexts);
    const action = drawAction(logging, cell * actions, actions, random());
    cellOf[round] = cell;
    actionOf[round] = action;
    rewards[round] = random() < (rates[cell * actions + action] ?? 0) ? 1 : 0;
  }
  const tables = crossFitRates({ actionOf, cellOf, rewards }, actions, contexts, { successes: 1, trials: 20 }, FOLDS);
  const columnOf = (value: (cell: number, action: number, round: number) => number): Float64Array =>
    rewards.map((_, round) => value(cellOf[round] ?? 0, actionOf[round] ?? 0, round));
  const tableOf = (round: number) => tables[round % FOLDS] as (typeof tables)[0];
  return {
    rewards,
    propensities: columnOf((cell, action) => logging[cell * actions + action] ?? Number.NaN),
    targetChances: columnOf((cell, action) => target[cell * actions + action] ?? Number.NaN),
    modelOfChosen: columnOf((cell, action, round) => rateOf(tableOf(round), cell, action)),
    modelOfTarget: columnOf((cell, _action, round) => policyRate(tableOf(round), cell, target, cell * actions)),
  };
}

/** Chances ∝ exp(4 · taste), mixed with an even choice. */
function softmaxed(tastes: Float64Array, contexts: number, actions: number, floor: number): Float64Array {
  const chances = tastes.map((taste) => Math.exp(4 * taste));
  for (let cell = 0; cell < contexts; cell++) {
    const row = chances.subarray(cell * actions, (cell + 1) * actions);
    const total = row.reduce((sum, chance) => sum + chance, 0);
    row.forEach((chance, action) => (row[action] = (1 - floor) * (chance / total) + floor / actions));
  }
  return chances;
}

function drawAction(chances: Float64Array, offset: number, actions: number, drawn: number): number {
  let left = drawn;
  for (let action = 0; action < actions - 1; action++) {
    left -= chances[offset + action] ?? 0;
    if (left < 0) return action;
  }
  return actions - 1;
}
