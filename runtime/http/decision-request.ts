import {
  type AudioSlot,
  type CoarseContext,
  type DecisionRequest,
  type OfferedDeal,
  PLACES_MAX,
  type TrafficFacts,
} from "../../protocols/messages/listener.ts";
import type { Audio, BidRequest, Deal, FloorRules } from "../../protocols/openrtb/bid-request.ts";
import { contentCategories, EVERY_CATEGORY } from "../../protocols/openrtb/categories.ts";
import type { AudioImp } from "../../protocols/openrtb/servable.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { GatedCapabilities, GatedFacts, GatedIdentity } from "./privacy-gate.ts";

/** Longer than any ad; what exchanges write for "no limit" must not overflow the arithmetic. */
const SECONDS_MAX = 86_400;
/** Sizes beyond are not looked at: no player has as many places. */
const COMPANIONS_MAX = 32;

export interface GatedRequest {
  /** Our buyer seat. */
  readonly seat: string | null;
  readonly receivedAtMs: EpochMs;
  readonly capabilities: GatedCapabilities;
  readonly facts: GatedFacts;
  readonly source: GatedIdentity["source"];
  readonly requestHash: string;
  readonly traffic: TrafficFacts;
  /** Steps that the search for the best slate may take. */
  readonly searchStepsMax: number;
}

/** What a shard gets to know of a request: the imps to fill, the blocks, and what the gate let through (D18). */
export function decisionRequest(request: BidRequest, imps: readonly AudioImp[], gated: GatedRequest): DecisionRequest {
  const { geo: _geo, ...capabilities } = gated.capabilities;
  return {
    receivedAtMs: gated.receivedAtMs,
    test: request.test,
    traffic: gated.traffic,
    capabilities,
    memory: memoryOf(gated.source),
    context: contextOf(gated.facts),
    // Each imp is one place at least; beyond that nothing could be placed.
    slots: imps.slice(0, PLACES_MAX).map(slotOf),
    searchStepsMax: gated.searchStepsMax,
    currencies: [...request.currencies],
    seats: { own: gated.seat, allowed: [...request.allowedSeats], blocked: [...request.blockedSeats] },
    ...categoriesOf(request),
    allowedLanguages: request.allowedLanguages.map((tag) => tag.slice(0, 2).toLowerCase()),
    blockedAdvertiserDomains: [...request.blockedAdvertisers],
    requestHash: gated.requestHash,
  };
}

/** What cannot be told is blocked, and not allowed. */
function categoriesOf({
  blockedCategories,
  allowedCategories,
  categoryTaxonomy,
}: BidRequest): Pick<DecisionRequest, "blockedCategories" | "allowedCategories"> {
  const blocked = contentCategories(blockedCategories, categoryTaxonomy);
  const allowed = contentCategories(allowedCategories, categoryTaxonomy);
  if (blocked === null || allowed === null) return { blockedCategories: [EVERY_CATEGORY], allowedCategories: [] };
  // Allowed are only ids that say nothing to us: then nothing is.
  const isNothingAllowed = allowedCategories.length > 0 && allowed.length === 0;
  return {
    blockedCategories: isNothingAllowed ? [EVERY_CATEGORY] : [...blocked],
    allowedCategories: [...allowed],
  };
}

function memoryOf(source: GatedIdentity["source"]): DecisionRequest["memory"] {
  if (source === "request") return "none";
  return source === "session" ? "session" : "listener";
}

function contextOf(facts: GatedFacts): CoarseContext {
  const feed = whole(facts.feed);
  return {
    ...(facts.country === undefined ? {} : { country: facts.country }),
    ...(facts.region === undefined ? {} : { region: facts.region }),
    ...(facts.deviceType === undefined ? {} : { deviceType: facts.deviceType }),
    ...(facts.platform === undefined ? {} : { platform: facts.platform }),
    ...(facts.language === undefined ? {} : { language: facts.language }),
    ...(feed === undefined ? {} : { feed }),
    genres: [...facts.genres],
    ...(facts.hourOfWeek === undefined ? {} : { hourOfWeek: facts.hourOfWeek }),
  };
}

