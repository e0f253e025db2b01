/**
 * A reward model by counting: one rate for each action in each context cell, drawn to a prior where there is little. It is what the
 * doubly robust estimators start from; how right it is decides their variance, not their truth.
 */
export interface RateTable {
  readonly actions: number;
  readonly cells: number;
  /** By cell · actions + action. */
  readonly rates: Float64Array;
}

/** Pseudo-counts: the rate of an unseen action is successes / trials. */
export interface RatePrior {
  readonly successes: number;
  readonly trials: number;
}

/** Which action was taken in which context cell, and what it brought; columns of equal length. */
export interface TabledRounds {
  readonly actionOf: Int32Array;
  readonly cellOf: Int32Array;
  readonly rewards: Float64Array;
}

interface Counts {
  readonly trials: Float64Array;
  readonly rewards: Float64Array;
}

/** (rewards + prior successes) / (rounds + prior trials) of each action in each cell. */
export function fitRates(log: TabledRounds, actions: number, cells: number, prior: RatePrior): RateTable {
  return ratesOf(
    counted(log, actions, cells, () => true),
    actions,
    cells,
    prior,
  );
}

/**
 * A table for each fold, fitted on the rounds outside it, so that no round is judged by a model that saw its reward (cross-fitting:
 * Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 2018). Rounds go to folds in turn: round % folds.
 */
export function crossFitRates(
  log: TabledRounds,
  actions: number,
  cells: number,
  prior: RatePrior,
  folds: number,
): RateTable[] {
  const all = counted(log, actions, cells, () => true);
  return Array.from({ length: folds }, (_, fold) => {
    const inside = counted(log, actions, cells, (round) => round % folds === fold);
    const outside = {
      trials: all.trials.map((trials, at) => trials - (inside.trials[at] ?? 0)),
      rewards: all.rewards.map((rewards, at) => rewards - (inside.rewards[at] ?? 0)),
    };
    return ratesOf(outside, actions, cells, prior);
  });
}

export function rateOf(table: RateTable, cell: number, action: number): number {
  return table.rates[cell * table.actions + action] ?? Number.NaN;
}

/** The table's value of a policy in a cell. @param chances of the actions, from `offset` on; divided by their sum, which rounding keeps from 1. */
export function policyRate(table: RateTable, cell: number, chances: Float64Array, offset = 0): number {
  let weighted = 0;
  let total = 0;
  for (let action = 0; action < table.actions; action++) {
    const chance = chances[offset + action] ?? 0;
    total += chance;
    weighted += chance * rateOf(table, cell, action);
  }
  return weighted / total;
}

function counted(log: TabledRounds, actions: number, cells: number, counts: (round: number) => boolean): Counts {
  const trials = new Float64Array(actions * cells);
  const rewards = new Float64Array(actions * cells);
  log.rewards.forEach((reward, round) => {
    if (!counts(round)) return;
    const at = (log.cellOf[round] ?? 0) * actions + (log.actionOf[round] ?? 0);
    trials[at] = (trials[at] ?? 0) + 1;
    rewards[at] = (rewards[at] ?? 0) + reward;
  });
  return { trials, rewards };
}

function ratesOf(counts: Counts, actions: number, cells: number, prior: RatePrior): RateTable {
  const rates = counts.rewards.map(
    (rewards, at) => (rewards + prior.successes) / ((counts.trials[at] ?? 0) + prior.trials),
  );
  return { actions, cells, rates };
}
