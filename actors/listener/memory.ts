import { encode } from "../../protocols/codec.ts";
import type { DeliveryOutcome } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { CommittedDecision } from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import { castsOf, chosen, partName, type Roster, type Seat } from "./roster.ts";
import type { ListenerTable } from "./state.ts";

/*
 * What roles remember of a listener (D14). F1 holds when a listener changes from one variant to another: a variant without memory takes
 * over that of another whose part has the same schema, and from then on both are kept, within a bound of bytes.
 */

/** A variant that does not play for a listener forgets when its part is longer than this; it would take over anew. */
const IDLE_PART_BYTES_MAX = 16_384;

/** What an agent knows of this listener: its own part, or that of a variant it takes over from. */
export function partOf(table: ListenerTable, agent: AnyAgent, cast: readonly Seat<AnyAgent>[]): unknown {
  if (agent.part === undefined) return undefined;
  const own: unknown = table.get(partName(agent));
  if (own !== undefined || cast.length === 1) return own;
  const schema: unknown = agent.part;
  for (const { agent: other } of cast) {
    if (other === agent || (other.part as unknown) !== schema) continue;
    const found: unknown = table.get(partName(other));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every variant that plays for this listener or has a memory of it takes the decision in. */
export function remember(
  table: ListenerTable,
  committed: CommittedDecision,
  roster: Roster,
  key: string,
  nowMs: EpochMs,
): ListenerTable {
  let kept = table;
  for (const cast of castsOf(roster)) {
    const playing = chosen(cast, key).agent;
    for (const { agent } of cast) {
      if (agent.onCommitted === undefined) continue;
      const own: unknown = table.get(partName(agent));
      if (own === undefined && agent !== playing) continue;
      const before = own ?? partOf(table, agent, cast);
      const after: unknown = agent.onCommitted(before, committed, nowMs);
      kept = changed(kept, agent, own, agent === playing ? after : withinBytes(after));
    }
  }
  return kept;
}

/** Every variant with a memory of this listener hears of what became of an earlier decision. */
export function learn(table: ListenerTable, outcome: DeliveryOutcome, roster: Roster, nowMs: EpochMs): ListenerTable {
  let learnt = table;
  for (const cast of castsOf(roster)) {
    for (const { agent } of cast) {
      if (agent.onEvent === undefined) continue;
      const before: unknown = table.get(partName(agent));
      if (before === undefined) continue;
      learnt = changed(learnt, agent, before, agent.onEvent(before, outcome, nowMs));
    }
  }
  return learnt;
}

const withinBytes = (part: unknown): unknown => (encode(part).length > IDLE_PART_BYTES_MAX ? undefined : part);

function changed(table: ListenerTable, agent: AnyAgent, before: unknown, after: unknown): ListenerTable {
  if (after === before) return table;
  const name = partName(agent);
  return after === undefined ? table.without(name) : table.with(name, after);
}
