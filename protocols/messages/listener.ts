import { z } from "zod";
import { Id } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { EpochMs, Micros, Nanos } from "../quantities.ts";

/** What the consent gate allows (D18, privacy.md). The decision record keeps these booleans, never a consent string. */
export const Capabilities = z.strictObject({
  id: z.boolean(),
  caps: z.boolean(),
  profile: z.boolean(),
  measure: z.boolean(),
  /** Aggregates and training; absent in messages and rows of older releases, which asked nobody, and then not allowed. */
  learn: z.boolean().optional(),
  childSafe: z.boolean(),
});
export type Capabilities = z.infer<typeof Capabilities>;

/** Coarse facts of the moment; everything finer ends in the gateway (privacy.md, minimisation). Absent = unknown. */
export const CoarseContext = z.strictObject({
  country: z.string().optional(),
  region: z.string().optional(),
  deviceType: z.int().optional(),
  platform: z.enum(["mobile", "desktop", "web", "smart"]).optional(),
  language: z.string().optional(),
  feed: z.int().optional(),
  genres: z.array(z.string()),
  /** 0 = Monday 00:00 to 167, in the listener's local time when known, else absent. */
  hourOfWeek: z.int().optional(),
});
export type CoarseContext = z.infer<typeof CoarseContext>;

const DurationFloors = z
  .array(z.strictObject({ minDurationMs: z.int(), maxDurationMs: z.int(), floorCpmMicros: Micros }))
  .optional();

/** Floors as one imp or one deal states them, by decreasing precedence (OpenRTB 2.6 section 7.11): by duration, by second, plain. */
const Floors = {
  durationFloors: DurationFloors,
  floorCpmMicrosPerSecond: Micros.optional(),
  floorCpmMicros: Micros,
  floorCurrency: z.string(),
};
export type Floors = z.infer<z.ZodObject<typeof Floors>>;

/** A deal as the exchange offers it with a slot (`imp.pmp.deals`). */
export const OfferedDeal = z.strictObject({
  id: z.string(),
  ...Floors,
  /** 1 first price, 2 second price, 3: the floor is the price agreed upon. */
  auctionType: z.int().optional(),
  /** `wadomain`; empty allows all. */
  advertiserDomains: z.array(z.string()),
  guaranteed: z.boolean(),
  /** `wseat`; empty allows all. */
  seats: z.array(z.string()),
});
export type OfferedDeal = z.infer<typeof OfferedDeal>;

/** Ad places of one answer: a token counts them in one byte, and each opens a delivery in the commit of the decision. */
export const PLACES_MAX = 16;

/** What one imp asks for: a place for one ad, or for several where its pod is dynamic. Durations in milliseconds; money as CPM in micros of `currency`. */
export const AudioSlot = z.strictObject({
  impId: z.string(),
  mimes: z.array(z.string()),
  minDurationMs: z.int(),
  maxDurationMs: z.int().optional(),
  /** Exact durations; excludes both bounds (decisioning.md 2). */
  requiredDurationsMs: z.array(z.int()).optional(),
  ...Floors,
  /** Only deals may answer. */
  privateAuction: z.boolean().optional(),
  deals: z.array(OfferedDeal).optional(),
  secure: z.boolean(),
  startDelay: z.int().optional(),
  /** Where it stands among the others (OpenRTB 2.6 section 7.6). Absent: in the break that has no name, as one ad. */
  pod: z
    .strictObject({
      /** `podid`; empty: the break that has no name. */
      id: z.string(),
      /** `podseq`: 1 the first break of the content, -1 the last. */
      sequence: z.int(),
      /** `slotinpod`: 1 the first place of the break, -1 the last, 2 the first or the last, 0 any. */
      position: z.int(),
      /** `poddur` and `maxseq`; one of them makes it dynamic: several ads, as long together and as many. */
      durationMs: z.int().optional(),
      adsMax: z.int().optional(),
    })
    .optional(),
  blockedAttributes: z.array(z.int()),
  minBitrateKbps: z.int().optional(),
  maxBitrateKbps: z.int().optional(),
  /** Sizes of banners that the player can show beside the ad (`companionad`). */
  companions: z.array(z.strictObject({ widthPixels: z.int(), heightPixels: z.int() })).optional(),
  /** imp.exp, milliseconds. */
  expiryMs: z.int().optional(),
});
export type AudioSlot = z.infer<typeof AudioSlot>;

/** What the gateway makes of user agent and address before both end there (D18). */
export const TrafficFacts = z.strictObject({
  client: z.enum(["app", "browser", "library", "bot", "unknown"]),
  /** The address is one of a data centre (setting `quality.datacenterNets`). */
  datacenter: z.boolean(),
});
export type TrafficFacts = z.infer<typeof TrafficFacts>;

