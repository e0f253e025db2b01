import type { DrawKey } from "./counter-draws.ts";
import { PURPOSE, uniform } from "./counter-draws.ts";
import type { Fatigue } from "./fatigue.ts";
import type { ListenerState } from "./listener-state.ts";
import type { Market } from "./market.ts";
import type { Outcomes } from "./outcomes.ts";
import { type Decision, type Feedback, OPEN_MARKET, type PlannedAd, POD_ADS_MAX } from "./policy.ts";
import { Response } from "./response.ts";
import { Tracking } from "./tracking.ts";
import type { World } from "./world-file.ts";

const SECOND_MS = 1_000;

/** A decision that cannot be carried out. It is the policy's fault, and the run ends with it. */
export class PolicyFault extends Error {
  constructor(field: string, value: unknown, rule: string) {
    super(`decision: ${field} = ${String(value)}: ${rule}`);
  }
}

/** Which break it is. */
interface Break {
  readonly slot: number;
  readonly day: number;
  readonly nowMs: number;
}

/** Plays breaks: charges them, wears the listener, draws what comes of them. */
export class Playback {
  readonly #fatigue: Fatigue;
  readonly #market: Market;
  readonly #outcomes: Outcomes;
  readonly #response: Response;
  readonly #tracking: Tracking;
  readonly #campaigns: number;
  readonly #botVisitFactor: number;

  constructor(world: World, root: DrawKey, fatigue: Fatigue, market: Market, outcomes: Outcomes) {
    this.#fatigue = fatigue;
    this.#market = market;
    this.#outcomes = outcomes;
    this.#response = new Response(world, root);
    this.#tracking = new Tracking(world.tracking);
    this.#campaigns = world.campaigns.length;
    this.#botVisitFactor = world.bots.visitFactor;
  }

  /**
   * @param report takes what tracking will say, each with its time; null when nobody listens.
   * @returns how long the break lasts, milliseconds.
   * @throws PolicyFault before anything was played.
   */
  play(state: ListenerState, at: Break, decision: Decision, report: ((feedback: Feedback) => void) | null): number {
    const prices = this.#prices(decision);
    const weariness = state.traits.sensitivity * state.fast;
    let lengthMs = 0;
    let paidMicros = 0;
    for (const [position, ad] of decision.entries()) {
      lengthMs += ad.lengthSeconds * SECOND_MS;
      const priceMicros = prices[position]!;
      paidMicros += priceMicros;
      if (ad.campaign !== OPEN_MARKET) this.#outcomes.spent(ad.campaign, at.day, priceMicros);
      this.#ad(state, { ...at, nowMs: at.nowMs + lengthMs }, position, ad, priceMicros, weariness, report);
    }
    const effectiveAds = this.#fatigue.effectiveAds(decision);
    const { number, weight, traits } = state;
    if (traits.bot) this.#outcomes.botAds += decision.length;
    else this.#outcomes.played(number, at.day, decision.length, effectiveAds, paidMicros, weight);
    this.#outcomes.note(number, at.nowMs, paidMicros);
    state.slowAds += effectiveAds;
    state.fast = this.#fatigue.fastAfter(state.fast, lengthMs) + effectiveAds;
    state.adsToday += decision.length;
    state.adsInSession += decision.length;
    state.breakEndMs = at.nowMs + lengthMs;
    return lengthMs;
  }

  #prices(decision: Decision): readonly number[] {
    if (decision.length > POD_ADS_MAX) throw new PolicyFault("ads", decision.length, `at most ${POD_ADS_MAX}`);
    return decision.map(({ campaign, creative, lengthSeconds }, position) => {
      if (lengthSeconds !== 15 && lengthSeconds !== 30)
        throw new PolicyFault("lengthSeconds", lengthSeconds, "15 or 30");
      if (!Number.isInteger(campaign) || campaign < OPEN_MARKET || campaign >= this.#campaigns)
        throw new PolicyFault("campaign", campaign, `${OPEN_MARKET} (open market) to ${this.#campaigns - 1}`);
      if (!this.#market.creatives(campaign).includes(creative))
        throw new PolicyFault("creative", creative, `one of ${this.#market.creatives(campaign).join(", ")}`);
      const priceMicros = this.#market.priceMicros(campaign, position, lengthSeconds);
      if (priceMicros <= 0) throw new PolicyFault(`ads.${position}`, campaign, "somebody bids for this position");
      return priceMicros;
    });
  }

  #ad(
    state: ListenerState,
    end: Break,
    position: number,
    ad: PlannedAd,
    priceMicros: number,
    weariness: number,
    report: ((feedback: Feedback) => void) | null,
  ): void {
    const { sessionKey: key, tracks, number } = state;
    const { campaign, creative, lengthSeconds } = ad;
    const seen = report !== null && !this.#tracking.lost(key, tracks, position);
    const named = { slot: end.slot, position, listener: number, campaign, creative };
    const tell = (feedback: Feedback): void => {
      if (seen && this.#tracking.arrives(feedback.nowMs)) report(feedback);
    };
    const completed = this.#response.completed(key, tracks, position, weariness);
    tell({ kind: "impression", ...named, nowMs: end.nowMs, lengthSeconds, priceMicros, completed });
    for (const kind of ["visit", "purchase"] as const) {
      if (!this.#responds(state, kind, ad, position)) continue;
      const delayMs = this.#response.delayMs(key, tracks, position, kind);
      tell({ kind, ...named, nowMs: end.nowMs + delayMs, shownAtMs: end.nowMs });
    }
  }

  #responds(state: ListenerState, kind: "visit" | "purchase", ad: PlannedAd, position: number): boolean {
    const { traits, genre, sessionKey, tracks, weight } = state;
    const average = this.#response.chance(kind, ad, traits.platform, genre);
    const own = traits.bot ? (kind === "visit" ? this.#botVisitFactor : 0) : traits.responsiveness;
    const chance = Math.min(1, average * own);
    const responds = uniform(sessionKey, tracks, PURPOSE[kind] + position) < chance;
    if (!traits.bot) this.#outcomes.responded(kind, responds ? weight : 0, chance * weight);
    return responds;
  }
}
