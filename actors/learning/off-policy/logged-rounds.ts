/**
 * Logged decisions as columns of equal length, one place for each round: a million rounds are 40 MB and no objects. Deterministic overrides
 * (`explore = false` in the decision record) must not be among them: their propensity says nothing.
 */
export interface LoggedRounds {
  /** What the action brought, in the metric's unit. */
  readonly rewards: Float64Array;
  /** The logged probability of the chosen action under the policy that logged it, from (0, 1]. */
  readonly propensities: Float64Array;
  /** The probability that the policy to be scored would have chosen it, 0 to 1. */
  readonly targetChances: Float64Array;
  /** The reward model's value of the chosen action; all 0 without a model. */
  readonly modelOfChosen: Float64Array;
  /** The reward model's value of the target policy in this round: the sum over actions of chance × value. */
  readonly modelOfTarget: Float64Array;
}

/** @throws RangeError naming column, round and rule for what no log may hold. */
export function checkRounds(rounds: LoggedRounds): void {
  const { length } = rounds.rewards;
  for (const [column, values] of Object.entries(rounds) as [string, Float64Array][]) {
    if (values.length !== length) throw new RangeError(`${column}: ${values.length} rounds; rewards has ${length}`);
    const broken = values.findIndex((value) => !Number.isFinite(value));
    if (broken !== -1) throw new RangeError(`${column}[${broken}] = ${values[broken]}: must be a finite number`);
  }
  checkChances("propensities", rounds.propensities, (chance) => chance > 0 && chance <= 1, "in (0, 1]");
  checkChances("targetChances", rounds.targetChances, (chance) => chance >= 0 && chance <= 1, "in [0, 1]");
}

function checkChances(column: string, values: Float64Array, allowed: (chance: number) => boolean, rule: string): void {
  const broken = values.findIndex((chance) => !allowed(chance));
  if (broken !== -1) throw new RangeError(`${column}[${broken}] = ${values[broken]}: must be ${rule}`);
}
