import { instantText } from "./campaign/instant.ts";
import type { Capabilities, CoarseContext } from "./messages/listener.ts";
import { type EpochMs, microsOf, type Nanos } from "./quantities.ts";

export interface VetoRow {
  readonly role: string;
  readonly reason: string;
  readonly rule: string;
}

/** One price that was added to a score; nanos of one impression, negative for a cost. */
export interface TermRow {
  readonly role: string;
  readonly nanos: number;
  readonly why: string;
}

export interface CandidateRow {
  readonly campaignId: string;
  readonly adSetId: string;
  readonly creativeId: string;
  readonly proposedBy: string;
  readonly vetoes: readonly VetoRow[];
  readonly terms: readonly TermRow[];
  readonly scoreNanos: number;
}

/** How one role did in this decision: the worst outcome of its consultations, and their time together. */
export interface RoleRow {
  readonly role: string;
  readonly variant: string;
  readonly version: string;
  readonly outcome: "answered" | "failed" | "open";
  readonly micros: number;
  /** The default that stood in for what was wished for, if any. */
  readonly default?: string;
}

/**
 * The row of one decision in `chorus.decisions.<p>` (decisioning.md 7.4). It explains the decision without any identifier: no
 * listener, no consent string, coarse context only.
 */
export interface DecisionRecord {
  readonly t: "decision";
  readonly v: 1;
  readonly decisionId: string;
  readonly at: EpochMs;
  readonly outcome: "bid" | "no-bid";
  /** Reason of a no-bid, else null. */
  readonly nbr: number | null;
  readonly test: boolean;
  readonly requestHash: string;
  readonly campaignId: string | null;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  readonly currency: string | null;
  readonly priceNanos: Nanos | null;
  readonly floorNanos: Nanos;
  /** Probability of this answer under the distributions it was drawn from; 1 when nothing was drawn. */
  readonly propensity: number;
  /** The first of what was looked at, best rank first. */
  readonly candidates: readonly CandidateRow[];
  /** Vetoed ad sets by `role/reason`, over all that were looked at. */
  readonly vetoCounts: Readonly<Record<string, number>>;
  /** Ad sets that audience proposed; those looked at; the rest could not have beaten the winner. */
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
  readonly versions: { readonly catalog: number; readonly config: string };
  readonly capabilities: Capabilities;
  readonly context: CoarseContext;
  readonly seed: string;
}

/** A row of the same stream that delivery wrote for a decision. */
export interface EventRow {
  readonly event: string;
  readonly atMs: EpochMs;
}

/** The answer of `GET /v1/decisions/ID` and `chorus explain` (interfaces.md, "Answers, by example"). */
export interface ExplainView {
  readonly decisionId: string;
  readonly at: string;
  readonly outcome: "bid" | "no-bid";
  readonly nbr: number | null;
  readonly test: boolean;
  readonly campaignId: string | null;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  readonly currency: string | null;
  readonly priceMicros: number | null;
  readonly floorMicros: number;
  readonly propensity: number;
  readonly candidates: readonly {
    readonly campaignId: string;
    readonly adSetId: string;
    readonly creativeId: string;
    readonly proposedBy: string;
    readonly vetoes: readonly VetoRow[];
    readonly terms: readonly { readonly role: string; readonly micros: number; readonly why: string }[];
    readonly scoreMicros: number;
  }[];
  readonly vetoCounts: Readonly<Record<string, number>>;
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
  readonly experiments: readonly never[];
  readonly versions: DecisionRecord["versions"];
  readonly capabilities: Capabilities;
  readonly context: CoarseContext;
  readonly requestHash: string;
  readonly seed: string;
  readonly events: readonly { readonly event: string; readonly at: string }[];
}

export function isDecisionRecord(row: unknown): row is DecisionRecord {
  return typeof row === "object" && row !== null && (row as { readonly t?: unknown }).t === "decision";
}

/** Prices of single impressions are rounded here, for people; the record keeps nanos. */
export function explainView(record: DecisionRecord, events: readonly EventRow[]): ExplainView {
  return {
    decisionId: record.decisionId,
    at: instantText(record.at),
    outcome: record.outcome,
    nbr: record.nbr,
    test: record.test,
    campaignId: record.campaignId,
    adSetId: record.adSetId,
    creativeId: record.creativeId,
    currency: record.currency,
    priceMicros: record.priceNanos === null ? null : microsOf(record.priceNanos),
    floorMicros: microsOf(record.floorNanos),
    propensity: record.propensity,
    candidates: record.candidates.map(({ terms, scoreNanos, ...candidate }) => ({
      ...candidate,
      terms: terms.map(({ nanos, ...term }) => ({ ...term, micros: microsOf(nanos) })),
      scoreMicros: microsOf(scoreNanos),
    })),
    vetoCounts: record.vetoCounts,
    proposed: record.proposed,
    considered: record.considered,
    roles: record.roles,
    experiments: [],
    versions: record.versions,
    capabilities: record.capabilities,
    context: record.context,
    requestHash: record.requestHash,
    seed: record.seed,
    events: events.map(({ event, atMs }) => ({ event, at: instantText(atMs) })),
  };
}