function slotOf(imp: AudioImp): AudioSlot {
  const { audio } = imp;
  const startDelay = whole(audio.startDelaySeconds);
  const required = audio.requiredDurationsSeconds;
  return {
    impId: imp.id,
    mimes: [...audio.mimes],
    minDurationMs: Math.ceil(msOf(audio.minDurationSeconds)),
    ...(audio.maxDurationSeconds === undefined ? {} : { maxDurationMs: Math.floor(msOf(audio.maxDurationSeconds)) }),
    ...(required.length === 0 ? {} : { requiredDurationsMs: required.map((seconds) => Math.round(msOf(seconds))) }),
    ...floorsOf(audio, imp),
    ...(imp.privateAuction ? { privateAuction: true } : {}),
    ...(imp.deals.length === 0 ? {} : { deals: imp.deals.map(dealOf) }),
    secure: imp.secure,
    ...(startDelay === undefined ? {} : { startDelay }),
    ...podOf(audio),
    blockedAttributes: audio.blockedAttributes.filter(Number.isSafeInteger),
    ...(audio.minBitrateKbps === undefined ? {} : { minBitrateKbps: bounded(Math.ceil(audio.minBitrateKbps)) }),
    ...(audio.maxBitrateKbps === undefined ? {} : { maxBitrateKbps: bounded(Math.floor(audio.maxBitrateKbps)) }),
    ...companionsOf(audio),
    ...(imp.expirySeconds === undefined ? {} : { expiryMs: Math.floor(msOf(imp.expirySeconds)) }),
  };
}

const STATIC_COMPANION = 1;

/** Ours are pictures. */
function companionsOf({ companions, companionTypes }: Audio): Pick<AudioSlot, "companions"> {
  if (companions.length === 0 || (companionTypes.length > 0 && !companionTypes.includes(STATIC_COMPANION))) return {};
  return {
    companions: companions.slice(0, COMPANIONS_MAX).map(({ widthPixels, heightPixels }) => ({
      widthPixels: bounded(Math.floor(widthPixels)),
      heightPixels: bounded(Math.floor(heightPixels)),
    })),
  };
}

/** A single ad that names no pod says nothing here. */
function podOf(audio: Audio): Pick<AudioSlot, "pod"> {
  const { podId, podDurationSeconds, adsMax } = audio;
  if (podId === undefined && podDurationSeconds === undefined && adsMax === undefined) return {};
  return {
    pod: {
      id: podId ?? "",
      sequence: whole(audio.podSequence) ?? 0,
      position: whole(audio.slotInPod) ?? 0,
      ...(podDurationSeconds === undefined ? {} : { durationMs: Math.floor(msOf(podDurationSeconds)) }),
      ...(adsMax === undefined ? {} : { adsMax: bounded(Math.floor(adsMax)) }),
    },
  };
}

function floorsOf(
  rules: FloorRules,
  { floorCpmMicros, floorCurrency }: Pick<Deal, "floorCpmMicros" | "floorCurrency">,
): Pick<AudioSlot, "durationFloors" | "floorCpmMicrosPerSecond" | "floorCpmMicros" | "floorCurrency"> {
  const durationFloors = rules.durationFloors.map((floor) => ({
    minDurationMs: Math.ceil(msOf(floor.minSeconds)),
    maxDurationMs: Math.floor(msOf(floor.maxSeconds)),
    floorCpmMicros: floor.floorCpmMicros,
  }));
  const perSecond = rules.minCpmMicrosPerSecond;
  return {
    floorCpmMicros,
    floorCurrency,
    ...(durationFloors.length === 0 ? {} : { durationFloors }),
    ...(perSecond === undefined ? {} : { floorCpmMicrosPerSecond: perSecond }),
  };
}

function dealOf(deal: Deal): OfferedDeal {
  const auctionType = whole(deal.auctionType);
  return {
    id: deal.id,
    ...floorsOf(deal, deal),
    ...(auctionType === undefined ? {} : { auctionType }),
    advertiserDomains: [...deal.allowedAdvertisers],
    guaranteed: deal.guaranteed,
    seats: [...deal.allowedSeats],
  };
}

function msOf(seconds: number): number {
  return Math.min(seconds, SECONDS_MAX) * 1000;
}

function bounded(value: number): number {
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** Fields that the specification types as integers; a fraction is no value of theirs. */
function whole(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}
