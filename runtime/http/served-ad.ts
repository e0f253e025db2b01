import { reservationMs } from "../../protocols/messages/delivery.ts";
import { type BidResponse, bidResponse } from "../../protocols/openrtb/response.ts";
import { macro } from "../../protocols/openrtb/notice-macros.ts";
import { answerProtocol } from "../../protocols/openrtb/servable.ts";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { LINEAR_EVENTS } from "../../protocols/tracked-event.ts";
import { signEventTokens, type TokenFields, type TokenKey } from "../../protocols/tracking-token.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { DurationMs } from "../../protocols/quantities.ts";
import { emptyVast, vastDocument } from "../../protocols/vast/document.ts";
import { signTarget } from "./click-target.ts";
import type { Decided } from "./decider.ts";

export type DecidedAd = Extract<Decided, { readonly outcome: "bid" }>;

/** What tracking URLs are made of. */
export interface TrackingUrls {
  /** Where players and exchanges reach us, without a slash at the end. */
  readonly publicUrl: string;
  readonly key: TokenKey;
}

const DAY_MS = 86_400_000;
/** Clicks count this long after the last moment the ad may have played (decisioning.md 7.3). */
const CLICK_MS: DurationMs = DAY_MS;
const CATEGORY_TAXONOMY = 1;
const CATEGORY_AUTHORITY = "https://www.iabtechlab.com/categoryauthority";
const PLAYER_EVENTS = ["impression", "click", "error", ...LINEAR_EVENTS] as const;
const BID_EVENTS = [...PLAYER_EVENTS, "win", "bill", "loss"] as const;

type PlayerTokens = Readonly<Record<(typeof PLAYER_EVENTS)[number], string>>;

/** The VAST document of a decision, its URLs signed. */
export function adMarkup(urls: TrackingUrls, ad: DecidedAd): string {
  return markupOf(urls, ad, signEventTokens(urls.key, fieldsOf(ad), PLAYER_EVENTS));
}

function markupOf(urls: TrackingUrls, ad: DecidedAd, tokens: PlayerTokens): string {
  const { creative, campaignId } = ad.bid;
  const link = (token: string): string => `${urls.publicUrl}/e?t=${token}`;
  return vastDocument({
    id: creative.adId ?? creative.creativeId,
    adServingId: ad.decisionId,
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
    expirySeconds: expirySecondsOf(ad),
    mediaFiles: creative.mediaFiles,
    companions: [],
    impressionUrls: [link(tokens.impression)],
    errorUrl: link(tokens.error),
    trackingUrls: Object.fromEntries(LINEAR_EVENTS.map((event) => [event, link(tokens[event])])),
    clickThroughUrl:
      creative.clickUrl === undefined
        ? undefined
        : clickLink(urls, link(tokens.click), tokens.click, creative.clickUrl),
    clickTrackingUrls: [],
  });
}

/** The OpenRTB answer of a decision, the VAST document in it. */
export function bidAnswer(urls: TrackingUrls, requestId: string, ad: DecidedAd): BidResponse {
  const { bid, decisionId, imp } = ad;
  const { creative } = bid;
  // All at once: the tokens of one decision share the dearer half of their signatures.
  const tokens = signEventTokens(urls.key, fieldsOf(ad), BID_EVENTS);
  const price = macro("AUCTION_PRICE");
  return bidResponse({
    requestId,
    decisionId,
    currency: bid.currency,
    seat: bid.seat,
    offers: [
      {
        id: `${decisionId}-0`,
        impId: imp.id,
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
        expirySeconds: expirySecondsOf(ad),
        dealId: bid.dealId,
        protocol: answerProtocol(imp.audio),
        markup: markupOf(urls, ad, tokens),
        winUrl: `${urls.publicUrl}/n/win?t=${tokens.win}&price=${price}`,
        billingUrl: `${urls.publicUrl}/n/bill?t=${tokens.bill}&price=${price}`,
        lossUrl: `${urls.publicUrl}/n/loss?t=${tokens.loss}&reason=${macro("AUCTION_LOSS")}`,
      },
    ],
  });
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

function fieldsOf(ad: DecidedAd): Omit<TokenFields, "event"> {
  const { bid, decisionId, partition, test } = ad;
  return {
    decisionId,
    partition,
    slot: 0,
    priceNanos: bid.priceNanos,
    impressionExpiryMs: bid.expiresAtMs,
    clickExpiryMs: bid.expiresAtMs + CLICK_MS,
    test,
  };
}

/** How long the ad may wait to be played: the reservation without what is kept back for the beacon (decisioning.md 7.2). */
function expirySecondsOf(ad: DecidedAd): number {
  const beaconMs = reservationMs(undefined, 0);
  return Math.max(Math.floor((ad.bid.expiresAtMs - ad.atMs - beaconMs) / 1000), 0);
}

function clickLink(urls: TrackingUrls, link: string, token: string, target: string): string {
  return `${link}&u=${encodeURIComponent(target)}&s=${signTarget(urls.key, token, target)}`;
}
