import type { Micros } from "../quantities.ts";
import { cpmOf } from "./cpm.ts";

/** What is answered for one impression. Money is in micros of the response's currency, times as named. */
export interface BidOffer {
  /** Unique among all bids ever. */
  readonly id: string;
  readonly impId: string;
  readonly priceCpmMicros: Micros;
  readonly campaignId: string;
  readonly creativeId: string;
  readonly adId: string;
  readonly advertiserDomains: readonly string[];
  readonly categories: readonly string[];
  readonly categoryTaxonomy: number;
  readonly attributes: readonly number[];
  readonly languages: readonly string[];
  readonly durationMs: number;
  /** How long the reservation holds, in seconds. */
  readonly expirySeconds: number;
  /** AdCOM protocol of the markup, `answerProtocol` of the imp. */
  readonly protocol: number;
  /** The VAST document. */
  readonly markup: string;
  readonly winUrl: string;
  readonly billingUrl: string;
  readonly lossUrl: string;
  readonly dealId?: string | undefined;
  /** Who buys. */
  readonly seat?: string | undefined;
  /** Of a dynamic pod only: 1 the first place, -1 the last, 0 any. */
  readonly slotInPod?: number | undefined;
}

export interface BidResponseFacts {
  readonly requestId: string;
  readonly decisionId: string;
  readonly currency: string;
  readonly offers: readonly BidOffer[];
}

export interface Bid {
  readonly id: string;
  readonly impid: string;
  readonly price: number;
  readonly adid: string;
  readonly cid: string;
  readonly crid: string;
  readonly adomain: readonly string[];
  readonly cat?: readonly string[];
  readonly cattax?: number;
  readonly attr?: readonly number[];
  readonly protocol: number;
  /** 3: audio. */
  readonly mtype: 3;
  /** Whole seconds. */
  readonly dur: number;
  readonly exp: number;
  readonly language?: string;
  readonly dealid?: string;
  readonly slotinpod?: number;
  readonly nurl: string;
  readonly burl: string;
  readonly lurl: string;
  readonly adm: string;
}

export interface BidResponse {
  readonly id: string;
  readonly bidid: string;
  readonly cur: string;
  readonly seatbid: readonly { readonly seat?: string; readonly group: 0; readonly bid: readonly Bid[] }[];
}

/** The OpenRTB answer to a request that got at least one bid; no bid is a 204 without body. */
export function bidResponse(facts: BidResponseFacts): BidResponse {
  const bySeat = new Map<string | undefined, BidOffer[]>();
  for (const offer of facts.offers) bySeat.set(offer.seat, [...(bySeat.get(offer.seat) ?? []), offer]);
  return {
    id: facts.requestId,
    bidid: facts.decisionId,
    cur: facts.currency,
    seatbid: [...bySeat].map(([seat, offers]) => ({
      ...(seat === undefined ? {} : { seat }),
      group: 0,
      bid: offers.map(bidOf),
    })),
  };
}

function bidOf(offer: BidOffer): Bid {
  const [language] = offer.languages;
  return {
    id: offer.id,
    impid: offer.impId,
    price: cpmOf(offer.priceCpmMicros),
    adid: offer.adId,
    cid: offer.campaignId,
    crid: offer.creativeId,
    adomain: offer.advertiserDomains,
    ...(offer.categories.length === 0 ? {} : { cat: offer.categories, cattax: offer.categoryTaxonomy }),
    ...(offer.attributes.length === 0 ? {} : { attr: offer.attributes }),
    protocol: offer.protocol,
    mtype: 3,
    dur: Math.round(offer.durationMs / 1000),
    exp: offer.expirySeconds,
    ...(language === undefined ? {} : { language }),
    ...(offer.dealId === undefined ? {} : { dealid: offer.dealId }),
    ...(offer.slotInPod === undefined ? {} : { slotinpod: offer.slotInPod }),
    nurl: offer.winUrl,
    burl: offer.billingUrl,
    lurl: offer.lossUrl,
    adm: offer.markup,
  };
}
