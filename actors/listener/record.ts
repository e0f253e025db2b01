import type { ArmRow, DecisionRecord } from "../../protocols/decision-record.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Decision } from "../decision/decision.ts";

/** Where and by what a decision was made. */
interface Making {
  readonly decisionId: string;
  readonly versions: DecisionRecord["versions"];
  readonly nowMs: EpochMs;
  readonly node: string;
  readonly experiments: readonly ArmRow[];
  readonly reservedUntil: EpochMs | null;
  readonly inputs: DecisionRecord["inputs"];
}

/** The row that explains this decision (decisioning.md 7.4). */
export function recordOf(request: DecisionRequest, decision: Decision, made: Making): DecisionRecord {
  const { winner, propensity, candidates, vetoCounts, proposed, considered, roles } = decision;
  return {
    t: "decision",
    v: 2,
    decisionId: made.decisionId,
    at: made.nowMs,
    receivedAt: request.receivedAtMs,
    node: made.node,
    outcome: winner === null ? "no-bid" : "bid",
    nbr: decision.nbr,
    test: request.test,
    requestHash: request.requestHash,
    campaignId: winner?.adSet.campaignId ?? null,
    adSetId: winner?.adSet.id ?? null,
    creativeId: winner?.creative.id ?? null,
    currency: winner?.adSet.currency ?? null,
    priceNanos: winner?.priceNanos ?? null,
    floorNanos: winner?.floorCpmMicros ?? request.slot.floorCpmMicros,
    clearingNanos: winner?.priceNanos ?? null,
    reservedUntil: made.reservedUntil,
    propensity,
    actions: decision.actions,
    noAdProbability: decision.noAdProbability,
    explore: decision.explore,
    experiments: made.experiments,
    candidates,
    vetoCounts,
    proposed,
    considered,
    roles,
    versions: made.versions,
    capabilities: request.capabilities,
    context: request.context,
    seed: made.decisionId,
    inputs: made.inputs,
  };
}
