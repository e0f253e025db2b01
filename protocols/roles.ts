import type { AdSetEntry, BitmapWords, CatalogIndex, CreativeEntry } from "./catalog-index.ts";
import type { CoarseContext, DeliveryOutcome } from "./messages/listener.ts";
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

/** A safety role's objection to a proposal, or to one of its creatives. */
export interface RoleVeto {
  /** Position in the request's proposals. */
  readonly proposal: number;
  /** Absent: against every creative of it. */
  readonly creativeId?: string;
  readonly reason: string;
  /** The rule broken, for people: `3 per 1d`. */
  readonly rule: string;
}

export interface SafetyAnswer {
  readonly vetoes: readonly RoleVeto[];
}

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
}

export interface SeparationRequest {
  readonly proposals: readonly Proposal[];
}

export interface PacingRequest {
  readonly proposals: readonly Proposal[];
  /** What the wallet could reserve for each proposal's campaign today. */
  readonly freeNanos: readonly Nanos[];
}

export interface CreativeRequest {
  readonly proposals: readonly Proposal[];
}
/** For each proposal, probabilities over its creatives; each list adds up to 1. */
export interface CreativeAnswer {
  readonly chances: readonly (readonly number[])[];
  /** Where the documented rotation was not available and another stood in, by proposal: `optimised: weighted`. */
  readonly defaults: Readonly<Record<number, string>>;
}

/** What the reducers `onCommitted` get: the ad that was decided, and whether it still may play until `expiresAtMs`. */
export interface CommittedDecision {
  readonly decisionId: string;
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  readonly atMs: EpochMs;
  readonly expiresAtMs: EpochMs;
}

/** What the reducers `onEvent` get. */
export type ListenerEvent = DeliveryOutcome;
