import type { AdSetEntry, CatalogIndex, CreativeEntry, DealEntry } from "../../protocols/catalog-index.ts";
import { converted, isRated, type RateSnapshot } from "../../protocols/currency.ts";
import type { AudioSlot, DecisionRequest, Floors } from "../../protocols/messages/listener.ts";
import type { Micros, Nanos } from "../../protocols/quantities.ts";

/*
 * How a slot is sold: in the open auction, under deals, or both. Owns floors and their precedence (OpenRTB 2.6 section 7.11), seats, and
 * what an impression costs. A1: never below the floor, never above the bid.
 */

/** A guaranteed deal is served as the tier "guaranteed" is, whatever its campaign's own. */
export const GUARANTEED_TIER = 1;
const FIXED_PRICE = 3;

/** A deal that the request offers, that we know, and that one of our seats may buy. */
interface OpenDeal {
  readonly entry: DealEntry;
  /** In the decision's currency. */
  readonly floors: Floors;
  readonly advertiserDomains: ReadonlySet<string>;
  readonly guaranteed: boolean;
  readonly fixedPrice: boolean;
  readonly seat: string | null;
}

export interface Market {
  /** Whether a bid without a deal is taken. */
  readonly isOpen: boolean;
  readonly seat: string | null;
  /** Of the slot, in the decision's currency. */
  readonly floors: Floors;
  /** Guaranteed ones first, then in the order of the request. */
  readonly deals: readonly OpenDeal[];
  /** Of the decision: what is compared and answered; undefined where there is none. */
  readonly currency: string | undefined;
  readonly rates: RateSnapshot | null;
  /** Units of the decision's currency that a US dollar buys, by which prices that agents publish are read; 1 where nothing is known. */
  readonly perDollar: number;
}

/** How one creative of one ad set is sold. */
export interface Sale {
  readonly dealId: string | null;
  readonly seat: string | null;
  readonly floorCpmMicros: Micros;
  /** In the decision's currency. First price is the bid; under a deal with a fixed price it is that. */
  readonly priceCpmMicros: Micros;
  readonly currency: string;
  /** What an impression costs the campaign, in its own currency; never above its bid (A1). */
  readonly costNanos: Nanos;
  /** The tier it is served at. */
  readonly tier: number;
}

/** @param currency the decision's; floors in others are converted, and what cannot be is not sold. */
export function marketOf(
  request: DecisionRequest,
  slot: AudioSlot,
  catalog: CatalogIndex,
  currency: string | undefined,
  rates: RateSnapshot | null,
): Market {
  const own = request.seats?.own ?? null;
  const floors = floorsIn(slot, currency, rates);
  const isOpen = slot.privateAuction !== true && mayBuy(own, request.seats, []) && floors !== null;
  const deals: OpenDeal[] = [];
  for (const offer of slot.deals ?? []) {
    const entry = found(catalog.deals, (deal) => deal.id, offer.id);
    const terms = floorsIn(offer, currency, rates);
    if (entry === undefined || terms === null) continue;
    const seats = entry.seats.length > 0 ? entry.seats : [own];
    const seat = seats.find((each) => mayBuy(each, request.seats, offer.seats));
    if (seat === undefined) continue;
    deals.push({
      entry,
      floors: terms,
      advertiserDomains: new Set(offer.advertiserDomains.map((domain) => domain.toLowerCase())),
      guaranteed: offer.guaranteed || entry.guaranteed,
      fixedPrice: (offer.auctionType ?? entry.auctionType) === FIXED_PRICE,
      seat,
    });
  }
  deals.sort((one, other) => Number(other.guaranteed) - Number(one.guaranteed));
  const perDollar =
    rates === null || currency === undefined || !isRated(rates, currency)
      ? 1
      : (rates.perDollarMicros[currency] ?? 0) / 1e6;
  return { isOpen, seat: own, floors: floors ?? slot, deals, currency, rates, perDollar };
}

/** Floors in the decision's currency, rounded up; null where a rate is not known. */
function floorsIn(floors: Floors, currency: string | undefined, rates: RateSnapshot | null): Floors | null {
  if (floors.floorCurrency === currency || !hasFloor(floors)) return floors;
  const convert = (micros: Micros): Micros | null =>
    currency === undefined ? null : converted(micros, floors.floorCurrency, currency, rates, "up");
  const plain = convert(floors.floorCpmMicros);
  const perSecond = floors.floorCpmMicrosPerSecond;
  if (plain === null || currency === undefined) return null;
  return {
    floorCpmMicros: plain,
    floorCurrency: currency,
    ...(perSecond === undefined ? {} : { floorCpmMicrosPerSecond: convert(perSecond) ?? plain }),
    ...(floors.durationFloors === undefined
      ? {}
      : {
          durationFloors: floors.durationFloors.map((floor) => ({
            ...floor,
            floorCpmMicros: convert(floor.floorCpmMicros) ?? plain,
          })),
        }),
  };
}

/** What an ad set bids in the decision's currency, rounded down; null where its own cannot be converted. */
export function bidIn({ bidCpmMicros, currency }: AdSetEntry, market: Market): Micros | null {
  if (currency === market.currency) return bidCpmMicros;
  return market.currency === undefined
    ? null
    : converted(bidCpmMicros, currency, market.currency, market.rates, "down");
}

