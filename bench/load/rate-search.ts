import type { LoadResult } from "./load-plan.ts";

/** A request answered later than this is as good as none to a player. */
const LATENCY_P99_MS_MAX = 200;
const ACHIEVED_SHARE_MIN = 0.98;
const GROWTH = 2;
/** The search ends when the rate held and the one that was not are this close. */
const RESOLUTION = 1.08;
const STEPS_MAX = 14;
/** A rate that fails is tried once more, so that a neighbour's burst on a shared machine does not decide. */
const TRIES = 2;
const RATE_MAX = 50_000;
/** 204/508 says so of bids, 429 and 503 of all else (interfaces.md 2). */
const SHED = new Set(["204/508", "429", "503"]);

/** Why a rate was not held, or null. An error is any 4xx or 5xx; a 204 for another reason is an answer like any other. */
export function whyNotHeld(result: LoadResult, ratePerSecond: number): string | null {
  for (const [status, count] of Object.entries(result.statuses)) {
    if (SHED.has(status)) return `${count} shed (${status})`;
    if (Number.parseInt(status, 10) >= 400) return `${count} errors (${status})`;
  }
  if (result.lost > 0) return `${result.lost} lost`;
  if (result.p99Ms >= LATENCY_P99_MS_MAX) return `p99 ${Math.round(result.p99Ms)} ms`;
  if (result.achievedPerSecond < ratePerSecond * ACHIEVED_SHARE_MIN) {
    return `${Math.round(result.achievedPerSecond)} of ${Math.round(ratePerSecond)} a second`;
  }
  return null;
}

export interface RateFound {
  /** 0 when not even the first rate was held. */
  readonly ratePerSecond: number;
  /** What stopped the next higher one that was tried. */
  readonly limit: string;
}

/**
 * Finds the highest rate that is held: grows until one is not, then halves the gap. Bounded in steps.
 * @param attempt one measurement at a rate.
 */
export async function highestRate(
  firstPerSecond: number,
  attempt: (ratePerSecond: number) => Promise<LoadResult>,
): Promise<RateFound> {
  let held = 0;
  let notHeld = Infinity;
  let limit = "nothing: the search ended";
  let rate = firstPerSecond;
  for (let step = 0; step < STEPS_MAX; step++) {
    const why = await tryRate(rate, attempt);
    if (why === null) held = rate;
    else {
      notHeld = rate;
      limit = `${why} at ${rate}/s`;
    }
    if (held === RATE_MAX || (held > 0 && notHeld / held <= RESOLUTION)) break;
    if (held === 0) rate = Math.floor(notHeld / 2);
    else rate = Math.round(notHeld === Infinity ? Math.min(held * GROWTH, RATE_MAX) : Math.sqrt(held * notHeld));
    if (rate < 1) break;
  }
  return { ratePerSecond: held, limit };
}

async function tryRate(rate: number, attempt: (ratePerSecond: number) => Promise<LoadResult>): Promise<string | null> {
  let why: string | null = null;
  for (let left = TRIES; left > 0; left--) {
    why = whyNotHeld(await attempt(rate), rate);
    if (why === null) return null;
  }
  return why;
}
