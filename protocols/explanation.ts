import { instantText } from "./campaign/instant.ts";
import type { ActionRow, ArmRow, DecisionRecord, EventRow, RoleRow, SlotRow, VetoRow } from "./decision-record.ts";
import type { Capabilities, CoarseContext } from "./messages/listener.ts";
import { NO_BID_REASONS } from "./openrtb/no-bid.ts";
import { type EpochMs, microsOf } from "./quantities.ts";

/** What became of a bid's money: none: there was no bid · test: never billed · unknown: the delivery is over and its end was not found. */
export interface BillingView {
  readonly stage: "none" | "test" | "open" | "billed" | "lost" | "expired" | "unknown";
  /** What was charged, 0 unless billed. */
  readonly micros: number;
  /** Until when an impression counts, or null. */
  readonly until: string | null;
}

interface CandidateView {
  readonly campaignId: string;
  /** As the campaign is called today; absent where it is gone. */
  readonly campaignName?: string;
  readonly adSetId: string;
  readonly creativeId: string;
  readonly proposedBy: string;
  readonly vetoes: readonly VetoRow[];
  readonly terms: readonly { readonly role: string; readonly micros: number; readonly why: string }[];
  readonly scoreMicros: number;
  readonly bidMicros: number;
}

/** One place of an answer with several. */
export interface SlotView extends Omit<SlotRow, "priceNanos" | "floorNanos" | "clearingNanos" | "reservedUntil"> {
  readonly priceMicros: number | null;
  readonly floorMicros: number | null;
  readonly clearingMicros: number | null;
  readonly billing: BillingView;
}

/** The answer of `GET /v1/decisions/ID` and `chorus explain` (interfaces.md, "Answers, by example"). Micros are those of one impression. */
export interface ExplainView {
  readonly decisionId: string;
  readonly at: string;
  readonly receivedAt: string | null;
  readonly node: string;
  readonly outcome: "bid" | "no-bid";
  readonly nbr: number | null;
  /** The reason in words, or null for a bid. */
  readonly nbrReason: string | null;
  readonly test: boolean;
  readonly campaignId: string | null;
  readonly campaignName?: string;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  readonly currency: string | null;
  readonly dealId: string | null;
  readonly priceMicros: number | null;
  readonly floorMicros: number;
  readonly clearingMicros: number | null;
  readonly clearingCurrency: string | null;
  readonly propensity: number;
  readonly actions: readonly ActionRow[];
  readonly noAdProbability: number;
  readonly explore: boolean;
  readonly candidates: readonly CandidateView[];
  readonly vetoCounts: Readonly<Record<string, number>>;
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
  readonly experiments: readonly ArmRow[];
  readonly versions: DecisionRecord["versions"];
  readonly capabilities: Capabilities;
  readonly context: CoarseContext;
  readonly requestHash: string;
  readonly seed: string;
  /** Whether the decision can be made again from what it was made from. */
  readonly inputs: "sealed" | "too large" | "absent";
  /** Every place in the order in which they are heard; empty where there was one. The fields of one ad are those of the first. */
  readonly slots: readonly SlotView[];
  /** `slot`: the number of the ad among those of the answer. */
  readonly events: readonly { readonly slot: number; readonly event: string; readonly at: string }[];
  /** Of the first ad. */
  readonly billing: BillingView;
}

/** A decision in a list. */
export interface DecisionSummary {
  readonly decisionId: string;
  readonly at: string;
  readonly outcome: "bid" | "no-bid";
  readonly nbr: number | null;
  readonly nbrReason: string | null;
  readonly test: boolean;
  readonly campaignId: string | null;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  readonly currency: string | null;
  readonly priceMicros: number | null;
  /** What the campaign was that the list was asked for, and what spoke against it. */
  readonly as?: "winner" | "outbid" | "vetoed";
  readonly vetoes?: readonly VetoRow[];
}

