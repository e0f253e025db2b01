import { XMLParser } from "fast-xml-parser";

/** What a player needs of a VAST of one audio ad. */
export interface HeardAd {
  readonly campaignId: string;
  readonly creativeId: string;
  readonly durationMs: number;
  readonly impressionUrl: string;
  /** By event: `start`, `firstQuartile`, … */
  readonly trackingUrls: ReadonlyMap<string, string>;
}

interface Bid {
  readonly cid: string;
  readonly crid: string;
  readonly price: number;
  readonly adm: string;
}

/** A bid as a player takes it. `priceMicros`: micros of one impression, from the bid's CPM. */
export interface TakenBid {
  readonly ad: HeardAd;
  readonly priceMicros: number;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  isArray: (name) => name === "Tracking",
});

/** Reads the one bid of an OpenRTB answer. @throws Error for an answer that no player could play. */
export function takenBid(body: string): TakenBid {
  const answer = JSON.parse(body) as { readonly seatbid: readonly { readonly bid: readonly Bid[] }[] };
  const bid = answer.seatbid[0]?.bid[0];
  if (bid === undefined) throw new Error("an answer of 200 without a bid");
  // CPM in the currency → micros of one impression: × 1,000,000 / 1,000.
  return { ad: heardAd(bid), priceMicros: bid.price * 1_000 };
}

/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access -- parsed XML has no types */
function heardAd({ cid, crid, adm }: Bid): HeardAd {
  const inLine = parser.parse(adm)?.VAST?.Ad?.InLine;
  const linear = inLine?.Creatives?.Creative?.Linear;
  if (linear === undefined) throw new Error(`no playable ad in the VAST of ${crid}`);
  const tracking: readonly { readonly "@event": string; readonly "#text": string }[] =
    linear.TrackingEvents?.Tracking ?? [];
  return {
    campaignId: cid,
    creativeId: crid,
    durationMs: millisOf(String(linear.Duration)),
    impressionUrl: String(inLine.Impression),
    trackingUrls: new Map(tracking.map((each) => [each["@event"], each["#text"]])),
  };
}
/* eslint-enable */

/** `HH:MM:SS[.mmm]` in milliseconds. */
function millisOf(duration: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = duration.split(":").map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}
