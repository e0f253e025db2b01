import type { DecisionRecord } from "../../protocols/decision-record.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Decision } from "../decision/decision.ts";

/** Where and by what a decision was made. */
interface Making {
  readonly decisionId: string;
  readonly versions: DecisionRecord["versions"];
  readonly nowMs: EpochMs;
}

/** The row that explains this decision (decisioning.md 7.4). */
export function recordOf(request: DecisionRequest, decision: Decision, made: Making): DecisionRecord {
  const { winner, propensity, candidates, vetoCounts, proposed, considered, roles } = decision;
  return {
    t: "decision",
    v: 1,
    decisionId: made.decisionId,
    at: made.nowMs,
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
    propensity,
    candidates,
    vetoCounts,
    proposed,
    considered,
    roles,
    versions: made.versions,
    capabilities: request.capabilities,
    context: request.context,
    seed: made.decisionId,
  };
}
