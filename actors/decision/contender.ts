import type { AdSetEntry, CreativeEntry } from "../../protocols/catalog-index.ts";
import type { TermRow } from "../../protocols/decision-record.ts";
import type { Expectation, Proposal, RewardAnswer } from "../../protocols/roles.ts";
import { draw, pick } from "./draw.ts";
import { soldAs } from "./gate.ts";
import type { HardRules } from "./hard-rules.ts";
import { bidIn, GUARANTEED_TIER, type Market, type Sale } from "./market.ts";

/** Personalisation moves a bid by this share at most, so that the walk over candidates knows when nobody can win any more. */
export const UPLIFT_MAX = 0.25;

/** No candidate scores more than this: costs only lower a score, and no price is above the bid. What is not converted is not scored. */
export const scoreBound = (adSet: AdSetEntry, market: Market, upliftMax: number): number =>
  (bidIn(adSet, market) ?? Infinity) * (1 + upliftMax);

/** One creative that is worth playing to this listener. */
interface Playable extends Scored {
  /** Its chance within the ad set; they add up to 1. */
  readonly chance: number;
}

/** An ad set that may be served, and with what. */
export interface Contender {
  readonly adSet: AdSetEntry;
  /** What it is served at: its campaign's, or that of a guaranteed deal. */
  readonly tier: number;
  readonly playable: readonly Playable[];
  /** The one of them that was drawn. */
  readonly drawn: Playable;
  /** The score of its best creative: what it competes with, so that a higher bid never loses what a lower one won (A2). */
  readonly rankNanos: number;
  /** Chance that the throttle lets it take part, and whether it did. */
  readonly takesPart: number;
  readonly isIn: boolean;
  /** The default that stood in for the wished rotation, if any. */
  readonly standIn: string | undefined;
}

/** What scoring roles said of one proposal. */
export interface Opinions {
  readonly reward: RewardAnswer;
  /** Of each of its creatives. */
  readonly expectations: readonly Expectation[];
  /** The rotation's chance of each of them. */
  readonly chances: readonly number[];
  /** What stood in for the documented rotation, if anything did. */
  readonly standIn: string | undefined;
  /** Share of the bid by which expectations may move it: 0 where nothing is known of the listener. */
  readonly upliftMax: number;
  readonly takesPart: number;
}

/** One creative as it is sold and what it is worth. */
export interface Scored {
  readonly creative: CreativeEntry;
  readonly sale: Sale;
  readonly terms: readonly TermRow[];
  readonly scoreNanos: number;
}

export function scoreOf(
  adSet: AdSetEntry,
  creative: CreativeEntry,
  opinions: Pick<Opinions, "reward" | "upliftMax">,
  expectation: Expectation | undefined,
  rules: HardRules,
  chance = 1,
): Playable {
  const sale = soldAs(adSet, creative, rules);
  const terms = termsOf(sale, creative, opinions, expectation, adSet.currency, rules.market.perDollar);
  let scoreNanos = 0;
  for (const { nanos } of terms) scoreNanos += nanos;
  return { creative, sale, terms, scoreNanos, chance };
}

/** Scores a proposal's creatives. @returns null, with the best of them, when none is worth the listener's time. */
export function contend(
  { adSet, creatives }: Proposal,
  opinions: Opinions,
  rules: HardRules,
  seed: string,
): Contender | { readonly worthless: Scored } {
  const [only] = creatives;
  // Most ad sets have one creative: it is drawn for certain.
  if (only !== undefined && creatives.length === 1) {
    const scored = scoreOf(adSet, only, opinions, opinions.expectations[0], rules);
    if (scored.scoreNanos <= 0) return { worthless: scored };
    return contenderOf(adSet, [scored], scored, scored.scoreNanos, opinions.standIn, opinions, seed);
  }
  const scored = creatives.map((creative, at) =>
    scoreOf(adSet, creative, opinions, opinions.expectations[at], rules, opinions.chances[at] ?? 0),
  );
  const best = scored.reduce((one, other) => (other.scoreNanos > one.scoreNanos ? other : one));
  const worth = scored.filter(({ scoreNanos }) => scoreNanos > 0);
  if (worth.length === 0) return { worthless: best };
  const total = worth.reduce((sum, { chance }) => sum + chance, 0);
  // The rotation's own choice may be the one that is too long: then those left count the same.
  const playable = worth.map((each) => ({ ...each, chance: total > 0 ? each.chance / total : 1 / worth.length }));
  const at =
    playable.length === 1
      ? 0
      : pick(
          playable.map(({ chance }) => chance),
          draw(seed, "creative", adSet.id),
        );
  const shorter = worth.length < scored.length && total <= 0 ? `${adSet.rotation}: shorter` : undefined;
  const drawn = playable[at] ?? best;
  return contenderOf(adSet, playable, drawn, best.scoreNanos, shorter ?? opinions.standIn, opinions, seed);
}

function contenderOf(
  adSet: AdSetEntry,
  playable: readonly Playable[],
  drawn: Playable,
  rankNanos: number,
  standIn: string | undefined,
  opinions: Opinions,
  seed: string,
): Contender {
  const { tier } = drawn.sale;
  // Who is offered a guaranteed deal must bid on it (OpenRTB 2.6 section 3.2.12), so nothing holds it back.
  const takesPart = isRaised(tier, adSet) ? 1 : opinions.takesPart;
  return {
    adSet,
    tier,
    playable,
    drawn,
    rankNanos,
    takesPart,
    isIn: takesPart >= 1 || (takesPart > 0 && draw(seed, "throttle", adSet.id) < takesPart),
    standIn,
  };
}

/** Whether a guaranteed deal has the ad set served above its campaign's tier. */
export const isRaised = (tier: number, adSet: AdSetEntry): boolean => tier <= GUARANTEED_TIER && tier < adSet.tier;

function termsOf(
  sale: Sale,
  creative: CreativeEntry,
  { reward, upliftMax }: Pick<Opinions, "reward" | "upliftMax">,
  expectation: Expectation | undefined,
  currency: string,
  perDollar: number,
): TermRow[] {
  const { priceCpmMicros, dealId } = sale;
  const why = dealId === null ? "bid" : `deal ${dealId}`;
  const terms: TermRow[] = [{ role: "audience", nanos: priceCpmMicros, why }];
  const most = priceCpmMicros * Math.min(upliftMax, UPLIFT_MAX);
  // Personalisation speaks of the campaign's own currency.
  const scale = sale.currency === currency || sale.costNanos === 0 ? 1 : priceCpmMicros / sale.costNanos;
  const uplift = Math.trunc(Math.max(-most, Math.min(most, (expectation?.nanos ?? 0) * scale)));
  if (expectation !== undefined && uplift !== 0)
    terms.push({ role: "personalisation", nanos: uplift, why: expectation.why });
  const cost = Math.ceil((Math.max(0, reward.nanosPerSecond) * perDollar * creative.durationMs) / 1000);
  if (cost > 0) terms.push({ role: "reward", nanos: -cost, why: reward.why });
  return terms;
}

/** Positive when `one` ranks above `other`: the tier comes before any score (A3). */
export function rankOf(one: Contender, other: Contender): number {
  return one.tier === other.tier ? one.rankNanos - other.rankNanos : other.tier - one.tier;
}
