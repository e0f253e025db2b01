import type { Capabilities, CoarseContext } from "./messages/listener.ts";
import type { EpochMs, Nanos } from "./quantities.ts";

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
  /** The ad set's bid for one impression. */
  readonly bidNanos: Nanos;
}

/** One answer that could have come out of the same decision, with its probability. */
export interface ActionRow {
  readonly adSetId: string;
  readonly creativeId: string;
  readonly probability: number;
}

/** What came of one place of an answer with several, given those before it. */
export interface SlotRow {
  /** Number of the ad in the answer, or null where the place stayed empty. */
  readonly slot: number | null;
  readonly impId: string | null;
  readonly campaignId: string | null;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  readonly dealId: string | null;
  readonly priceNanos: Nanos | null;
  readonly clearingNanos: Nanos | null;
  readonly clearingCurrency: string | null;
  readonly floorNanos: Nanos | null;
  readonly reservedUntil: EpochMs | null;
  /** Probability of this outcome given those of the places before it; the record's own is their product. */
  readonly propensity: number;
  readonly actions: readonly ActionRow[];
  readonly noAdProbability: number;
  readonly explore: boolean;
}

/** Which arm of a layer decided, and how likely it was to be this listener's (decisioning.md 7.5). */
export interface ArmRow {
  readonly layer: string;
  readonly arm: string;
  readonly probability: number;
}

/** How one role did in this decision: the worst outcome of its consultations, and their time together. */
export interface RoleRow {
  readonly role: string;
  readonly variant: string;
  readonly version: string;
  readonly outcome: "answered" | "failed" | "late" | "open";
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
  readonly v: 3;
  readonly decisionId: string;
  /** Time of the commit; never goes back within a partition, whatever the node's clock does (D10). */
  readonly at: EpochMs;
  /** When the request came in by the gateway's clock, or null where it is not known. */
  readonly receivedAt: EpochMs | null;
  readonly node: string;
  readonly outcome: "bid" | "no-bid";
  /** Reason of a no-bid, else null. */
  readonly nbr: number | null;
  readonly test: boolean;
  readonly requestHash: string;
  readonly campaignId: string | null;
  readonly adSetId: string | null;
  readonly creativeId: string | null;
  /** Of the answer: of price and floor. */
  readonly currency: string | null;
  /** The deal under which it was bid, or null. */
  readonly dealId: string | null;
  readonly priceNanos: Nanos | null;
  readonly floorNanos: Nanos;
  /** What the impression will cost: the bid, as all prices are first prices (A1). */
  readonly clearingNanos: Nanos | null;
  /** The campaign's own. */
  readonly clearingCurrency: string | null;
  /** Until when money and caps are reserved; the impression counts until then. Null for a no-bid. */
  readonly reservedUntil: EpochMs | null;
  /** Every place in the order in which they are heard, where there were several; the fields of one ad are then those of the first. */
  readonly slots: readonly SlotRow[];
  /** Probability of this answer under the distributions it was drawn from; 1 when nothing was drawn. */
  readonly propensity: number;
  /** What could have come out, the likeliest first; "no ad" apart. */
  readonly actions: readonly ActionRow[];
  readonly noAdProbability: number;
  /** False for what the contract decides: not for learning. */
  readonly explore: boolean;
  readonly experiments: readonly ArmRow[];
  /** The first of what was looked at, best rank first. */
  readonly candidates: readonly CandidateRow[];
  /** Vetoed ad sets by `role/reason`, over all that were looked at. */
  readonly vetoCounts: Readonly<Record<string, number>>;
  /** Ad sets that audience proposed; those looked at; the rest could not have beaten the winner. */
  readonly proposed: number;
  readonly considered: number;
  readonly roles: readonly RoleRow[];
  /** `rates`: the snapshot by which currencies were converted; absent where there was none (C1). */
  readonly versions: { readonly catalog: number; readonly config: string; readonly rates?: string };
  readonly capabilities: Capabilities;
  readonly context: CoarseContext;
  readonly seed: string;
  /**
   * What the decision was made from (D13), sealed, because parts of the listener's state are among it: it opens under
   * `sealedInputsOf(decisionId)`. "too large": it would have been more than 4 KB; "absent": written before there was any.
   */
  readonly inputs: Uint8Array | "too large" | "absent";
}

/** What sealed inputs are sealed under. */
export const sealedInputsOf = (decisionId: string): string => `decision/${decisionId}/inputs`;
/** Bytes of sealed inputs that a row carries at most (D13). */
export const INPUTS_BYTES_MAX = 4_096;

/** An event of a delivery, as its rows in the same stream and its living actor tell it. */
export interface EventRow {
  /** Number of the ad in its answer; absent: the first. */
  readonly slot?: number;
  readonly event: string;
  readonly atMs: EpochMs;
}

export function isDecisionRecord(row: unknown): row is DecisionRecord {
  return typeof row === "object" && row !== null && (row as { readonly t?: unknown }).t === "decision";
}

/** Whether a campaign has an ad in the answer, the first or a later one. */
export const isWonBy = (campaign: string, { campaignId, slots }: DecisionRecord): boolean =>
  campaignId === campaign || slots.some((slot) => slot.campaignId === campaign);

/** A row of any release as this one knows it. @returns null for another kind of row. */
export function decisionRecordOf(row: unknown): DecisionRecord | null {
  if (!isDecisionRecord(row)) return null;
  const version: number = row.v;
  if (version >= 3) return row;
  const second = { ...row, v: 3, dealId: null, slots: [], clearingCurrency: row.currency } as const;
  if (version === 2) return second;
  const unknown = { node: "", receivedAt: null, reservedUntil: null, inputs: "absent" } as const;
  const candidates = row.candidates.map((candidate) => ({ ...candidate, bidNanos: 0 }));
  return { ...second, ...unknown, candidates, clearingNanos: row.priceNanos };
}
