import type { DurationMs } from "../../protocols/quantities.ts";
import { CLICK_MS, reservationMs } from "../../protocols/messages/delivery.ts";
import type { DecidedBid } from "../../protocols/messages/listener.ts";
import { type BidOffer, type BidResponse, bidResponse } from "../../protocols/openrtb/response.ts";
import { macro } from "../../protocols/openrtb/notice-macros.ts";
import { answerProtocol } from "../../protocols/openrtb/servable.ts";
import { readDecisionId, servingIdOf } from "../../protocols/decision-id.ts";
import { LINEAR_EVENTS } from "../../protocols/tracked-event.ts";
import { signEventTokens, type TokenFields, type TokenKey } from "../../protocols/tracking-token.ts";
import { asPartition } from "../../protocols/ids.ts";
import { mediaType } from "../../protocols/media-type.ts";
import { emptyVast, ERROR_CODE_MACRO, type VastAd, vastDocument } from "../../protocols/vast/document.ts";
import { signTarget } from "./click-target.ts";
import type { Decided, DecidedAd } from "./decider.ts";

export type DecidedAds = Extract<Decided, { readonly outcome: "bid" }>;

/** What tracking URLs are made of. */
export interface TrackingUrls {
  /** Where players and exchanges reach us, without a slash at the end. */
  readonly publicUrl: string;
  readonly key: TokenKey;
}

const CATEGORY_TAXONOMY = 1;
const CATEGORY_AUTHORITY = "https://www.iabtechlab.com/categoryauthority";
const PLAYER_EVENTS = ["impression", "click", "error", "creativeView", ...LINEAR_EVENTS] as const;
/** An ad that was heard for so long was heard at all. */
const PROGRESS_MS: DurationMs = 5_000;
const BID_EVENTS = [...PLAYER_EVENTS, "win", "bill", "loss"] as const;

type PlayerTokens = Readonly<Record<(typeof PLAYER_EVENTS)[number], string>>;

/** The VAST document of a decision, its URLs signed; several ads are a pod, in sequence. */
export function adMarkup(urls: TrackingUrls, decided: DecidedAds): string {
  const { ads } = decided;
  return vastDocument(
    ads.map((ad, at) => {
      const tokens = signEventTokens(urls.key, fieldsOf(decided, ad), PLAYER_EVENTS);
      return { ...vastAdOf(urls, decided, ad, tokens), sequence: ads.length > 1 ? at + 1 : undefined };
    }),
  );
}

function vastAdOf(urls: TrackingUrls, decided: DecidedAds, { bid, imp }: DecidedAd, tokens: PlayerTokens): VastAd {
  const { creative, campaignId } = bid;
  const link = (token: string): string => `${urls.publicUrl}/e?t=${token}`;
  return {
    id: creative.adId ?? creative.creativeId,
    adServingId: servingIdOf(decided.decisionId, bid.slot),
    title: `${campaignId}/${creative.creativeId}`,
    advertiser: creative.advertiserName,
    categories: creative.categories,
    categoryAuthority: CATEGORY_AUTHORITY,
    creativeId: creative.creativeId,
    universalAdId:
      creative.adId === undefined
        ? { registry: "unknown", value: "unknown" }
        : { registry: "ad-id.org", value: creative.adId },
    durationMs: creative.durationMs,
    expirySeconds: expirySecondsOf(decided, bid),
    mediaFiles: creative.mediaFiles.map((file) => ({ ...file, mimeType: asAsked(file.mimeType, imp.audio.mimes) })),
    skipAfterMs: creative.skipAfterMs,
    progressMs: creative.durationMs > PROGRESS_MS ? PROGRESS_MS : undefined,
    companions: (creative.companions ?? []).map(({ clickUrl, ...companion }) => ({
      ...companion,
      clickThroughUrl: clickUrl === undefined ? undefined : clickLink(urls, link(tokens.click), tokens.click, clickUrl),
      viewUrl: link(tokens.creativeView),
    })),
    impressionUrls: [link(tokens.impression)],
    errorUrl: `${link(tokens.error)}&code=${ERROR_CODE_MACRO}`,
    trackingUrls: Object.fromEntries(LINEAR_EVENTS.map((event) => [event, link(tokens[event])])),
    clickThroughUrl:
      creative.clickUrl === undefined
        ? undefined
        : clickLink(urls, link(tokens.click), tokens.click, creative.clickUrl),
    clickTrackingUrls: [],
  };
}

