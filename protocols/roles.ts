import type { AdSetEntry, BitmapWords, CatalogIndex, CreativeEntry } from "./catalog-index.ts";
import type { CoarseContext, DeliveryOutcome, TrafficFacts } from "./messages/listener.ts";
import type { NoBidReason } from "./openrtb/no-bid.ts";
import type { EpochMs, Nanos } from "./quantities.ts";

/*
 * What the kernel asks the roles and what they answer (D12). Here rather than with the kernel, because each role's agent is
 * replaceable on its own and knows neither the kernel nor another agent.
 */

/** One ad set that passed the hard rules, with those of its creatives that did. */
export interface Proposal {
  readonly adSet: AdSetEntry;
  /** Not empty. */
  readonly creatives: readonly CreativeEntry[];
}

/** An ad that the same answer has placed before the ones in question, in the order in which they are heard. */
export interface AheadAd {
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  /** In the same break as the place in question. */
  readonly samePod: boolean;
}

/** A safety role's objection to a proposal, or to one of its creatives. */
export interface RoleVeto {
  /** Position in the request's proposals. */
  readonly proposal: number;
  /** Absent: against every creative of it. */
  readonly creativeId?: string;
  readonly reason: string;
  /** The rule broken, for people: `3 per 1d`. */
  readonly rule: string;
  /** Holds for so many ads from the place in question on; absent: for the whole answer. */
  readonly reachAds?: number;
}

export interface SafetyAnswer {
  readonly vetoes: readonly RoleVeto[];
}

/** What the decision's caller looks like. */
export interface QualityRequest {
  readonly traffic: TrafficFacts;
  /** Requests of this key within the last minute, this one included; 0 where nothing is remembered. */
  readonly recent: number;
}
/** allow: everything; house: only the lowest tier; no-bid: nothing, for the reason `nbr` (OpenRTB's 3, 4 or 5). */
export type QualityAnswer =
  | { readonly verdict: "allow" }
  | { readonly verdict: "house"; readonly reason: string; readonly rule: string }
  | { readonly verdict: "no-bid"; readonly nbr: NoBidReason; readonly reason: string; readonly rule: string };

export interface AudienceRequest {
  readonly index: CatalogIndex;
  readonly context: CoarseContext;
}
/** Bitmap over the ordinals of the index's ad sets. */
export interface AudienceAnswer {
  readonly words: BitmapWords;
}

export interface FrequencyRequest {
  readonly proposals: readonly Proposal[];
  /** When the listener's current session began. */
  readonly sessionStartedMs: EpochMs;
  readonly ahead?: readonly AheadAd[];
}
export interface FrequencyAnswer extends SafetyAnswer {
  /** For each proposal, how many more ads of its campaign this answer may hold; absent: the role does not say. */
  readonly left?: readonly number[];
}

export interface SeparationRequest {
  readonly proposals: readonly Proposal[];
  readonly ahead?: readonly AheadAd[];
}

export interface PacingRequest {
  readonly proposals: readonly Proposal[];
  /** What the wallet could reserve for each proposal's campaign today. */
  readonly freeNanos: readonly Nanos[];
}

export interface ThrottleRequest {
  readonly proposals: readonly Proposal[];
  /** What the wallet could reserve for each proposal's campaign today. */
  readonly freeNanos: readonly Nanos[];
}
/** For each proposal the chance that it takes part in this decision, from 0 to 1. */
export interface ThrottleAnswer {
  readonly chances: readonly number[];
}

export interface PersonalisationRequest {
  readonly proposals: readonly Proposal[];
  readonly context: CoarseContext;
  /** Whether the listener's past may be used (capability `profile`). */
  readonly profile: boolean;
}
/** What this listener is expected to do with one creative, and what that is worth beside the bid. */
export interface Expectation {
  /** Chance that the ad is heard to its end, and that it is clicked. */
  readonly pComplete: number;
  readonly pClick: number;
  /** Nanos of one impression; the kernel lets it move a bid by a quarter at most. */
  readonly nanos: number;
  readonly why: string;
}
/** For each proposal, one for each of its creatives. */
export interface PersonalisationAnswer {
  readonly expectations: readonly (readonly Expectation[])[];
}

export interface RewardRequest {
  readonly context: CoarseContext;
  readonly sessionStartedMs: EpochMs;
  /** How long the ads are that the same answer has placed before. */
  readonly aheadMs?: number;
}
/** What the listener's time costs now. */
export interface RewardAnswer {
  /** Nanos that one second of ad costs, at least 0. */
  readonly nanosPerSecond: number;
  /** For people: `90 s of ads lately: 9 micros a second`. */
  readonly why: string;
}

export interface CreativeRequest {
  readonly proposals: readonly Proposal[];
  readonly context: CoarseContext;
  readonly ahead?: readonly AheadAd[];
}
/** For each proposal, probabilities over its creatives; each list adds up to 1. */
export interface CreativeAnswer {
  readonly chances: readonly (readonly number[])[];
  /** Where the documented rotation was not available and another stood in, by proposal: `optimised: weighted`. */
  readonly defaults: Readonly<Record<number, string>>;
}

/** What the reducers `onCommitted` get: the ad that was decided, and whether it still may play until `expiresAtMs`. */
export interface CommittedDecision {
  /** The ad's serving id (decision-id.ts), by which its events come. */
  readonly decisionId: string;
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  readonly context: CoarseContext;
  /** Whether the listener's past may be kept (capability `profile`). */
  readonly profile: boolean;
  readonly atMs: EpochMs;
  readonly expiresAtMs: EpochMs;
}

/** The roles of a decision, in the order in which they are asked (decisioning.md 7.1). */
export const ROLES = [
  "quality",
  "audience",
  "reward",
  "frequency",
  "separation",
  "pacing",
  "throttle",
  "personalisation",
  "creative",
] as const;
export type Role = (typeof ROLES)[number];

/** What the reducers `onEvent` get. */
export type ListenerEvent = DeliveryOutcome;
