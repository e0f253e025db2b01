import { ATTRIBUTION } from "../../protocols/attribution.ts";
import { listener } from "../../protocols/messages/listener.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { answerRequest } from "./answer.ts";
import { learn } from "./memory.ts";
import { agentsOf, type ListenerSettings, partName } from "./roster.ts";
import { forgetDueMs, listenerState, type ListenerTable } from "./state.ts";
import { lastTouch, noteTouch } from "./touches.ts";

/**
 * The single writer of everything about one listener (D12 to D14): decides, reserves and remembers in one commit, so that two requests
 * at once serialise here. Owns no rule of its own: the kernel decides, the roles remember.
 */
export function listenerActor(settings: ListenerSettings) {
  const rules = settings.attribution ?? ATTRIBUTION;
  return definePartsActor(listener, {
    parts: listenerState(settings.roster),
    supervision: restart(),
    passivateAfterMs: 2 * 60_000,
    handlers: {
      Decide: (table, request, fx) => answerRequest(table, request, fx, settings),
      // A listener that was forgotten stays forgotten.
      Outcome: (table, outcome, fx) =>
        table.get("core") === undefined
          ? table
          : noteTouch(learn(table, outcome, settings.roster, fx.nowMs), outcome, rules, fx.nowMs),
      LastTouch(table, question, fx) {
        fx.reply(lastTouch(table, question, rules));
        return table;
      },
    },
    timers: { forget },
    inspect: (table) => ({
      core: table.get("core") ?? null,
      touches: table.get("touches") ?? [],
      parts: Object.fromEntries(
        agentsOf(settings.roster)
          .filter((agent) => agent.part !== undefined)
          .map((agent) => [partName(agent), table.get(partName(agent)) ?? null]),
      ),
    }),
  });
}

/** The background sweep of D9: one timer a listener, moved on only when it fires. */
function forget(table: ListenerTable, fx: Effects): ListenerTable {
  const core = table.get("core");
  if (core === undefined) return table;
  if (fx.nowMs >= forgetDueMs(core)) fx.forget();
  else fx.setTimer("forget", forgetDueMs(core));
  return table;
}
