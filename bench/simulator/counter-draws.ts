import { mix32 } from "../../protocols/hash.ts";

/*
 * The world's chance. Nothing here has state: a draw is a hash of a key and of a counter, so it does not depend on what was drawn before
 * it (the idea of counter-based generators: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Two policies
 * that treat a listener differently therefore still meet the same days, tracks, prices and whims: common random numbers.
 *
 * Keys are 64 bits in two lanes, since ten million sessions under 32-bit keys would share thousands of them.
 */

/** A place in the tree of draws: seed → listener → day → session. */
export interface DrawKey {
  readonly low: number;
  readonly high: number;
}

/** What a draw is for. Numbers are part of what a seed means: add at the end, never renumber. */
export const PURPOSE = {
  age: 1,
  platform: 2,
  favouriteGenre: 3,
  sensitivity: 4, // a normal takes this number and the next
  activity: 6,
  churnFrailty: 8,
  responsiveness: 10,
  bot: 12,
  leaves: 13,
  subscribes: 14,
  active: 15,
  secondSession: 16,
  thirdSession: 17,
  leanIn: 18,
  genreIsFavourite: 19,
  genre: 20,
  trackLength: 21,
  skip: 22,
  exit: 23,
  slotValue: 24,
  startDaypart: 26,
  startWithin: 27,
  fill: 32, // one number for each position in a pod, as for all below
  visit: 40,
  purchase: 48,
  visitDelay: 56,
  purchaseDelay: 64,
  completion: 72,
  lost: 80,
  campaign: 1_000, // three numbers for each campaign
} as const;

const STEP_A = 0x9e3779b1;
const STEP_B = 0x85ebca77;
const STEP_C = 0xc2b2ae3d;
const TWO_TO_MINUS_32 = 2 ** -32;

/** The root of all draws of one run. @param seed a whole number, 0 to 2^53 − 1. */
export function rootKey(seed: number): DrawKey {
  const low = mix32(seed ^ STEP_C);
  return childKey({ low, high: mix32(Math.floor(seed / 2 ** 32) ^ low) }, 0);
}

/** The key of a child by its number; children of one parent are independent of each other and of the parent's draws. */
export function childKey(parent: DrawKey, index: number): DrawKey {
  const low = mix32(mix32(parent.low ^ Math.imul(index + 1, STEP_A)) ^ parent.high);
  const high = mix32(mix32(parent.high ^ Math.imul(index + 1, STEP_B)) + low);
  return { low, high };
}

/** 32 random bits for (key, counter, purpose). */
function bits(key: DrawKey, counter: number, purpose: number): number {
  return mix32((mix32(key.low ^ Math.imul(counter + 1, STEP_A)) + Math.imul(purpose, STEP_B)) ^ key.high);
}

/** Uniform in the open interval (0, 1), in steps of 2^−32. */
export function uniform(key: DrawKey, counter: number, purpose: number): number {
  return (bits(key, counter, purpose) + 0.5) * TWO_TO_MINUS_32;
}

/** Standard normal by Box and Muller (1958); takes the purposes `purpose` and `purpose + 1`. */
export function normal(key: DrawKey, counter: number, purpose: number): number {
  const radius = Math.sqrt(-2 * Math.log(uniform(key, counter, purpose)));
  return radius * Math.cos(2 * Math.PI * uniform(key, counter, purpose + 1));
}

/** Lognormal with mean 1. @param logSd the standard deviation of its logarithm. */
export function lognormal(key: DrawKey, counter: number, purpose: number, logSd: number): number {
  return logSd === 0 ? 1 : Math.exp(logSd * normal(key, counter, purpose) - (logSd * logSd) / 2);
}

/** The index that a uniform number falls on. @param cumulative rising sums of the shares; the last stands for 1, whatever rounding made of it. */
export function pick(cumulative: readonly number[], at: number): number {
  let index = 0;
  while (index < cumulative.length - 1 && at >= (cumulative[index] ?? 1)) index++;
  return index;
}

/** Rising sums, for `pick`. */
export function cumulativeShares(shares: readonly number[]): readonly number[] {
  let sum = 0;
  return shares.map((share) => (sum += share));
}
