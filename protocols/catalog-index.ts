import type { FrequencyCap } from "./campaign/campaign.ts";
import type { EpochMs, Micros } from "./quantities.ts";

/**
 * The compiled catalog as every shard holds it (D17): it crosses to them in shared memory. Numbers in `words` are
 * signed 32-bit words of a bitmap over the ordinals of `adSets`.
 */
export interface CatalogIndex {
  readonly version: number;
  /** Only what may be served, by tier, then by bid from high to low, then by id; the position is the ordinal. */
  readonly adSets: Entries<AdSetEntry>;
  readonly creatives: Entries<CreativeEntry>;
  readonly targeting: Readonly<Record<TargetingDimension, PostingLists>>;
  /** In the order of their ids, by which requests name them (`imp.pmp.deals[].id`). */
  readonly deals: readonly DealEntry[];
  /** Those of the ad sets. */
  readonly currencies: readonly string[];
}

/** Entries by ordinal, from 0; shards decode them when they are first looked at (packed-index.ts). */
export interface Entries<T> {
  readonly length: number;
  at(ordinal: number): T | undefined;
}

/** The index as it was compiled, before it is packed for the shards. */
export interface CompiledIndex extends CatalogIndex {
  readonly adSets: readonly AdSetEntry[];
  readonly creatives: readonly CreativeEntry[];
}

export const TARGETING_DIMENSIONS = [
  "countries",
  "regions",
  "genres",
  "deviceTypes",
  "platforms",
  "feeds",
  "languages",
] as const;
export type TargetingDimension = (typeof TARGETING_DIMENSIONS)[number];

export type BitmapWords = readonly number[];

/** Who is reached along one dimension: those that do not target it, and by value those that do, with everyone included. */
export interface PostingLists {
  readonly everyone: BitmapWords;
  readonly byValue: Readonly<Record<string, BitmapWords>>;
}

export interface CapEntry {
  readonly kind: FrequencyCap["kind"];
  readonly limit: number;
  /** Milliseconds of a rolling window, days of a calendar window × 86,400,000; 0 for sessions and pods. */
  readonly windowMs: number;
  /** As explanations show it, `3 per 1d`. */
  readonly rule: string;
}

export interface AdSetEntry {
  readonly ordinal: number;
  readonly id: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  /** 0 = sponsorship to 4 = house. */
  readonly tier: number;
  readonly currency: string;
  readonly timezone: string;
  readonly startsAtMs: EpochMs | null;
  readonly endsAtMs: EpochMs | null;
  /** CPM; the same number is the price of one impression in nanos. */
  readonly bidCpmMicros: Micros;
  readonly pacing: "even" | "front-loaded" | "asap" | "traffic";
  readonly rotation: "even" | "weighted" | "sequential" | "optimised";
  readonly caps: readonly CapEntry[];
  /** Six words over the hours of the week, or null for all hours. */
  readonly hours: BitmapWords | null;
  /** Ordinals of creatives, in the order of the document, and their weights. */
  readonly creatives: readonly number[];
  readonly weights: readonly number[];
}

/** A deal with those of its ad sets that may be served. */
export interface DealEntry {
  readonly id: string;
  /** Ordinals, the best rank first. */
  readonly adSets: readonly number[];
  /** CPM in the currency of the bid; 0 = none. */
  readonly floorCpmMicros: Micros;
  /** 1 first price, 2 second price, 3 fixed price; null where the document does not say. */
  readonly auctionType: 1 | 2 | 3 | null;
  readonly guaranteed: boolean;
  /** Seats that may buy under it; empty: our own. */
  readonly seats: readonly string[];
}

export interface MediaFileEntry {
  readonly url: string;
  readonly mimeType: string;
  /** null where the document does not say. */
  readonly bitrateKbps: number | null;
  readonly secure: boolean;
}

export interface CompanionEntry {
  readonly url: string;
  readonly mimeType: string;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly clickUrl: string | null;
  readonly altText: string | null;
}

export interface CreativeEntry {
  readonly ordinal: number;
  readonly id: string;
  readonly advertiserId: string;
  readonly advertiserName: string;
  /** Lower case. */
  readonly advertiserDomain: string;
  readonly durationMs: number;
  readonly adId: string | null;
  readonly clickUrl: string | null;
  /** When players may offer to skip it, or null. */
  readonly skipAfterMs: number | null;
  readonly mediaFiles: readonly MediaFileEntry[];
  readonly companions: readonly CompanionEntry[];
  /** Of the creative and its advertiser together. */
  readonly categories: readonly string[];
  readonly attributes: readonly number[];
  readonly languages: readonly string[];
}
