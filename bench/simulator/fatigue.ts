import type { PlannedAd } from "./policy.ts";
import type { World } from "./world-file.ts";

const MINUTE_MS = 60_000;

/** How ads weigh on a listener. Pure arithmetic of the world's numbers; the state is the listener's (simulation.ts). */
export class Fatigue {
  readonly #world: World["fatigue"];
  /** Effective ads of one 15 s ad; a 30 s ad is 1. */
  readonly #shortAd: number;
  /** What remains of the slow sums after a day. */
  readonly slowDecayPerDay: number;
  readonly #fastDecayPerMs: number;

  constructor(world: World["fatigue"]) {
    this.#world = world;
    this.#shortAd = 0.5 ** world.shortAdExponent;
    this.slowDecayPerDay = Math.exp(-1 / world.memoryDays);
    this.#fastDecayPerMs = Math.LN2 / (world.fastHalfLifeMinutes * MINUTE_MS);
  }

  /** Effective ads of a break: 30 s = 1, 15 s = .5^exponent, a pod more than its sum. */
  effectiveAds(ads: readonly PlannedAd[]): number {
    let sum = 0;
    for (const ad of ads) sum += ad.lengthSeconds === 30 ? 1 : this.#shortAd;
    return sum * (1 + this.#world.podPremiumPerExtraAd * Math.max(0, ads.length - 1));
  }

  /** The part of fast fatigue that is left after some time. */
  fastAfter(fast: number, elapsedMs: number): number {
    return fast === 0 ? 0 : fast * Math.exp(-elapsedMs * this.#fastDecayPerMs);
  }

  /** Effective ads an hour above the reference, as the hazards feel it: a straight line, steeper above the threshold. */
  excess(adsPerHour: number): number {
    const { referenceAdsPerHour, thresholdAdsPerHour, extraSlopeAboveThreshold } = this.#world;
    const above = Math.max(0, adsPerHour - thresholdAdsPerHour);
    return adsPerHour - referenceAdsPerHour + extraSlopeAboveThreshold * above;
  }
}