/** Whoever has no seat may buy only where none is asked for. */
function mayBuy(seat: string | null, seats: DecisionRequest["seats"], alsoAllowed: readonly string[]): boolean {
  const allowed = seats?.allowed ?? [];
  if (seat === null) return allowed.length === 0 && alsoAllowed.length === 0;
  if (seats?.blocked.includes(seat) === true) return false;
  return (allowed.length === 0 || allowed.includes(seat)) && (alsoAllowed.length === 0 || alsoAllowed.includes(seat));
}

export const hasFloor = (floors: Floors): boolean =>
  floors.floorCpmMicros > 0 || floors.floorCpmMicrosPerSecond !== undefined || (floors.durationFloors ?? []).length > 0;

/** By duration, then by second, then the plain one (OpenRTB 2.6 section 7.11). */
function floorCpmMicros(floors: Floors, durationMs: number): Micros {
  for (const floor of floors.durationFloors ?? []) {
    if (durationMs >= floor.minDurationMs && durationMs <= floor.maxDurationMs) return floor.floorCpmMicros;
  }
  if (floors.floorCpmMicrosPerSecond === undefined) return floors.floorCpmMicros;
  return Math.ceil((floors.floorCpmMicrosPerSecond * durationMs) / 1000);
}

/** @returns why a creative cannot be sold: to nobody, or not at this bid; null when it can. */
export function saleVeto(adSet: AdSetEntry, creative: CreativeEntry, market: Market): "floor" | "deal" | null {
  // The way of most requests, for each candidate: nothing is allocated.
  if (market.deals.length === 0 && market.isOpen && adSet.currency === market.currency)
    return adSet.bidCpmMicros < floorCpmMicros(market.floors, creative.durationMs) ? "floor" : null;
  const sale = saleOf(adSet, creative, market);
  return typeof sale === "string" ? sale : null;
}

/**
 * The first deal whose terms the bid meets, else the open auction.
 * @returns why it cannot be sold: to nobody, or not at this bid.
 */
export function saleOf(adSet: AdSetEntry, creative: CreativeEntry, market: Market): Sale | "floor" | "deal" {
  const bid = bidIn(adSet, market) ?? 0;
  let isBelowFloor = false;
  for (const deal of market.deals) {
    if (!isSoldUnder(deal, adSet, creative)) continue;
    const floor = Math.max(floorCpmMicros(deal.floors, creative.durationMs), ownFloor(deal.entry, adSet, market));
    if (bid < floor) {
      isBelowFloor = true;
      continue;
    }
    const price = deal.fixedPrice && floor > 0 ? floor : bid;
    const tier = deal.guaranteed ? Math.min(adSet.tier, GUARANTEED_TIER) : adSet.tier;
    return soldFor(price, { dealId: deal.entry.id, seat: deal.seat, floorCpmMicros: floor, tier }, bid, adSet, market);
  }
  if (!market.isOpen) return isBelowFloor ? "floor" : "deal";
  const floor = floorCpmMicros(market.floors, creative.durationMs);
  if (bid < floor) return "floor";
  return {
    dealId: null,
    seat: market.seat,
    floorCpmMicros: floor,
    tier: adSet.tier,
    priceCpmMicros: bid,
    currency: market.currency ?? adSet.currency,
    costNanos: adSet.bidCpmMicros,
  };
}

/** The document's floor is in the currency of the campaign. */
function ownFloor({ floorCpmMicros: floor }: DealEntry, adSet: AdSetEntry, market: Market): Micros {
  if (floor === 0 || market.currency === undefined) return floor;
  return converted(floor, adSet.currency, market.currency, market.rates, "up") ?? floor;
}

/** Under a deal: who pays what it bid pays exactly that, whatever the conversion rounded; else the price comes back rounded up. */
function soldFor(
  price: Micros,
  terms: Pick<Sale, "dealId" | "seat" | "floorCpmMicros" | "tier">,
  bid: Micros,
  { bidCpmMicros, currency }: AdSetEntry,
  market: Market,
): Sale {
  const answered = market.currency ?? currency;
  const back = price === bid ? bidCpmMicros : converted(price, answered, currency, market.rates, "up");
  const costNanos = Math.min(bidCpmMicros, back ?? bidCpmMicros);
  return { ...terms, priceCpmMicros: price, currency: answered, costNanos };
}

function isSoldUnder(deal: OpenDeal, { ordinal }: AdSetEntry, { advertiserDomain }: CreativeEntry): boolean {
  if (deal.advertiserDomains.size > 0 && !isDomainIn(advertiserDomain, deal.advertiserDomains)) return false;
  return found(deal.entry.adSets, (each) => each, ordinal) !== undefined;
}

/** Of a list in the order of a key, the one that has it. */
function found<Item, Key extends string | number>(
  sorted: readonly Item[],
  keyOf: (item: Item) => Key,
  key: Key,
): Item | undefined {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const at = (from + to) >>> 1;
    const item = sorted[at];
    if (item !== undefined && keyOf(item) < key) from = at + 1;
    else to = at;
  }
  const item = sorted[from];
  return item !== undefined && keyOf(item) === key ? item : undefined;
}

/** A domain stands for those below it. */
export function isDomainIn(domain: string, domains: ReadonlySet<string>): boolean {
  for (let at = 0; at !== -1;) {
    if (domains.has(domain.slice(at))) return true;
    const dot = domain.indexOf(".", at);
    at = dot === -1 ? -1 : dot + 1;
  }
  return false;
}
