import { z } from "zod";
import { clip } from "../numerics/bounds.ts";
import { PRIOR_SLOPE } from "./slope.ts";

/*
 * The price of a listener's fatigue, micros for one effective ad (30 s). Its level is a dual variable of the constraint "ad load at most the
 * control rule's" (dual descent in logarithms, as for budgets); how segments differ comes from their slopes.
 *
 *   phi <- phi · exp(.6 · clip(load / target − 1, ±1.5)), each 6 h
 *
 * F1: every price is within a quarter and four times the prior. F2: without a load in the period the level stands still.
 */

const GAIN = 0.6;
const REACH = 1.5;
/** Beyond it a ratio says no more than that; it keeps the state finite. */
const RATIO_MAX = 1_000;
const BELOW_PRIOR = 0.25;
const ABOVE_PRIOR = 4;

export const FatigueLevelState = z.strictObject({
  /** Micros for one effective ad. */
  phiMicros: z.number().min(0),
  priorMicros: z.number().positive(),
  steps: z.int().min(0),
  held: z.int().min(0),
  /** Load over target in the last period, 1 = as wanted; null before the first. */
  lastRatio: z.number().min(0).nullable(),
});
export type FatigueLevelState = z.infer<typeof FatigueLevelState>;

export const fatigueLevelState = { version: 1, schema: FatigueLevelState };

/**
 * The price before data: hours lost for one more ad an hour, times what an hour is worth.
 * @param hourMicros what a listener's hour earns, in micros: 750,000 is $0.75, and makes 15,600 micros an ad.
 */
export function initialFatigueLevel(hourMicros: number): FatigueLevelState {
  const priorMicros = Math.max(1, PRIOR_SLOPE * hourMicros);
  return { phiMicros: priorMicros, priorMicros, steps: 0, held: 0, lastRatio: null };
}

export interface LoadObservation {
  /** Effective ads an hour that the learning listeners met in the period. */
  readonly load: number;
  /** The share of the control rule's load that is allowed, in the same unit. */
  readonly target: number;
}

/** One step of the level, once a period. `isHeld`: feedback was missing, nothing is learned. */
export function updateFatigueLevel(
  state: FatigueLevelState,
  { load, target }: LoadObservation,
  isHeld = false,
): FatigueLevelState {
  if (isHeld || !(target > 0) || !(load >= 0)) return { ...state, held: state.held + 1 };
  const ratio = Math.min(load / target, RATIO_MAX);
  const moved = state.phiMicros * Math.exp(GAIN * clip(ratio - 1, -REACH, REACH));
  return { ...state, phiMicros: bounded(moved, state.priorMicros), steps: state.steps + 1, lastRatio: ratio };
}

const bounded = (phiMicros: number, priorMicros: number): number =>
  clip(phiMicros, BELOW_PRIOR * priorMicros, ABOVE_PRIOR * priorMicros);

/** A segment as its slope learner knows it. */
export interface SegmentSlope {
  readonly segment: string;
  readonly slope: number;
  /** Hours listened: the segment's weight in the mean. */
  readonly hours: number;
}

/** Prices by segment: the level, times how the segment's slope compares with the mean over all hours. */
export function segmentPrices(level: FatigueLevelState, segments: readonly SegmentSlope[]): Map<string, number> {
  const hours = segments.reduce((sum, segment) => sum + Math.max(0, segment.hours), 0);
  const weighted = segments.reduce((sum, { slope, hours: of }) => sum + Math.max(0, of) * Math.max(0, slope), 0);
  const mean = hours > 0 && weighted > 0 ? weighted / hours : PRIOR_SLOPE;
  return new Map(
    segments.map(({ segment, slope }) => [
      segment,
      bounded((level.phiMicros * Math.max(0, slope)) / mean, level.priorMicros),
    ]),
  );
}

/** Fatigue of an ad in 30 s ads: half the length tires .62 as much ([A]: exponent .7), two in a pod as 2.1 (Goli et al.: 4.116/1.966). */
export function effectiveAds(durationMs: number, adsInBreak = 1): number {
  const ads = Math.max(1, adsInBreak);
  return (Math.max(0, durationMs) / 30_000) ** 0.7 * ads ** Math.log2(2.1);
}

/** The fatigue term of the objective for a listener in a price cell, in micros. */
export const fatigueCostMicros = (phiMicros: number, cellFactor: number, effective: number): number =>
  phiMicros * cellFactor * effective;
