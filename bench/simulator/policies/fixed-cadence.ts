import { type Decision, type Demand, OPEN_MARKET, type PlannedAd, type Policy, type Slot } from "../policy.ts";

const MINUTE_MS = 60_000;
const AD: PlannedAd = { campaign: OPEN_MARKET, creative: 0, lengthSeconds: 30 };
const NONE: Decision = [];
const ONE: Decision = [AD];

export interface FixedCadence {
  /** Least minutes from a break, or the session's start, to the next break. */
  readonly everyMinutes: number;
  /** Ads of successive breaks of a session, repeated in turn: [1], [2], or [1, 2] for every other one. Default [1]. */
  readonly podAds?: readonly number[];
  /** A break is left to the next slot until the open market pays this for its first ad, micros. Default 0: any price. */
  readonly leastPriceMicros?: number;
}

/**
 * The operator's timer: a break at the first slot after so many minutes, sold on the open market. With a least price it is the timer with
 * price threshold, the stronger baseline of learning.md 3. Positions of a pod that nobody bids for are left out.
 */
export function fixedCadence({ everyMinutes, podAds = [1], leastPriceMicros = 0 }: FixedCadence): Policy {
  const waitMs = everyMinutes * MINUTE_MS;
  const threshold = Math.max(1, leastPriceMicros);
  const plain = podAds.every((ads) => ads === 1);
  const turns = plain ? null : new Turns(podAds);
  return {
    name: `every ${everyMinutes} min, pods ${podAds.join("/")}${leastPriceMicros > 0 ? `, from ${leastPriceMicros} micros` : ""}`,
    decide(slot, demand) {
      if (slot.sinceBreakMs < waitMs || slot.priceMicros < threshold) return NONE;
      return turns === null ? ONE : sold(demand, turns.next(slot));
    },
  };
}

/** The family from which the best fixed cadence is searched: 3 to 120 minutes, each some 15 % longer than the one before. */
export const CADENCE_MINUTES: readonly number[] = [
  3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 11.5, 13, 15, 17, 20, 23, 26, 30, 35, 40, 46, 53, 60, 70, 80, 90, 105, 120,
];

/** The first ad has its bid already; each further one needs its own. */
function sold(demand: Demand, ads: number): Decision {
  const pod = [AD];
  for (let position = 1; position < ads; position++)
    if (demand.priceMicros(OPEN_MARKET, pod.length, 30) > 0) pod.push(AD);
  return pod;
}

/** Whose turn in the pattern it is, by listener; a new session starts anew. */
class Turns {
  readonly #podAds: readonly number[];
  readonly #breaks = new Map<number, number>();

  constructor(podAds: readonly number[]) {
    this.#podAds = podAds;
  }

  next({ listener, adsInSession }: Slot): number {
    const breaks = adsInSession === 0 ? 0 : (this.#breaks.get(listener) ?? 0);
    this.#breaks.set(listener, breaks + 1);
    return this.#podAds[breaks % this.#podAds.length] ?? 1;
  }
}
