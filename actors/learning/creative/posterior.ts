import { clip } from "../numerics/bounds.ts";
import type { CreativeArm, CreativeState } from "./state.ts";

/*
 * rate(creative k, genre g) = campaign · genre_g · effect_k · multiplier_kg.  Effects are Gamma with mean 1 (or what transfer says),
 * multipliers Gamma with mean 1; conversions are Poisson (Gelman et al., Bayesian Data Analysis, 2.6 and 5: Gamma–Poisson with an
 * empirical-Bayes prior). The campaign's level and the genres' cancel in a choice between creatives and are estimated only to
 * count exposure in expected conversions.
 */

/** Pseudo conversions that pull a genre's level to the campaign's. */
const GENRE_WEIGHT = 10;
/** Creatives' worth of evidence behind the prior's spread, so that two creatives by chance alike do not make it 0. */
const SPREAD_WEIGHT = 8;

export interface CreativePosterior {
  /** Gamma of each creative's effect: shape, and rate in expected conversions. */
  readonly effects: readonly GammaPosterior[];
  /** multipliers[genre][creative]. */
  readonly multipliers: readonly (readonly GammaPosterior[])[];
  /** Conversions an impression of the campaign's mean creative. */
  readonly campaignRate: number;
  /** Estimated standard deviation of the creatives' log effects. */
  readonly effectLogSd: number;
}

export interface GammaPosterior {
  readonly shape: number;
  readonly rate: number;
}

/** Shape of the Gamma with mean 1 whose logarithm has about this standard deviation (matched coefficient of variation of a lognormal). */
const shapeOfLogSd = (logSd: number): number => 1 / (Math.exp(logSd * logSd) - 1);

export function creativePosterior(state: CreativeState): CreativePosterior {
  const { arms } = state;
  const matured = arms.map((arm) => {
    const shown = sum(arm.shown);
    return shown > 0 ? Math.min(1, arm.nEff / shown) : 0;
  });
  const conversions = arms.map((arm) => sum(arm.converted));
  const genreLevels = levelsOfGenres(arms, matured, sum(conversions));
  const exposure = arms.map((arm, k) =>
    arm.shown.reduce((all, shown, genre) => all + shown * (matured[k] ?? 0) * (genreLevels[genre] ?? 1), 0),
  );
  const { rate, effectLogSd, effects } = fitEffects(state, conversions, exposure);
  const multiplierShape = shapeOfLogSd(state.genreLogSd);
  const multipliers = genreLevels.map((level, genre) =>
    arms.map((arm, k): GammaPosterior => {
      const effect = effects[k] ?? { shape: 1, rate: 1 };
      const expected = (arm.shown[genre] ?? 0) * (matured[k] ?? 0) * level * rate * (effect.shape / effect.rate);
      return { shape: multiplierShape + (arm.converted[genre] ?? 0), rate: multiplierShape + expected };
    }),
  );
  return { effects, multipliers, campaignRate: rate, effectLogSd };
}

function levelsOfGenres(arms: readonly CreativeArm[], matured: readonly number[], conversions: number): number[] {
  const shown = (genre: number): number => sum(arms.map((arm, k) => (arm.shown[genre] ?? 0) * (matured[k] ?? 0)));
  const genres = arms[0]?.shown.map((_, genre) => genre) ?? [];
  const rate = conversions / Math.max(1e-9, sum(genres.map(shown)));
  return genres.map((genre) => {
    const converted = sum(arms.map((arm) => arm.converted[genre] ?? 0));
    return conversions > 0 ? (converted + GENRE_WEIGHT) / (shown(genre) * rate + GENRE_WEIGHT) : 1;
  });
}

/**
 * The campaign's rate is that of the mean creative, not of the mean impression: with most traffic on the best one the latter would
 * raise the prior of all others. Rate, spread and effects are refined in turn; five rounds move the rate by less than 1 %.
 */
function fitEffects(
  state: CreativeState,
  conversions: readonly number[],
  exposure: readonly number[],
): { rate: number; effectLogSd: number; effects: GammaPosterior[] } {
  let rate = (sum(conversions) + 0.5) / Math.max(1, sum(exposure));
  let effectLogSd = state.effectLogSd;
  let effects: GammaPosterior[] = [];
  for (let round = 0; round < 5; round++) {
    effects = state.arms.map(({ prior }, k): GammaPosterior => {
      const shape = prior.shape ?? shapeOfLogSd(effectLogSd);
      return { shape: shape + (conversions[k] ?? 0), rate: shape / prior.mean + (exposure[k] ?? 0) * rate };
    });
    const lift = sum(effects.map(({ shape, rate: by }, k) => shape / by / (state.arms[k]?.prior.mean ?? 1)));
    rate *= lift / Math.max(1, effects.length);
    effectLogSd = spread(state, conversions, exposure, rate);
  }
  return { rate, effectLogSd, effects };
}

/** Method of moments: E((y − e)² − e) = e² · variance, weighted by what each creative can say of it, pulled to the prior's spread. */
function spread(
  state: CreativeState,
  conversions: readonly number[],
  exposure: readonly number[],
  rate: number,
): number {
  const variance0 = Math.exp(state.effectLogSd ** 2) - 1;
  let weighted = SPREAD_WEIGHT * variance0;
  let weights = SPREAD_WEIGHT;
  state.arms.forEach(({ prior }, k) => {
    const expected = (exposure[k] ?? 0) * rate * prior.mean;
    if (expected <= 0) return;
    const weight = (variance0 / (variance0 + 1 / expected)) ** 2;
    weighted += (weight * (((conversions[k] ?? 0) - expected) ** 2 - expected)) / expected ** 2;
    weights += weight;
  });
  return Math.sqrt(Math.log1p(clip(weighted / weights, 0.01, 1)));
}

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
