import type { Uniform } from "../../../actors/learning/numerics/normal.ts";

/*
 * Tabular Q-learning (Watkins and Dayan 1992) on what a session earns: the learner that learning.md 0 warns of, kept to be compared with. It
 * sees the session only, so what a listener who stays away costs is no part of its reward, unless a price on retention is put in.
 */

export const BREAK_ACTIONS = ["none", "short", "full"] as const;
export type BreakAction = (typeof BREAK_ACTIONS)[number];

export interface SessionMoment {
  readonly minutesSinceBreak: number;
  readonly adsInSession: number;
  /** Share of recent tracks skipped, 0 to 1. */
  readonly skipRate: number;
  /** What the slot would pay over the usual: 1 is the mean. */
  readonly valueRatio: number;
}

const EDGES = {
  minutesSinceBreak: [3, 6, 10, 15, 25],
  adsInSession: [1, 2, 4, 7],
  skipRate: [0.15, 0.35],
  valueRatio: [0.6, 0.9, 1.3, 2],
} as const;

export interface QLearningOptions {
  /** Share of a new experience in an estimate, 0 to 1. */
  readonly learningRate: number;
  /** Worth of the next slot's rewards against this one's, 0 to 1. */
  readonly discount: number;
  /** Chance of a random action. */
  readonly epsilon: number;
  /**
   * Micros taken from the reward for an effective ad: 0 is the session's revenue alone, otherwise the retention price that the
   * structured policy would learn.
   */
  readonly retentionPriceMicros: number;
}

export class QLearning {
  readonly #options: QLearningOptions;
  readonly #random: Uniform;
  readonly #values = new Map<number, Float64Array>();

  constructor(options: QLearningOptions, random: Uniform) {
    this.#options = options;
    this.#random = random;
  }

  /** The action taken and its exact chance. */
  choose(moment: SessionMoment): { readonly action: BreakAction; readonly chance: number } {
    const { epsilon } = this.#options;
    const values = this.#valuesAt(moment);
    const best = values.indexOf(Math.max(...values));
    const explored = Math.floor(this.#random() * BREAK_ACTIONS.length);
    const position = this.#random() < epsilon ? explored : best;
    const chance = epsilon / BREAK_ACTIONS.length + (position === best ? 1 - epsilon : 0);
    return { action: BREAK_ACTIONS[position] ?? "none", chance };
  }

  /** @param next null when the session ended. */
  learn(
    moment: SessionMoment,
    action: BreakAction,
    earnedMicros: number,
    effectiveAds: number,
    next: SessionMoment | null,
  ): void {
    const { learningRate, discount, retentionPriceMicros } = this.#options;
    const values = this.#valuesAt(moment);
    const position = BREAK_ACTIONS.indexOf(action);
    const later = next === null ? 0 : Math.max(...this.#valuesAt(next));
    const target = earnedMicros - retentionPriceMicros * effectiveAds + discount * later;
    values[position] = (values[position] ?? 0) + learningRate * (target - (values[position] ?? 0));
  }

  #valuesAt(moment: SessionMoment): Float64Array {
    const key = keyOf(moment);
    let values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, (values = new Float64Array(BREAK_ACTIONS.length)));
    return values;
  }
}

/** At most 6 · 5 · 3 · 5 = 450 moments are told apart. */
function keyOf(moment: SessionMoment): number {
  let key = 0;
  for (const name of Object.keys(EDGES) as (keyof typeof EDGES)[]) {
    const edges = EDGES[name];
    let bin = 0;
    while (bin < edges.length && moment[name] >= (edges[bin] ?? Infinity)) bin++;
    key = key * (edges.length + 1) + bin;
  }
  return key;
}