export const DecisionRequest = z.strictObject({
  /** By the gateway's clock. */
  receivedAtMs: EpochMs,
  test: z.boolean(),
  traffic: TrafficFacts,
  capabilities: Capabilities,
  /** How long this key may be remembered: as a listener, for its session, or not beyond the answer (interfaces.md 5). */
  memory: z.enum(["listener", "session", "none"]),
  context: CoarseContext,
  /** In the order of the request. */
  slots: z.array(AudioSlot).min(1).max(PLACES_MAX),
  /** Steps that the search for the best slate may take: the request's time, as a number that replay finds again. Absent: as by default. */
  searchStepsMax: z.int().min(1).optional(),
  currencies: z.array(z.string()),
  /** Who may buy: our own seat, or null where we have none; `wseat` and `bseat`. Absent: nobody is excluded. */
  seats: z
    .strictObject({ own: z.string().nullable(), allowed: z.array(z.string()), blocked: z.array(z.string()) })
    .optional(),
  /** `acat`; empty or absent allows all. */
  allowedCategories: z.array(z.string()).optional(),
  /** `wlang`, two letters each; empty or absent allows all. */
  allowedLanguages: z.array(z.string()).optional(),
  blockedCategories: z.array(z.string()),
  blockedAdvertiserDomains: z.array(z.string()),
  /** Pseudonymous hash of the request for the record. */
  requestHash: z.string(),
});
export type DecisionRequest = z.infer<typeof DecisionRequest>;

const ServedCompanion = z.strictObject({
  url: z.string(),
  mimeType: z.string(),
  widthPixels: z.int(),
  heightPixels: z.int(),
  clickUrl: z.string().optional(),
  altText: z.string().optional(),
});

const ServedCreative = z.strictObject({
  creativeId: Id,
  advertiserId: Id,
  advertiserName: z.string(),
  advertiserDomain: z.string(),
  durationMs: z.int(),
  adId: z.string().optional(),
  clickUrl: z.string().optional(),
  skipAfterMs: z.int().optional(),
  /** Those that the player can show. */
  companions: z.array(ServedCompanion).optional(),
  mediaFiles: z.array(z.strictObject({ url: z.string(), mimeType: z.string(), bitrateKbps: z.int().optional() })),
  categories: z.array(z.string()),
  attributes: z.array(z.int()),
  languages: z.array(z.string()),
});
export type ServedCreative = z.infer<typeof ServedCreative>;

export const DecidedBid = z.strictObject({
  impId: z.string(),
  /** Its place among the ads of the answer, in the order in which they are heard, from 0. */
  slot: z.int(),
  campaignId: Id,
  adSetId: Id,
  creative: ServedCreative,
  /** CPM in micros of `currency`; the same number is the price of one impression in nanos. */
  cpmMicros: Micros,
  priceNanos: Nanos,
  currency: z.string(),
  /** The deal under which it is bid, and the seat that buys. */
  dealId: z.string().optional(),
  seat: z.string().optional(),
  expiresAtMs: EpochMs,
});
export type DecidedBid = z.infer<typeof DecidedBid>;

export const DecisionAnswer = z.strictObject({
  decisionId: z.string(),
  /** In the order in which they are heard; empty: no bid, for the reason `nbr` (decisioning.md 3). */
  bids: z.array(DecidedBid),
  nbr: z.int().nullable(),
});
export type DecisionAnswer = z.infer<typeof DecisionAnswer>;

/** What delivery tells the listener: the reservation's end, or an event that agents learn from. */
export const DeliveryOutcome = z.strictObject({
  /** The serving id of the ad (decision-id.ts). */
  decisionId: z.string(),
  campaignId: Id,
  creativeId: Id,
  event: z.enum(["billed", "released", "start", "complete", "skip", "click"]),
  atMs: EpochMs,
  /** With `billed`, where the listener may be measured: a touch that conversions may join. */
  touch: z.strictObject({ advertiserId: Id }).optional(),
});
export type DeliveryOutcome = z.infer<typeof DeliveryOutcome>;

/** The single writer of everything about one listener; key = pseudonym (D12 to D14). */
export const listener = protocol("listener", {
  Decide: ask(DecisionRequest.shape, DecisionAnswer),
  Outcome: tell(DeliveryOutcome.shape),
  /** The ad that a conversion at `atMs` is put down to, of this advertiser's where one is named; null: none is remembered in its window. */
  LastTouch: ask({ atMs: EpochMs, advertiserId: Id.nullable() }, z.strictObject({ servingId: z.string() }).nullable()),
});