/** A player may know a type only as it spells it itself. */
function asAsked(mimeType: string, asked: readonly string[]): string {
  return asked.includes(mimeType) ? mimeType : (asked.find((each) => mediaType(each) === mimeType) ?? mimeType);
}

/** The OpenRTB answer of a decision: a bid for each ad, with a VAST document of its own. */
export function bidAnswer(urls: TrackingUrls, requestId: string, decided: DecidedAds): BidResponse {
  const { ads, decisionId } = decided;
  return bidResponse({
    requestId,
    decisionId,
    currency: ads[0].bid.currency,
    offers: ads.map((ad) => offerOf(urls, decided, ad)),
  });
}

function offerOf(urls: TrackingUrls, decided: DecidedAds, ad: DecidedAd): BidOffer {
  const { bid, imp } = ad;
  const { creative } = bid;
  // All at once: the tokens of one ad share the dearer half of their signatures.
  const tokens = signEventTokens(urls.key, fieldsOf(decided, ad), BID_EVENTS);
  const price = macro("AUCTION_PRICE");
  return {
    id: `${decided.decisionId}-${bid.slot}`,
    impId: imp.id,
    seat: bid.seat,
    priceCpmMicros: bid.cpmMicros,
    campaignId: bid.campaignId,
    creativeId: creative.creativeId,
    adId: creative.adId ?? creative.creativeId,
    advertiserDomains: [creative.advertiserDomain],
    categories: creative.categories,
    categoryTaxonomy: CATEGORY_TAXONOMY,
    attributes: creative.attributes,
    languages: creative.languages,
    durationMs: creative.durationMs,
    expirySeconds: expirySecondsOf(decided, bid),
    dealId: bid.dealId,
    slotInPod: slotInPodOf(decided, ad),
    protocol: answerProtocol(imp.audio),
    markup: vastDocument([vastAdOf(urls, decided, ad, tokens)]),
    winUrl: `${urls.publicUrl}/n/win?t=${tokens.win}&price=${price}`,
    billingUrl: `${urls.publicUrl}/n/bill?t=${tokens.bill}&price=${price}`,
    lossUrl: `${urls.publicUrl}/n/loss?t=${tokens.loss}&reason=${macro("AUCTION_LOSS")}`,
  };
}

/** Of a dynamic pod, which place the ad must have: the first or last of ours, where the seller guarantees that place to the imp. */
function slotInPodOf({ ads }: DecidedAds, ad: DecidedAd): number | undefined {
  const { audio, id } = ad.imp;
  if (audio.podDurationSeconds === undefined && audio.adsMax === undefined) return undefined;
  const own = ads.filter(({ imp }) => imp.id === id);
  if (ad === own[0] && (audio.slotInPod === 1 || audio.slotInPod === 2)) return 1;
  return ad === own.at(-1) && (audio.slotInPod === -1 || audio.slotInPod === 2) ? -1 : 0;
}

/** Names the decision where none was made, so that the error URL of an empty answer can be signed as any other. */
export const NO_DECISION = "00000000-0000-7000-8000-000000000000";

/** The document for "no ad", with the URL at which the player says so. */
export function noAdMarkup(urls: TrackingUrls, decisionId: string | null, test: boolean, nowMs: number): string {
  const named = decisionId ?? NO_DECISION;
  const fields = {
    decisionId: named,
    partition: readDecisionId(named)?.partition ?? asPartition(0),
    slot: 0,
    priceNanos: 0,
    impressionExpiryMs: nowMs,
    clickExpiryMs: nowMs + CLICK_MS,
    test,
  };
  return emptyVast(`${urls.publicUrl}/e?t=${signEventTokens(urls.key, fields, ["error"]).error}`);
}

function fieldsOf({ decisionId, partition, test }: DecidedAds, { bid }: DecidedAd): Omit<TokenFields, "event"> {
  return {
    decisionId,
    partition,
    slot: bid.slot,
    priceNanos: bid.priceNanos,
    impressionExpiryMs: bid.expiresAtMs,
    clickExpiryMs: bid.expiresAtMs + CLICK_MS,
    test,
  };
}

/** How long the ad may wait to be played: the reservation without what is kept back for the beacon (decisioning.md 7.2). */
function expirySecondsOf({ atMs }: DecidedAds, { expiresAtMs }: DecidedBid): number {
  const beaconMs = reservationMs(undefined, 0);
  return Math.max(Math.floor((expiresAtMs - atMs - beaconMs) / 1000), 0);
}

function clickLink(urls: TrackingUrls, link: string, token: string, target: string): string {
  return `${link}&u=${encodeURIComponent(target)}&s=${signTarget(urls.key, token, target)}`;
}
