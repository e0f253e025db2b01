import {
  creativeChances,
  creativeSnapshot,
  type CreativeSnapshot,
} from "../../../actors/learning/creative/allocation.ts";
import {
  type ArmPrior,
  closeWindow,
  type CreativeState,
  initialCreative,
  updateCreative,
  withCreatives,
} from "../../../actors/learning/creative/state.ts";
import { drawGamma } from "../../../actors/learning/numerics/gamma.ts";
import { streamFor } from "../worlds/chance.ts";
import type { CreativePolicy } from "../worlds/creative-world.ts";

const EPOCH_MS = 1_767_225_600_000; // 2026-01-01
const HOUR_MS = 3_600_000;

interface Tally {
  readonly shown: number[];
  readonly converted: number[];
}

/** Counts of raw impressions and conversions, as most bandit baselines keep: a conversion that is still to come counts as none. */
function tallied(creatives: number, choose: (tally: Tally) => readonly number[]): CreativePolicy {
  const tally: Tally = { shown: new Array<number>(creatives).fill(0), converted: new Array<number>(creatives).fill(0) };
  return {
    hour: () => {},
    chances: () => choose(tally),
    shown: (creative) => void (tally.shown[creative] = (tally.shown[creative] ?? 0) + 1),
    converted: (creative) => void (tally.converted[creative] = (tally.converted[creative] ?? 0) + 1),
  };
}

const only = (count: number, chosen: number): number[] =>
  Array.from({ length: count }, (_, k) => (k === chosen ? 1 : 0));
const indexOfMax = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** The best mean so far, and one in ten at random (Sutton and Barto 2018, 2.2). */
export const epsilonGreedy = (creatives: number, epsilon = 0.1): CreativePolicy =>
  tallied(creatives, ({ shown, converted }) => {
    const best = indexOfMax(shown.map((count, k) => (count > 0 ? (converted[k] ?? 0) / count : 1)));
    return shown.map((_, k) => epsilon / creatives + (k === best ? 1 - epsilon : 0));
  });

/** UCB1 (Auer, Cesa-Bianchi and Fischer 2002, figure 1). */
export const ucb1 = (creatives: number): CreativePolicy =>
  tallied(creatives, ({ shown, converted }) => {
    const total = shown.reduce((sum, count) => sum + count, 0);
    const bounds = shown.map((count, k) =>
      count > 0 ? (converted[k] ?? 0) / count + Math.sqrt((2 * Math.log(total)) / count) : Infinity,
    );
    return only(creatives, indexOfMax(bounds));
  });

/** Thompson sampling from a Beta(1, 1) prior for each creative (Chapelle and Li 2011, algorithm 2). */
export function flatThompson(creatives: number, seed: number): CreativePolicy {
  const random = streamFor(seed, 60);
  return tallied(creatives, ({ shown, converted }) => {
    const drawn = shown.map((count, k) => {
      const successes = drawGamma(1 + (converted[k] ?? 0), random);
      return successes / (successes + drawGamma(1 + Math.max(0, count - (converted[k] ?? 0)), random));
    });
    return only(creatives, indexOfMax(drawn));
  });
}

/** The creative learner as its actor runs it: a window an hour, a snapshot after each. */
export function temperedThompson(
  creatives: number,
  seed: number,
  priors: Readonly<Record<string, ArmPrior>> = {},
): CreativePolicy & { state(): CreativeState } {
  const random = streamFor(seed, 61);
  const ids = Array.from({ length: creatives }, (_, k) => `creative-${k}`);
  let state = withCreatives(initialCreative(), ids, EPOCH_MS, priors);
  let snapshot: CreativeSnapshot | undefined;
  const observe = (kind: "shown" | "converted", creative: number, genre: number, hour: number): void => {
    state = updateCreative(state, { kind, creativeId: ids[creative] ?? "", genre, atMs: EPOCH_MS + hour * HOUR_MS });
  };
  return {
    state: () => state,
    hour(hour) {
      state = closeWindow(state, EPOCH_MS + hour * HOUR_MS, true);
      snapshot = creativeSnapshot(state, random);
    },
    chances: (genre) => (snapshot === undefined ? ids.map(() => 1 / creatives) : creativeChances(snapshot, genre, ids)),
    shown: (creative, genre, hour) => observe("shown", creative, genre, hour),
    converted: (creative, genre, hour) => observe("converted", creative, genre, hour),
  };
}
