import { listener, type DeliveryOutcome } from "../../protocols/messages/listener.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { answerRequest } from "./answer.ts";
import { agentsOf, type ListenerSettings, partName, type Roster } from "./roster.ts";
import { forgetDueMs, listenerState, type ListenerTable } from "./state.ts";

/**
 * The single writer of everything about one listener (D12 to D14): decides, reserves and remembers in one commit, so that two requests
 * at once serialise here. Owns no rule of its own: the kernel decides, the roles remember.
 */
export function listenerActor(settings: ListenerSettings) {
  return definePartsActor(listener, {
    parts: listenerState(settings.roster),
    supervision: restart(),
    passivateAfterMs: 2 * 60_000,
    handlers: {
      Decide: (table, request, fx) => answerRequest(table, request, fx, settings),
      Outcome: (table, outcome, fx) => learn(table, outcome, fx, settings.roster),
    },
    timers: { forget },
    inspect: (table) => ({
      core: table.get("core") ?? null,
      parts: Object.fromEntries(
        agentsOf(settings.roster)
          .filter((agent) => agent.part !== undefined)
          .map((agent) => [partName(agent), table.get(partName(agent)) ?? null]),
      ),
    }),
  });
}

/** Hands an event of an earlier decision to every role that remembers. A listener that was forgotten stays forgotten. */
function learn(table: ListenerTable, outcome: DeliveryOutcome, fx: Effects, roster: Roster): ListenerTable {
  if (table.get("core") === undefined) return table;
  let learnt = table;
  for (const agent of agentsOf(roster)) {
    if (agent.onEvent === undefined) continue;
    const name = partName(agent);
    const before: unknown = table.get(name);
    const after: unknown = agent.onEvent(before, outcome, fx.nowMs);
    if (after !== before) learnt = after === undefined ? learnt.without(name) : learnt.with(name, after);
  }
  return learnt;
}

/** The background sweep of D9: one timer a listener, moved on only when it fires. */
function forget(table: ListenerTable, fx: Effects): ListenerTable {
  const core = table.get("core");
  if (core === undefined) return table;
  if (fx.nowMs >= forgetDueMs(core)) fx.forget();
  else fx.setTimer("forget", forgetDueMs(core));
  return table;
}
