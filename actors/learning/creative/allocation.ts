import { drawGamma } from "../numerics/gamma.ts";
import type { Uniform } from "../numerics/normal.ts";
import { creativePosterior } from "./posterior.ts";
import { type CreativeState, GENRES } from "./state.ts";

/*
 * Tempered Thompson sampling (Thompson 1933; Chapelle and Li 2011, section 4 "posterior reshaping"): the posterior's log deviation is halved before the
 * best is taken, since a campaign ends and over-exploring is never paid back. The chances below are the ones that are sampled from
 * and logged: DRAWS draws of the posterior are counted, mixed with the floor, and only then is a creative drawn (learning.md 1).
 *
 * Only effects are drawn. A creative's multiplier in a genre enters by its posterior mean: a genre is a fraction of the traffic, so what
 * exploring it alone costs is hardly ever earned back (measured: bar L6, .58 to .63 of the gap after 10,000 impressions).
 */

/** Posterior draws behind one table of chances. */
const DRAWS = 64;
const TEMPER = 0.5;
/** Least chance of a live creative: what off-policy estimates need (decisioning.md 7.4), and what finds a creative that got better. */
export const FLOOR = 0.02;
/** A creative is live while its chance to be the best is at least this. */
const STOP_BELOW = 0.01;
/** Impressions before a creative that nothing is known of can be stopped: an upload's fair start. */
const FAIR_START = 200;
/** An upload's chance until then in a campaign that runs already, so that its start takes some 2,000 impressions of the campaign. */
const FAIR_FLOOR = 0.1;
/** Impressions of its leading creative after which a campaign runs already; at a launch all start alike. */
const ESTABLISHED = 2_000;

export interface CreativeSnapshot {
  readonly creativeIds: readonly string[];
  /** chances[genre][creative]: adds up to 1 over the creatives; 0 for a stopped one. */
  readonly chances: readonly (readonly number[])[];
  /** For people: effect against the campaign's mean with its 90 % interval, impressions, N_eff, conversions. */
  readonly effects: readonly CreativeEffect[];
  readonly campaignRate: number;
  readonly atMs: number;
}

export interface CreativeEffect {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly shown: number;
  readonly nEff: number;
  readonly conversions: number;
}

/** The table of chances that local agents sample from until the next one. Equal states and streams give equal tables. */
export function creativeSnapshot(state: CreativeState, random: Uniform): CreativeSnapshot {
  const posterior = creativePosterior(state);
  const shown = state.arms.map((arm) => sum(arm.shown));
  const logEffects = posterior.effects.map(({ shape, rate }) =>
    Array.from({ length: DRAWS }, () => Math.log(drawGamma(shape, random) / rate)),
  );
  const floors = floorsOf(state, shown);
  const chances = posterior.multipliers.map((multipliers) => {
    const centres = posterior.effects.map((effect) => Math.log(effect.shape / effect.rate));
    const lifts = multipliers.map((multiplier) => Math.log(multiplier.shape / multiplier.rate));
    const wins = new Array<number>(state.arms.length).fill(0);
    for (let draw = 0; draw < DRAWS; draw++) {
      let best = -1;
      let highest = -Infinity;
      for (let k = 0; k < wins.length; k++) {
        const centre = centres[k] ?? 0;
        const tempered = centre + TEMPER * ((logEffects[k]?.[draw] ?? 0) - centre) + (lifts[k] ?? 0);
        if (tempered > highest) [highest, best] = [tempered, k];
      }
      if (best >= 0) wins[best] = (wins[best] ?? 0) + 1;
    }
    return mixed(
      wins.map((count) => count / DRAWS),
      floors,
    );
  });
  return {
    creativeIds: state.arms.map(({ id }) => id),
    chances,
    effects: posterior.effects.map(({ shape, rate }, k) => ({
      mean: shape / rate,
      ...interval(logEffects[k] ?? []),
      shown: shown[k] ?? 0,
      nEff: state.arms[k]?.nEff ?? 0,
      conversions: sum(state.arms[k]?.converted ?? []),
    })),
    campaignRate: posterior.campaignRate,
    atMs: state.updatedMs,
  };
}

interface Floor {
  readonly chance: number;
  /** Keeps its floor however small its chance to be the best. */
  readonly isOwed: boolean;
}

function floorsOf(state: CreativeState, shown: readonly number[]): Floor[] {
  const isNew = state.arms.map(({ prior }, k) => prior.shape === null && (shown[k] ?? 0) < FAIR_START);
  const uploads = Math.max(...shown, 0) >= ESTABLISHED ? isNew.filter(Boolean).length : 0;
  const fair = uploads > 0 ? Math.max(FLOOR, Math.min(FAIR_FLOOR, 0.5 / uploads)) : FLOOR;
  return isNew.map((isOwed) => ({ chance: isOwed ? fair : FLOOR, isOwed }));
}

/** Chances to be the best → chances to be played: a floor for the live, nothing for the stopped. */
export function mixed(best: readonly number[], floors: readonly Floor[]): number[] {
  const live = best.map((chance, k) => chance >= STOP_BELOW || floors[k]?.isOwed === true);
  const floor = best.map((_, k) => (live[k] ? (floors[k]?.chance ?? 0) : 0));
  const kept = sum(best.filter((_, k) => live[k]));
  const spare = 1 - sum(floor);
  const count = live.filter(Boolean).length;
  return best.map((chance, k) => (live[k] ? (floor[k] ?? 0) + spare * (kept > 0 ? chance / kept : 1 / count) : 0));
}

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

function interval(logDraws: readonly number[]): { low: number; high: number } {
  const sorted = logDraws.slice().sort((a, b) => a - b);
  const at = (share: number): number => Math.exp(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return { low: at(0.05), high: at(0.95) };
}

/**
 * Chances over the creatives that are left after vetoes, in their order; the exact probabilities to log.
 * A creative the snapshot does not know yet gets the floor; when all that are left are stopped, all the same.
 */
export function creativeChances(
  snapshot: Pick<CreativeSnapshot, "creativeIds" | "chances">,
  genre: number,
  ids: readonly string[],
): number[] {
  const row = snapshot.chances[genre] ?? snapshot.chances[GENRES - 1] ?? [];
  const chances = ids.map((id) => {
    const position = snapshot.creativeIds.indexOf(id);
    return position < 0 ? FLOOR : (row[position] ?? 0);
  });
  const total = sum(chances);
  return total > 0 ? chances.map((chance) => chance / total) : ids.map(() => 1 / ids.length);
}
