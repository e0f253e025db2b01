import type { AdSetEntry, CatalogIndex, CreativeEntry, MediaFileEntry } from "../../protocols/catalog-index.ts";
import type { CandidateRow, RoleRow } from "../../protocols/decision-record.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { NoBidReason } from "../../protocols/openrtb/no-bid.ts";
import type { EpochMs, Micros, Nanos } from "../../protocols/quantities.ts";
import type {
  AudienceAnswer,
  AudienceRequest,
  CreativeAnswer,
  CreativeRequest,
  FrequencyRequest,
  PacingRequest,
  SafetyAnswer,
  SeparationRequest,
} from "../../protocols/roles.ts";
import type { Verdict } from "../../runtime/actor/agent.ts";

/** What a decision is made from, besides the catalog: replay gives the same again (D13, X1). */
export interface DecisionInputs {
  readonly nowMs: EpochMs;
  readonly request: DecisionRequest;
  readonly sessionStartedMs: EpochMs;
  /** Campaigns whose wallet refused a reservation in this very decision. */
  readonly refusedCampaigns: readonly string[];
}

export interface DecisionSnapshots {
  readonly catalog: CatalogIndex;
}

/** One way to ask each role; the listener puts `fx.consult` behind it, replay and tests what they like (D12). */
export interface Roles {
  readonly audience: (request: AudienceRequest) => Verdict<AudienceAnswer>;
  readonly frequency: (request: FrequencyRequest) => Verdict<SafetyAnswer>;
  readonly separation: (request: SeparationRequest) => Verdict<SafetyAnswer>;
  readonly pacing: (request: PacingRequest) => Verdict<SafetyAnswer>;
  readonly creative: (request: CreativeRequest) => Verdict<CreativeAnswer>;
  /** The wallet's view of an ad set's campaign: what could be reserved for it today. */
  readonly freeNanos: (adSet: AdSetEntry) => Nanos;
}

export interface Winner {
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  /** Those files of the creative that the slot takes. */
  readonly mediaFiles: readonly MediaFileEntry[];
  /** First price: the bid (A1). */
  readonly priceNanos: Nanos;
  readonly floorCpmMicros: Micros;
}

export interface Decision {
  readonly winner: Winner | null;
  /** Why nothing is served, else null. */
  readonly nbr: NoBidReason | null;
  readonly propensity: number;
  readonly candidates: readonly CandidateRow[];
  readonly vetoCounts: Readonly<Record<string, number>>;
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
}
