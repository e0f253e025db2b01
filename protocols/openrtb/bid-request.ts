import type { Micros } from "../quantities.ts";

/**
 * Our own view of an OpenRTB 2.6 bid request: only what is read (decisioning.md 2), with units in the names. Absent fields are
 * undefined, absent lists are empty. It holds raw identifiers and consent strings, so it lives in the gateway only (D18):
 * shards get what the privacy gate makes of it.
 */
export interface BidRequest {
  readonly id: string;
  readonly test: boolean;
  /** Auction type: 1 first price, 2 second price; exchange-specific above. */
  readonly auctionType: number;
  readonly tmaxMs: number | undefined;
  readonly currencies: readonly string[];
  readonly allowedSeats: readonly string[];
  readonly blockedSeats: readonly string[];
  readonly allowedCategories: readonly string[];
  readonly blockedCategories: readonly string[];
  /** Taxonomy of the category lists; 1 is Content Category 1.0. */
  readonly categoryTaxonomy: number;
  readonly blockedAdvertisers: readonly string[];
  readonly blockedApps: readonly string[];
  readonly allowedLanguages: readonly string[];
  /** Digital out of home: no bid. */
  readonly dooh: boolean;
  readonly imps: readonly Imp[];
  readonly inventory: Inventory | undefined;
  readonly device: Device;
  readonly user: User;
  readonly regs: Regs;
  /** `ext.sid`, else `user.ext.sessionid`. */
  readonly sessionId: string | undefined;
}

export interface Imp {
  readonly id: string;
  /** Undefined for impressions without audio; all other fields of those are left unread. */
  readonly audio: Audio | undefined;
  readonly floorCpmMicros: Micros;
  readonly floorCurrency: string;
  readonly secure: boolean;
  /** The exchange's longest wait between auction and play. */
  readonly expirySeconds: number | undefined;
  readonly serverSideInsertion: number;
  readonly rewarded: boolean;
  readonly tagId: string | undefined;
  /** Only deals may answer this imp. */
  readonly privateAuction: boolean;
  readonly deals: readonly Deal[];
}

export interface DurationFloor {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly floorCpmMicros: Micros;
}

/** Floors of one imp.audio or one deal, by decreasing precedence within it (OpenRTB 2.6 section 7.11). */
export interface FloorRules {
  readonly durationFloors: readonly DurationFloor[];
  readonly minCpmMicrosPerSecond: Micros | undefined;
}

export interface Deal extends FloorRules {
  readonly id: string;
  readonly floorCpmMicros: Micros;
  /** Not inherited from the imp: USD when absent. */
  readonly floorCurrency: string;
  readonly auctionType: number | undefined;
  readonly allowedSeats: readonly string[];
  readonly allowedAdvertisers: readonly string[];
  readonly guaranteed: boolean;
}

export interface Audio extends FloorRules {
  readonly mimes: readonly string[];
  readonly minDurationSeconds: number;
  readonly maxDurationSeconds: number | undefined;
  /** Exact durations asked for; not empty, it overrides both bounds. */
  readonly requiredDurationsSeconds: readonly number[];
  /** Above 0 seconds into the content (mid-roll), 0 pre-roll, -1 any mid-roll, -2 any post-roll. */
  readonly startDelaySeconds: number | undefined;
  readonly podDurationSeconds: number | undefined;
  readonly podId: string | undefined;
  readonly podSequence: number;
  readonly slotInPod: number;
  readonly adsMax: number | undefined;
  /** 1 music, 2 broadcast, 3 podcast, 4 catch-up radio, 5 web radio, 6 game, 7 text to speech. */
  readonly feed: number | undefined;
  readonly stitched: boolean;
  readonly volumeNormalisation: number | undefined;
  readonly protocols: readonly number[];
  readonly blockedAttributes: readonly number[];
  readonly apis: readonly number[];
  readonly deliveries: readonly number[];
  readonly minBitrateKbps: number | undefined;
  readonly maxBitrateKbps: number | undefined;
  readonly maxExtendedSeconds: number | undefined;
  readonly companions: readonly CompanionSlot[];
  /** 1 static, 2 HTML, 3 iframe. */
  readonly companionTypes: readonly number[];
  readonly sequence: number | undefined;
}

/** A companion banner the player can show; a banner with several `format`s is one slot each. */
export interface CompanionSlot {
  readonly id: string | undefined;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

export interface Inventory {
  readonly kind: "site" | "app";
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly domain: string | undefined;
  readonly bundle: string | undefined;
  readonly publisherId: string | undefined;
  readonly content: Content | undefined;
}

/** Title, artist and the like are not read: they say what one person hears (decisioning.md 2). */
export interface Content {
  readonly genre: string | undefined;
  readonly genres: readonly string[];
  readonly genreTaxonomy: number;
  readonly categories: readonly string[];
  readonly categoryTaxonomy: number;
  readonly language: string | undefined;
  readonly lengthSeconds: number | undefined;
  readonly livestream: boolean;
}

export interface Device {
  readonly userAgent: string | undefined;
  readonly ip: string | undefined;
  readonly ipv6: string | undefined;
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly utcOffsetMinutes: number | undefined;
  readonly doNotTrack: boolean;
  readonly limitAdTracking: boolean;
  readonly ifa: string | undefined;
  readonly os: string | undefined;
  readonly deviceType: number | undefined;
  readonly language: string | undefined;
}

export interface ExtendedId {
  readonly source: string;
  readonly id: string;
}

export interface User {
  readonly id: string | undefined;
  readonly extendedIds: readonly ExtendedId[];
  /** The TCF string, from `user.consent` or the place of 2.5, `user.ext.consent`. */
  readonly consent: string | undefined;
  /** `user.ext.sessionid`. */
  readonly sessionId: string | undefined;
}

export interface Regs {
  readonly coppa: boolean;
  /** 0 no, 1 yes; undefined where the exchange does not say. */
  readonly gdpr: number | undefined;
  readonly usPrivacy: string | undefined;
  readonly gpp: string | undefined;
  readonly gppSections: readonly number[];
  /** The Global Privacy Control signal, from `regs.ext.gpc` (the Sec-GPC header of a browser). */
  readonly globalPrivacyControl: boolean;
}
