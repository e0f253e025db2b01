import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./daemon.ts";
import { parseVast, type PlayableAd } from "./client-vast.ts";

const TIMEOUT_MS = 5_000;
const EXAMPLE = JSON.parse(readFileSync(join(REPOSITORY, "config/examples/bid-request.json"), "utf8")) as Record<
  string,
  unknown
>;
let requests = 0;

/** config/examples/bid-request.json as another listener sends it. */
export function bidRequestOf(
  listener: string,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  requests += 1;
  return {
    ...EXAMPLE,
    id: `e2e-${process.pid}-${requests}`,
    tmax: 1_000,
    user: { id: listener },
    ext: { sid: `session-${listener}` },
    ...changes,
  };
}

export interface OpenRtbBid {
  readonly id: string;
  readonly impid: string;
  readonly price: number;
  readonly cid: string;
  readonly crid: string;
  readonly adm: string;
  readonly adomain: readonly string[];
  readonly cat: readonly string[];
  readonly attr: readonly number[];
  readonly mtype: number;
  readonly dur: number;
  readonly exp: number;
  readonly nurl: string;
  readonly burl: string;
  readonly lurl: string;
}

export interface OpenRtbResponse {
  readonly id: string;
  readonly cur: string;
  readonly bidid: string;
  readonly seatbid: readonly { readonly bid: readonly OpenRtbBid[] }[];
}

/** What became of a beacon, as its sender knows it. */
export type Acknowledgement = "acknowledged" | "refused" | "unknown";

/** A bid that reached the client, with what it did about it since. */
export interface ReceivedBid {
  readonly decisionId: string;
  readonly listener: string;
  readonly campaignId: string;
  readonly creativeId: string;
  /** Exact price of one impression: the CPM in micros. */
  readonly priceNanos: number;
  readonly bid: OpenRtbBid;
  readonly ad: PlayableAd;
  /** URL of each event that was sent, with the best that is known of it. */
  readonly sent: Map<string, Acknowledgement>;
}

export interface BidAnswer {
  readonly status: number;
  readonly decisionId: string | undefined;
  readonly nbr: number | undefined;
  readonly received: ReceivedBid | undefined;
}

/**
 * A player and exchange in one: asks for ads, reads them as others' software would, fires beacons, and keeps its own history, against
 * which the daemon's figures are checked.
 */
export class Client {
  readonly received: ReceivedBid[] = [];
  /** Every decision id that an answer named, of no-bids too. */
  readonly decisionIds = new Set<string>();
  /** Answers by status, and by `nbr` for no-bids: for messages of failing tests. */
  readonly answers = new Map<string, number>();
  private readonly baseUrl: string;

  /** @param baseUrl where the daemon serves players. */
  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${this.baseUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }

  get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const absolute = url.startsWith("/") ? `${this.baseUrl}${url}` : url;
    return fetch(absolute, { headers, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
  }

  /** Asks for an ad and reads the answer to its end. @throws the connection's error: then it is not known what was decided. */
  async ask(listener: string, changes: Readonly<Record<string, unknown>> = {}): Promise<BidAnswer> {
    const response = await this.post("/openrtb2/2.6/bid", bidRequestOf(listener, changes));
    const text = await response.text();
    const nbr = response.headers.get("x-chorus-nbr");
    this.tally(nbr === null ? String(response.status) : `${response.status} nbr ${nbr}`);
    const decisionId = response.headers.get("x-chorus-decision") ?? undefined;
    if (decisionId !== undefined) this.decisionIds.add(decisionId);
    const received = response.status === 200 ? await readBid(text, listener, decisionId) : undefined;
    if (received !== undefined) this.received.push(received);
    return { status: response.status, decisionId, nbr: nbr === null ? undefined : Number(nbr), received };
  }

  /** Sends an event of a bid: a VAST event, or a notice of the exchange with its macros expanded. Never rejects. */
  async fire(received: ReceivedBid, event: string): Promise<Acknowledgement> {
    const url = eventUrl(received, event);
    let known: Acknowledgement = "unknown";
    try {
      const response = await this.get(url);
      await response.arrayBuffer();
      this.tally(`${event} ${response.status}`);
      if (response.status === 204 || response.status === 200 || response.status === 302) known = "acknowledged";
      else if (response.status < 500 && response.status !== 429) known = "refused";
    } catch {
      this.tally(`${event} no answer`);
    }
    // What was acknowledged once stays so, whatever becomes of a repetition.
    if (received.sent.get(event) !== "acknowledged") received.sent.set(event, known);
    return known;
  }

  /** Bids of a campaign that were received, and fulfil a condition. */
  bidsOf(campaignId: string, where: (bid: ReceivedBid) => boolean = () => true): ReceivedBid[] {
    return this.received.filter((bid) => bid.campaignId === campaignId && where(bid));
  }

  private tally(what: string): void {
    this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
  }
}

const VAST_EVENTS = new Set(["impression", "click", "error"]);

/** @throws Error when the ad names no URL for the event. */
export function eventUrl({ bid, ad }: ReceivedBid, event: string): string {
  const found = VAST_EVENTS.has(event)
    ? { impression: ad.impressionUrls[0], click: ad.clickThroughUrl, error: ad.errorUrls[0] }[event]
    : { win: bid.nurl, bill: bid.burl, loss: bid.lurl }[event];
  const url = found ?? ad.trackingUrls[event]?.[0];
  if (url === undefined) throw new Error(`the ad has no URL for ${event}`);
  return url.replace("${AUCTION_PRICE}", String(bid.price)).replace("${AUCTION_LOSS}", "102");
}

/** @throws Error when an answer of 200 is not what OpenRTB and VAST say. */
export async function readBid(text: string, listener: string, decisionId: string | undefined): Promise<ReceivedBid> {
  const response = JSON.parse(text) as OpenRtbResponse;
  const bid = response.seatbid[0]?.bid[0];
  if (bid === undefined || response.seatbid.length !== 1 || response.seatbid[0]?.bid.length !== 1) {
    throw new Error(`not one bid in ${text}`);
  }
  if (response.bidid !== decisionId) throw new Error(`bidid ${response.bidid}, x-chorus-decision ${decisionId}`);
  const ad = await parseVast(bid.adm);
  if (ad === undefined) throw new Error(`no ad in ${bid.adm}`);
  return {
    decisionId: response.bidid,
    listener,
    campaignId: bid.cid,
    creativeId: bid.crid,
    priceNanos: Math.round(bid.price * 1_000_000),
    bid,
    ad,
    sent: new Map(),
  };
}
