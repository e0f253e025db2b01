import { z } from "zod";
import type { AttributionRules } from "../../protocols/attribution.ts";
import { conversion, type Join, type Touch } from "../../protocols/messages/conversion.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { count } from "../wallet/calls.ts";

const DAY_MS = 86_400_000;
/** A delivery may be touched this long after an order joined it: its tokens last a day of queueing, one of clicks, and some minutes. */
const TOKENS_DAYS = 3;

/** The decision an order was put down to; null until it was. Names no listener and no order: those are in the key, hashed. */
const ConversionState = z.strictObject({ decisionId: z.string().nullable() });

/**
 * One order. It converts once (decisioning.md 7.3): the first join counts, in the wallet of its own partition and in the same commit;
 * every later one is a duplicate, whatever it was joined to. N4: it is kept until no touch that it could join again is left.
 */
export function conversionActor(rules: AttributionRules) {
  const keptMs = Math.max(rules.clickThroughMs, rules.listenThroughMs) + TOKENS_DAYS * DAY_MS;
  const join = (state: z.infer<typeof ConversionState>, joined: Join, fx: Effects) => {
    if (state.decisionId !== null) return { state, status: "duplicate" as const };
    const { touch } = joined;
    fx.call({ key: walletKey(fx.partition) }, count, {
      campaign: touch.campaignId,
      day: touch.day,
      event: "conversions",
    });
    fx.record(rowOf(touch, joined, fx.nowMs));
    fx.setTimer("forget", fx.nowMs + keptMs);
    return { state: { decisionId: touch.decisionId }, status: "accepted" as const };
  };
  return defineActor(conversion, {
    state: { version: 1, schema: ConversionState, initial: () => ({ decisionId: null }) },
    supervision: restart(),
    passivateAfterMs: 5_000,
    handlers: {
      Join(state, joined, fx) {
        const { state: next, status } = join(state, joined, fx);
        fx.reply(status);
        return next;
      },
      JoinHeld: (state, joined, fx) => join(state, joined, fx).state,
    },
    timers: {
      forget(state, fx) {
        fx.forget();
        return state;
      },
    },
  });
}

/** What corrects the decision's row in the log: its outcome has one conversion more. */
function rowOf(touch: Touch, { atMs, valueMicros }: Join, arrivedAtMs: number) {
  const { decisionId, slot, campaignId, creativeId, kind, atMs: touchAtMs } = touch;
  const joined = { t: "join", decisionId, slot, campaignId, creativeId, event: "conversion", atMs, arrivedAtMs };
  return { ...joined, status: "accepted", through: kind, touchAtMs, ...(valueMicros === null ? {} : { valueMicros }) };
}
