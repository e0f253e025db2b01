import type {
  AdSetEntry,
  CatalogIndex,
  CompanionEntry,
  CreativeEntry,
  MediaFileEntry,
} from "../../protocols/catalog-index.ts";
import type { RateSnapshot } from "../../protocols/currency.ts";
import type { ActionRow, CandidateRow, RoleRow } from "../../protocols/decision-record.ts";
import type { AudioSlot, DecisionRequest } from "../../protocols/messages/listener.ts";
import type { NoBidReason } from "../../protocols/openrtb/no-bid.ts";
import type { EpochMs, Nanos } from "../../protocols/quantities.ts";
import type {
  AudienceAnswer,
  AudienceRequest,
  CreativeAnswer,
  CreativeRequest,
  FrequencyAnswer,
  FrequencyRequest,
  PacingRequest,
  PersonalisationAnswer,
  PersonalisationRequest,
  QualityAnswer,
  QualityRequest,
  RewardAnswer,
  RewardRequest,
  SafetyAnswer,
  SeparationRequest,
  ThrottleAnswer,
  ThrottleRequest,
} from "../../protocols/roles.ts";
import type { Verdict } from "../../runtime/actor/agent.ts";
import type { Sale } from "./market.ts";

/** What a decision is made from, besides the catalog: replay gives the same again (D13, X1). */
export interface DecisionInputs {
  readonly nowMs: EpochMs;
  readonly request: DecisionRequest;
  readonly sessionStartedMs: EpochMs;
  /** Requests of this key within the last minute, this one included. */
  readonly recent: number;
  /** Share of its bid by which personalisation may move a candidate; 0 where nothing is known of the listener. */
  readonly upliftMax: number;
  /** Campaigns whose wallet refused a reservation in this very decision. */
  readonly refusedCampaigns: readonly string[];
  /** What currencies are worth; absent or null: nothing is converted. */
  readonly rates?: RateSnapshot | null;
}

export interface DecisionSnapshots {
  readonly catalog: CatalogIndex;
}

/** One way to ask each role; the listener puts `fx.consult` behind it, replay and tests what they like (D12). */
export interface Roles {
  readonly quality: (request: QualityRequest) => Verdict<QualityAnswer>;
  readonly audience: (request: AudienceRequest) => Verdict<AudienceAnswer>;
  readonly reward: (request: RewardRequest) => Verdict<RewardAnswer>;
  readonly frequency: (request: FrequencyRequest) => Verdict<FrequencyAnswer>;
  readonly separation: (request: SeparationRequest) => Verdict<SafetyAnswer>;
  readonly pacing: (request: PacingRequest) => Verdict<SafetyAnswer>;
  readonly throttle: (request: ThrottleRequest) => Verdict<ThrottleAnswer>;
  readonly personalisation: (request: PersonalisationRequest) => Verdict<PersonalisationAnswer>;
  readonly creative: (request: CreativeRequest) => Verdict<CreativeAnswer>;
  /** The wallet's view of an ad set's campaign: what could be reserved for it today. */
  readonly freeNanos: (adSet: AdSetEntry) => Nanos;
}

export interface Winner {
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  /** Of the imp that it fills. */
  readonly slot: AudioSlot;
  /** Those files of the creative that the slot takes. */
  readonly mediaFiles: readonly MediaFileEntry[];
  /** Those of its companions that the player can show. */
  readonly companions: readonly CompanionEntry[];
  /** Its price is what an impression costs: a CPM in micros is the same number of nanos (A1). */
  readonly sale: Sale;
}

/** What came of one place, given those before it. */
export interface PlaceDecision {
  readonly winner: Winner | null;
  /** Probability of this outcome under the distributions it was drawn from. */
  readonly propensity: number;
  /** What could have come out, with its probabilities; without "no ad". */
  readonly actions: readonly ActionRow[];
  /** Probability that nothing had been served. */
  readonly noAdProbability: number;
  /** False for what the contract decides (sponsorship, guaranteed): not for learning (decisioning.md 7.4). */
  readonly explore: boolean;
}

/** One place, and where there are several the first of them that got an ad; the propensity is that of the whole answer. */
export interface Decision extends PlaceDecision {
  /** Every place in the order in which they are heard; empty where there is one. */
  readonly places: readonly PlaceDecision[];
  /** Why nothing is served, else null. */
  readonly nbr: NoBidReason | null;
  readonly candidates: readonly CandidateRow[];
  readonly vetoCounts: Readonly<Record<string, number>>;
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
}

/** The ads of the answer, in the order in which they are heard. */
export function winnersOf({ winner, places }: Decision): readonly Winner[] {
  if (places.length === 0) return winner === null ? [] : [winner];
  return places.flatMap((place) => place.winner ?? []);
}

/** The decision where the wallet refused its answer and nothing else was tried: that was no matter of chance. */
export const unpaid = (decision: Decision): Decision => ({
  ...decision,
  winner: null,
  places: [],
  nbr: 502,
  propensity: 1,
  actions: [],
  noAdProbability: 1,
  explore: false,
});
