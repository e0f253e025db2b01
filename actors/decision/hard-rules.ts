import type {
  AdSetEntry,
  CatalogIndex,
  CompanionEntry,
  CreativeEntry,
  MediaFileEntry,
} from "../../protocols/catalog-index.ts";
import { isRated, type RateSnapshot } from "../../protocols/currency.ts";
import { mediaType } from "../../protocols/media-type.ts";
import type { AudioSlot, DecisionRequest, Floors } from "../../protocols/messages/listener.ts";
import { EVERY_CATEGORY } from "../../protocols/openrtb/categories.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { hasBit } from "./bitmap.ts";
import { UNSAFE } from "./child-safety.ts";
import { bidIn, hasFloor, isDomainIn, type Market, marketOf, saleVeto } from "./market.ts";

/** A rule that no agent can waive (V1). */
export interface HardVeto {
  readonly reason: string;
  readonly rule: string;
}

/** What a request rules out for one of its slots, prepared once for all candidates. */
export interface HardRules {
  readonly nowMs: EpochMs;
  readonly slot: AudioSlot;
  readonly market: Market;
  readonly hourOfWeek: number | undefined;
  readonly mimes: ReadonlySet<string>;
  readonly blockedCategories: ReadonlySet<string>;
  readonly allowedCategories: ReadonlySet<string>;
  readonly blockedDomains: ReadonlySet<string>;
  readonly allowedLanguages: readonly string[];
  readonly childSafe: boolean;
}

const VETO = {
  flightBefore: { reason: "flight", rule: "the flight has not begun" },
  flightAfter: { reason: "flight", rule: "the flight has ended" },
  daypart: { reason: "daypart", rule: "outside the dayparts" },
  daypartUnknown: { reason: "daypart", rule: "the listener's local time is unknown" },
  currency: { reason: "currency", rule: "the currency of the request" },
  floor: { reason: "floor", rule: "the bid is below the floor" },
  deal: { reason: "deal", rule: "only deals or other seats are asked for" },
  duration: { reason: "duration", rule: "the slot's durations" },
  mime: { reason: "mime", rule: "the slot's media types" },
  secure: { reason: "secure", rule: "media over https" },
  bitrate: { reason: "bitrate", rule: "the slot's bitrates" },
  attribute: { reason: "attribute", rule: "blocked creative attributes" },
  domain: { reason: "advertiser-domain", rule: "blocked advertiser domains" },
  category: { reason: "category", rule: "blocked categories" },
  taxonomy: { reason: "category", rule: "blocked categories of a taxonomy that cannot be mapped" },
  categoryAllowed: { reason: "category", rule: "allowed categories only" },
  language: { reason: "language", rule: "allowed languages" },
  child: { reason: "child-safety", rule: "categories safe for children only" },
} as const satisfies Record<string, HardVeto>;

export function hardRules(
  request: DecisionRequest,
  slot: AudioSlot,
  catalog: CatalogIndex,
  nowMs: EpochMs,
  rates: RateSnapshot | null = null,
): HardRules {
  const { capabilities, context } = request;
  const currency = currencyOf(request, rates);
  return {
    nowMs,
    slot,
    market: marketOf(request, slot, catalog, currency, rates),
    hourOfWeek: context.hourOfWeek,
    mimes: new Set(slot.mimes.map(mediaType)),
    blockedCategories: new Set(request.blockedCategories),
    allowedCategories: new Set(request.allowedCategories),
    blockedDomains: lowered(request.blockedAdvertiserDomains),
    allowedLanguages: request.allowedLanguages ?? [],
    childSafe: capabilities.childSafe,
  };
}

const lowered = (texts: readonly string[]): ReadonlySet<string> => new Set(texts.map((text) => text.toLowerCase()));

/**
 * The one currency of a decision, in which bids are compared and answered: that of the first floor where there is one, else the request's
 * first. Where the floor's is not among those that the request takes, the first of them that the rates know; undefined without.
 */
function currencyOf({ currencies, slots }: DecisionRequest, rates: RateSnapshot | null): string | undefined {
  let stated: Floors | undefined;
  for (const slot of slots) {
    if (slot.privateAuction !== true && hasFloor(slot)) stated ??= slot;
    stated ??= slot.deals?.find((deal) => hasFloor(deal));
  }
  if (currencies.length === 0) return (stated ?? slots[0])?.floorCurrency;
  if (stated === undefined) return currencies[0];
  if (currencies.includes(stated.floorCurrency)) return stated.floorCurrency;
  return isRated(rates, stated.floorCurrency) ? currencies.find((each) => isRated(rates, each)) : undefined;
}