/** Whether a decision comes out the same when it is made again from its sealed inputs (D13). */
export type ReplayView =
  | { readonly outcome: "same" }
  /** The first field that differs, as the record names it. */
  | {
      readonly outcome: "different";
      readonly path: string;
      readonly recorded: unknown;
      readonly replayed: unknown;
      /** What else is not as it was, and may be why. */
      readonly note: string | null;
    }
  | { readonly outcome: "impossible"; readonly reason: string };

/** What is known of the time after the decision. */
export interface Aftermath {
  readonly events: readonly EventRow[];
  /** Of each ad of the answer, by its number. */
  readonly stages: readonly BillingView["stage"][];
}

/** Prices of single impressions are rounded here, for people; the record keeps nanos. */
export function explainView(
  record: DecisionRecord,
  { events, stages }: Aftermath,
  names: ReadonlyMap<string, string> = new Map(),
): ExplainView {
  return {
    decisionId: record.decisionId,
    at: instantText(record.at),
    receivedAt: textOf(record.receivedAt),
    node: record.node,
    outcome: record.outcome,
    nbr: record.nbr,
    nbrReason: record.nbr === null ? null : reasonOf(record.nbr),
    test: record.test,
    campaignId: record.campaignId,
    ...nameOf(record.campaignId, names),
    adSetId: record.adSetId,
    creativeId: record.creativeId,
    currency: record.currency,
    dealId: record.dealId,
    priceMicros: micros(record.priceNanos),
    floorMicros: microsOf(record.floorNanos),
    clearingMicros: micros(record.clearingNanos),
    clearingCurrency: record.clearingCurrency,
    propensity: record.propensity,
    actions: record.actions,
    noAdProbability: record.noAdProbability,
    explore: record.explore,
    candidates: record.candidates.map(({ terms, scoreNanos, bidNanos, ...candidate }) => ({
      ...candidate,
      ...nameOf(candidate.campaignId, names),
      terms: terms.map(({ nanos, ...term }) => ({ ...term, micros: microsOf(nanos) })),
      scoreMicros: microsOf(scoreNanos),
      bidMicros: microsOf(bidNanos),
    })),
    vetoCounts: record.vetoCounts,
    proposed: record.proposed,
    considered: record.considered,
    roles: record.roles,
    experiments: record.experiments,
    versions: record.versions,
    capabilities: record.capabilities,
    context: record.context,
    requestHash: record.requestHash,
    seed: record.seed,
    inputs: typeof record.inputs === "string" ? record.inputs : "sealed",
    slots: record.slots.map(({ priceNanos, floorNanos, clearingNanos, reservedUntil, ...slot }) => ({
      ...slot,
      priceMicros: micros(priceNanos),
      floorMicros: micros(floorNanos),
      clearingMicros: micros(clearingNanos),
      billing: billingOf(slot.slot === null ? "none" : stages[slot.slot], clearingNanos, reservedUntil),
    })),
    events: events.map(({ slot = 0, event, atMs }) => ({ slot, event, at: instantText(atMs) })),
    billing: billingOf(stages[0], record.clearingNanos, record.reservedUntil),
  };
}

function billingOf(
  stage: BillingView["stage"] = "unknown",
  priceNanos: number | null,
  reservedUntil: EpochMs | null,
): BillingView {
  return { stage, micros: stage === "billed" ? microsOf(priceNanos ?? 0) : 0, until: textOf(reservedUntil) };
}

/** The words of a no-bid reason. */
export const reasonOf = (nbr: number): string =>
  (NO_BID_REASONS as Readonly<Record<number, string>>)[nbr] ?? "unknown to this release";

const textOf = (ms: EpochMs | null): string | null => (ms === null ? null : instantText(ms));
const micros = (nanos: number | null): number | null => (nanos === null ? null : microsOf(nanos));

function nameOf(campaignId: string | null, names: ReadonlyMap<string, string>): { readonly campaignName?: string } {
  const name = campaignId === null ? undefined : names.get(campaignId);
  return name === undefined ? {} : { campaignName: name };
}
