import { lastContact, type AttributionRules } from "../../protocols/attribution.ts";
import type { DecisionRequest, DeliveryOutcome } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { ListenerTable, Touches } from "./state.ts";

/*
 * The listener's recent touches, which conversions without a token join (decisioning.md 7.3). Kept only of ads decided with the
 * capability `measure`, and gone as soon as a request of this listener comes without it.
 */

/** With about 80 bytes each, 1.3 kB a listener; an hour of music has some twelve ads. */
const TOUCHES_MAX = 16;

/** Takes in what delivery tells: an ad heard, or a click on one. Repeats change nothing. */
export function noteTouch(
  table: ListenerTable,
  outcome: DeliveryOutcome,
  rules: AttributionRules,
  nowMs: EpochMs,
): ListenerTable {
  const { decisionId, event, atMs, touch } = outcome;
  const touches = table.get("touches") ?? [];
  const known = touches.find((one) => one.decisionId === decisionId);
  if (event === "click" && known !== undefined) {
    if (known.clickedAtMs !== null) return table;
    return table.with(
      "touches",
      touches.map((one) => (one === known ? { ...one, clickedAtMs: atMs } : one)),
    );
  }
  if (event !== "billed" || touch === undefined || known !== undefined) return table;
  const sinceMs = nowMs - Math.max(rules.clickThroughMs, rules.listenThroughMs);
  const recent = touches.filter((one) => (one.clickedAtMs ?? one.heardAtMs) >= sinceMs);
  const kept = [...recent, { decisionId, advertiserId: touch.advertiserId, heardAtMs: atMs, clickedAtMs: null }];
  return table.with("touches", kept.length > TOUCHES_MAX ? kept.toSpliced(oldest(kept), 1) : kept);
}

/** Place of the touch that was longest ago. */
function oldest(touches: Touches): number {
  const times = touches.map((one) => one.clickedAtMs ?? one.heardAtMs);
  return times.indexOf(Math.min(...times));
}

/** A request that may not be measured ends what was kept for measuring. */
export function forgetUnmeasured(table: ListenerTable, { capabilities }: DecisionRequest): ListenerTable {
  if (capabilities.measure || table.get("touches") === undefined) return table;
  return table.without("touches");
}

/** @returns the ad that a conversion is put down to, or null. */
export function lastTouch(
  table: ListenerTable,
  { atMs, advertiserId }: { readonly atMs: EpochMs; readonly advertiserId: string | null },
  rules: AttributionRules,
): { servingId: string } | null {
  const touches = table.get("touches") ?? [];
  const asked = advertiserId === null ? touches : touches.filter((one) => one.advertiserId === advertiserId);
  const found = lastContact(asked, atMs, rules);
  return found === null ? null : { servingId: found.decisionId };
}
