import { z } from "zod";
import { Id } from "../../../protocols/ids.ts";
import { EpochMs } from "../../../protocols/quantities.ts";
import { CONVERSION_DELAY, DelayCurve } from "./delay.ts";

/*
 * What is known of one campaign's creatives, for each genre of the moment.
 *
 * C1: an impression counts for the share of its conversions that can have been seen, N_eff = Σ F(age): a young one says little.
 * C2: what came in a window whose feedback was not joined is dropped on both sides, exposure and conversion: missing feedback is not
 *     bad feedback. C3: bytes are bounded: at most CREATIVES_MAX creatives, GENRES genres.
 */

export const CREATIVES_MAX = 16;
/** Coarse genres; the last is "another". */
export const GENRES = 8;

const Counts = z.array(z.number().min(0)).length(GENRES);

export const CreativeArm = z.strictObject({
  id: Id,
  /** Impressions by genre. */
  shown: Counts,
  /** Conversions by genre that came in joined windows. */
  converted: Counts,
  /** Conversions of the open window; they may be taken back, so they may be below 0. */
  fresh: z.array(z.number()).length(GENRES),
  /** Impressions whose conversions are known, Σ F(age), over joined windows. */
  nEff: z.number().min(0),
  /** What ripened in the open window. */
  ripened: z.number().min(0),
  /** For each component of the delay: impressions whose conversions of it are still to come. */
  waiting: z.array(z.number().min(0)).length(3),
  atMs: EpochMs,
  /** Prior of the creative's effect, relative to the campaign's mean: mean and shape of a Gamma (from transfer, or 1 and the campaign's). */
  prior: z.strictObject({ mean: z.number().min(0.2).max(5), shape: z.number().min(0.5).max(100).nullable() }),
});
export type CreativeArm = z.infer<typeof CreativeArm>;

export const CreativeState = z.strictObject({
  arms: z.array(CreativeArm).max(CREATIVES_MAX),
  delay: DelayCurve,
  /** Standard deviation of a creative's log effect before data, and of its multiplier by genre ([A]: .4 and .25, learning.md 2). */
  effectLogSd: z.number().min(0.05).max(1),
  genreLogSd: z.number().min(0.01).max(1),
  /** Windows dropped because their feedback was missing. */
  windowsDropped: z.int().min(0),
  updatedMs: EpochMs,
});
export type CreativeState = z.infer<typeof CreativeState>;

export const creativeState = { version: 1, schema: CreativeState };

export function initialCreative(delay: DelayCurve = CONVERSION_DELAY): CreativeState {
  return { arms: [], delay, effectLogSd: 0.4, genreLogSd: 0.25, windowsDropped: 0, updatedMs: 0 };
}

export interface ArmPrior {
  readonly mean: number;
  /** null: the campaign's own spread between creatives. */
  readonly shape: number | null;
}

/**
 * The campaign's creatives as they are now: known ones keep what was learned, uploads start from their prior, others are forgotten.
 * @throws RangeError beyond CREATIVES_MAX.
 */
export function withCreatives(
  state: CreativeState,
  ids: readonly string[],
  atMs: EpochMs,
  priors: Readonly<Record<string, ArmPrior>> = {},
): CreativeState {
  if (ids.length > CREATIVES_MAX) throw new RangeError(`creatives: ${ids.length}, at most ${CREATIVES_MAX}`);
  const arms = ids.map((id) => state.arms.find((arm) => arm.id === id) ?? newArm(id, atMs, priors[id]));
  return { ...state, arms };
}

function newArm(id: string, atMs: EpochMs, prior: ArmPrior = { mean: 1, shape: null }): CreativeArm {
  const none = (): number[] => new Array<number>(GENRES).fill(0);
  return { id, shown: none(), converted: none(), fresh: none(), nEff: 0, ripened: 0, waiting: [0, 0, 0], atMs, prior };
}

export interface CreativeObservation {
  /** converted: one conversion joined to its impression; retracted: it turned out invalid. */
  readonly kind: "shown" | "converted" | "retracted";
  readonly creativeId: string;
  /** 0 to GENRES − 1, of the impression. */
  readonly genre: number;
  readonly atMs: EpochMs;
}

/** Counts one observation into the open window. Of a creative that is gone: the same state. */
export function updateCreative(state: CreativeState, observation: CreativeObservation): CreativeState {
  const position = state.arms.findIndex(({ id }) => id === observation.creativeId);
  const arm = state.arms[position];
  if (arm === undefined || !(observation.genre >= 0 && observation.genre < GENRES)) return state;
  const arms = state.arms.slice();
  arms[position] = observation.kind === "shown" ? showed(arm, observation, state.delay) : answered(arm, observation);
  return { ...state, arms, updatedMs: Math.max(state.updatedMs, observation.atMs) };
}

function showed(arm: CreativeArm, { genre, atMs }: CreativeObservation, delay: DelayCurve): CreativeArm {
  const ripe = ripen(arm, atMs, delay);
  return { ...ripe, shown: plus(arm.shown, genre, 1), waiting: ripe.waiting.map((each) => each + 1) };
}

function answered(arm: CreativeArm, { genre, kind }: CreativeObservation): CreativeArm {
  return { ...arm, fresh: plus(arm.fresh, genre, kind === "retracted" ? -1 : 1) };
}

function plus(counts: readonly number[], position: number, by: number): number[] {
  const copy = counts.slice();
  copy[position] = (copy[position] ?? 0) + by;
  return copy;
}

/** Moves to `ripened` what of the waiting impressions' conversions was due until `atMs`. */
function ripen(arm: CreativeArm, atMs: EpochMs, delay: DelayCurve): CreativeArm {
  const hours = (atMs - arm.atMs) / 3_600_000;
  if (hours <= 0) return arm;
  let ripened = arm.ripened;
  const waiting = arm.waiting.map((before, component) => {
    const { weight, meanHours } = delay[component] ?? { weight: 0, meanHours: 1 };
    const after = before * Math.exp(-hours / meanHours);
    ripened += weight * (before - after);
    return after;
  });
  return { ...arm, ripened, waiting, atMs };
}

/**
 * Ends a window of feedback: joined, it becomes knowledge; otherwise its exposure and its conversions are dropped (C2).
 * Conversions that come later for impressions of a dropped window count as always, for those are still waiting.
 */
export function closeWindow(state: CreativeState, atMs: EpochMs, isJoined: boolean): CreativeState {
  const arms = state.arms.map((arm): CreativeArm => {
    const ripe = ripen(arm, atMs, state.delay);
    const fresh = ripe.fresh.map(() => 0);
    if (!isJoined) return { ...ripe, ripened: 0, fresh };
    const converted = ripe.converted.map((count, genre) => Math.max(0, count + (ripe.fresh[genre] ?? 0)));
    return { ...ripe, nEff: ripe.nEff + ripe.ripened, ripened: 0, converted, fresh };
  });
  return {
    ...state,
    arms,
    windowsDropped: state.windowsDropped + (isJoined ? 0 : 1),
    updatedMs: Math.max(state.updatedMs, atMs),
  };
}
