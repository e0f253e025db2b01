import type { AdSetEntry, CatalogIndex, CreativeEntry, DealEntry } from "../../protocols/catalog-index.ts";
import type { AudioSlot, DecisionRequest, Floors, OfferedDeal } from "../../protocols/messages/listener.ts";
import type { Micros } from "../../protocols/quantities.ts";

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
  readonly offer: OfferedDeal;
  readonly advertiserDomains: ReadonlySet<string>;
  readonly guaranteed: boolean;
  readonly fixedPrice: boolean;
  readonly seat: string | null;
}

export interface Market {
  /** Whether a bid without a deal is taken. */
  readonly isOpen: boolean;
  readonly seat: string | null;
  /** Guaranteed ones first, then in the order of the request. */
  readonly deals: readonly OpenDeal[];
}

/** How one creative of one ad set is sold. */
export interface Sale {
  readonly dealId: string | null;
  readonly seat: string | null;
  readonly floorCpmMicros: Micros;
  /** First price is the bid; under a deal with a fixed price it is that. */
  readonly priceCpmMicros: Micros;
  /** The tier it is served at. */
  readonly tier: number;
}

/** @param currency the decision's; a deal with a floor in another is not looked at. */
export function marketOf(
  request: DecisionRequest,
  slot: AudioSlot,
  catalog: CatalogIndex,
  currency: string | undefined,
): Market {
  const own = request.seats?.own ?? null;
  const isOpen =
    slot.privateAuction !== true &&
    mayBuy(own, request.seats, []) &&
    (slot.floorCurrency === currency || !hasFloor(slot));
  const deals: OpenDeal[] = [];
  for (const offer of slot.deals ?? []) {
    const entry = found(catalog.deals, (deal) => deal.id, offer.id);
    if (entry === undefined || (hasFloor(offer) && offer.floorCurrency !== currency)) continue;
    const seats = entry.seats.length > 0 ? entry.seats : [own];
    const seat = seats.find((each) => mayBuy(each, request.seats, offer.seats));
    if (seat === undefined) continue;
    deals.push({
      entry,
      offer,
      advertiserDomains: new Set(offer.advertiserDomains.map((domain) => domain.toLowerCase())),
      guaranteed: offer.guaranteed || entry.guaranteed,
      fixedPrice: (offer.auctionType ?? entry.auctionType) === FIXED_PRICE,
      seat,
    });
  }
  deals.sort((one, other) => Number(other.guaranteed) - Number(one.guaranteed));
  return { isOpen, seat: own, deals };
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
export function saleVeto(
  adSet: AdSetEntry,
  creative: CreativeEntry,
  slot: AudioSlot,
  market: Market,
): "floor" | "deal" | null {
  // The way of most requests, for each candidate: nothing is allocated.
  if (market.deals.length === 0 && market.isOpen)
    return adSet.bidCpmMicros < floorCpmMicros(slot, creative.durationMs) ? "floor" : null;
  const sale = saleOf(adSet, creative, slot, market);
  return typeof sale === "string" ? sale : null;
}

/**
 * The first deal whose terms the bid meets, else the open auction.
 * @returns why it cannot be sold: to nobody, or not at this bid.
 */
export function saleOf(
  adSet: AdSetEntry,
  creative: CreativeEntry,
  slot: AudioSlot,
  market: Market,
): Sale | "floor" | "deal" {
  const { bidCpmMicros, tier } = adSet;
  let isBelowFloor = false;
  for (const deal of market.deals) {
    if (!isSoldUnder(deal, adSet, creative)) continue;
    const floor = Math.max(floorCpmMicros(deal.offer, creative.durationMs), deal.entry.floorCpmMicros);
    if (bidCpmMicros < floor) {
      isBelowFloor = true;
      continue;
    }
    return {
      dealId: deal.entry.id,
      seat: deal.seat,
      floorCpmMicros: floor,
      priceCpmMicros: deal.fixedPrice && floor > 0 ? floor : bidCpmMicros,
      tier: deal.guaranteed ? Math.min(tier, GUARANTEED_TIER) : tier,
    };
  }
  if (!market.isOpen) return isBelowFloor ? "floor" : "deal";
  const floor = floorCpmMicros(slot, creative.durationMs);
  if (bidCpmMicros < floor) return "floor";
  return { dealId: null, seat: market.seat, floorCpmMicros: floor, priceCpmMicros: bidCpmMicros, tier };
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