/** Why no creative of the ad set may be served now, or null. */
export function adSetVeto(adSet: AdSetEntry, rules: HardRules): HardVeto | null {
  if (adSet.startsAtMs !== null && rules.nowMs < adSet.startsAtMs) return VETO.flightBefore;
  if (adSet.endsAtMs !== null && rules.nowMs >= adSet.endsAtMs) return VETO.flightAfter;
  if (adSet.currency !== rules.market.currency && bidIn(adSet, rules.market) === null) return VETO.currency;
  if (adSet.hours === null) return null;
  if (rules.hourOfWeek === undefined) return VETO.daypartUnknown;
  return hasBit(adSet.hours, rules.hourOfWeek) ? null : VETO.daypart;
}

/** Why this creative may not be served at that bid, or null. */
export function creativeVeto(creative: CreativeEntry, adSet: AdSetEntry, rules: HardRules): HardVeto | null {
  if (!fits(creative.durationMs, rules.slot)) return VETO.duration;
  const sale = saleVeto(adSet, creative, rules.market);
  if (sale !== null) return VETO[sale];
  if (rules.blockedDomains.size > 0 && isDomainIn(creative.advertiserDomain, rules.blockedDomains)) return VETO.domain;
  if (rules.blockedCategories.has(EVERY_CATEGORY)) return VETO.taxonomy;
  if (rules.blockedCategories.size > 0 && creative.categories.some((id) => covers(rules.blockedCategories, id)))
    return VETO.category;
  if (rules.allowedCategories.size > 0 && !allCovered(creative.categories, rules.allowedCategories))
    return VETO.categoryAllowed;
  if (rules.slot.blockedAttributes.some((attribute) => creative.attributes.includes(attribute))) return VETO.attribute;
  if (rules.childSafe && (creative.categories.length === 0 || creative.categories.some((id) => covers(UNSAFE, id))))
    return VETO.child;
  if (!speaks(creative.languages, rules.allowedLanguages)) return VETO.language;
  return mediaVeto(creative, rules);
}

function fits(durationMs: number, slot: AudioSlot): boolean {
  if (durationMs > (slot.pod?.durationMs ?? Infinity)) return false;
  const required = slot.requiredDurationsMs ?? [];
  if (required.length > 0) return required.includes(durationMs);
  return durationMs >= slot.minDurationMs && durationMs <= (slot.maxDurationMs ?? Infinity);
}

/** A tier-1 category of the IAB's taxonomy 1.0 stands for every tier-2 below it: `IAB17` for `IAB17-3`. */
function covers(categories: ReadonlySet<string>, id: string): boolean {
  if (categories.has(id)) return true;
  const dash = id.indexOf("-");
  return dash !== -1 && categories.has(id.slice(0, dash));
}

function allCovered(ids: readonly string[], categories: ReadonlySet<string>): boolean {
  return ids.length > 0 && ids.every((id) => covers(categories, id));
}

/** A creative that names no language is served in any. */
function speaks(languages: readonly string[], allowed: readonly string[]): boolean {
  return allowed.length === 0 || languages.length === 0 || languages.some((language) => allowed.includes(language));
}

function mediaVeto(creative: CreativeEntry, rules: HardRules): HardVeto | null {
  if (creative.mediaFiles.some((file) => isPlayable(file, rules))) return null;
  const typed = creative.mediaFiles.filter((file) => rules.mimes.has(file.mimeType));
  if (typed.length === 0) return VETO.mime;
  return typed.some((file) => file.secure || !rules.slot.secure) ? VETO.bitrate : VETO.secure;
}

/** Whether the slot takes this file; where bitrates are bounded, one that is not stated is not taken. */
export function isPlayable(file: MediaFileEntry, { slot, mimes }: HardRules): boolean {
  if (!mimes.has(file.mimeType) || (slot.secure && !file.secure)) return false;
  const { minBitrateKbps, maxBitrateKbps } = slot;
  if (minBitrateKbps !== undefined && (file.bitrateKbps ?? -1) < minBitrateKbps) return false;
  return maxBitrateKbps === undefined || (file.bitrateKbps ?? Infinity) <= maxBitrateKbps;
}

/** Whether the player has a place of exactly this companion's size; the ad itself is served without as well. */
export function isShowable({ url, widthPixels, heightPixels }: CompanionEntry, { slot }: HardRules): boolean {
  if (slot.secure && !/^https:/i.test(url)) return false;
  return (slot.companions ?? []).some((size) => size.widthPixels === widthPixels && size.heightPixels === heightPixels);
}
