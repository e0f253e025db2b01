import type { ArmRow, DecisionRecord, RoleRow, SlotRow } from "../../protocols/decision-record.ts";
import { reservationMs } from "../../protocols/messages/delivery.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Heard } from "../../runtime/actor/transient.ts";
import { type Decision, type Winner, winnersOf } from "../decision/decision.ts";

/** Where and by what a decision was made. */
interface Making {
  readonly decisionId: string;
  readonly versions: DecisionRecord["versions"];
  readonly nowMs: EpochMs;
  readonly node: string;
  readonly experiments: readonly ArmRow[];
  readonly inputs: DecisionRecord["inputs"];
  /** What the decision waited for agents outside before it was made (D15). */
  readonly waits: Iterable<Heard>;
}

/** Until when an ad may be played and its impression count. */
export const expiryOf = ({ slot }: Winner, request: DecisionRequest, nowMs: EpochMs): EpochMs =>
  nowMs + reservationMs(request.context.feed, slot.expiryMs);

/** The row that explains this decision (decisioning.md 7.4). */
export function recordOf(request: DecisionRequest, decision: Decision, made: Making): DecisionRecord {
  const { winner, propensity, candidates, vetoCounts, proposed, considered, roles } = decision;
  return {
    t: "decision",
    v: 3,
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
    currency: winner?.sale.currency ?? null,
    dealId: winner?.sale.dealId ?? null,
    priceNanos: winner?.sale.priceCpmMicros ?? null,
    floorNanos: winner?.sale.floorCpmMicros ?? request.slots[0]?.floorCpmMicros ?? 0,
    clearingNanos: winner?.sale.costNanos ?? null,
    clearingCurrency: winner?.adSet.currency ?? null,
    reservedUntil: winner === null ? null : expiryOf(winner, request, made.nowMs),
    slots: slotsOf(request, decision, made.nowMs),
    propensity,
    actions: decision.actions,
    noAdProbability: decision.noAdProbability,
    explore: decision.explore,
    experiments: made.experiments,
    candidates,
    vetoCounts,
    proposed,
    considered,
    roles: waitedFor(roles, made.waits),
    versions: made.versions,
    capabilities: request.capabilities,
    context: request.context,
    seed: made.decisionId,
    inputs: made.inputs,
  };
}

/** The time of a role that is played outside is what was waited for it, once, and what its answer took to be read. */
function waitedFor(roles: readonly RoleRow[], waits: Iterable<Heard>): readonly RoleRow[] {
  const waited = new Map([...waits].map(({ agent, micros }) => [agent.role, micros]));
  if (waited.size === 0) return roles;
  return roles.map((row) => ({ ...row, micros: row.micros + (waited.get(row.role) ?? 0) }));
}

function slotsOf(request: DecisionRequest, decision: Decision, nowMs: EpochMs): readonly SlotRow[] {
  const winners = winnersOf(decision);
  return decision.places.map(({ winner, propensity, actions, noAdProbability, explore }) => ({
    slot: winner === null ? null : winners.indexOf(winner),
    impId: winner?.slot.impId ?? null,
    campaignId: winner?.adSet.campaignId ?? null,
    adSetId: winner?.adSet.id ?? null,
    creativeId: winner?.creative.id ?? null,
    dealId: winner?.sale.dealId ?? null,
    priceNanos: winner?.sale.priceCpmMicros ?? null,
    clearingNanos: winner?.sale.costNanos ?? null,
    clearingCurrency: winner?.adSet.currency ?? null,
    floorNanos: winner?.sale.floorCpmMicros ?? null,
    reservedUntil: winner === null ? null : expiryOf(winner, request, nowMs),
    propensity,
    actions,
    noAdProbability,
    explore,
  }));
}
