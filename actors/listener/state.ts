import { z } from "zod";
import { Fault } from "../../protocols/errors.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import { Id } from "../../protocols/ids.ts";
import type { PartsState, PartTable, VersionedState } from "../../runtime/actor/state.ts";
import { agentsOf, partName, type RolePartName, type Roster } from "./roster.ts";

const HOUR_MS = 3_600_000;
/** Silence that ends a session. */
const SESSION_GAP_MS = HOUR_MS / 2;
/** A request that changes nothing else is noted at most this often. */
const SEEN_STEP_MS = 60_000;
const BURST_MS = 60_000;
/** Above any bound that a quality agent may set (setting `quality.requestsPerMinuteMax`). */
const BURST_COUNTED_MAX = 1_000;
/** Idle this long, the actor is forgotten (D9): no cap looks back further than 30 days. */
const FORGET_AFTER_MS = { listener: 31 * 24 * HOUR_MS, session: 4 * HOUR_MS } as const;

/** What is the listener's own, beside the roles' parts. */
export const ListenerCore = z.object({
  memory: z.enum(["listener", "session"]),
  sessionStartedMs: EpochMs,
  lastSeenMs: EpochMs,
  /** Bids so far. */
  bids: z.int(),
  /** Requests within a minute of the first of them, as far as they are counted (traffic quality). */
  burst: z.object({ sinceMs: EpochMs, requests: z.int() }),
});
export type ListenerCore = z.infer<typeof ListenerCore>;

/** Ads this listener heard and may be measured by, for conversions without a token; in the order of arrival. */
const Touches = z.array(
  z.strictObject({
    /** The serving id, as in outcomes. */
    decisionId: z.string(),
    advertiserId: Id,
    heardAtMs: EpochMs,
    /** null: not clicked. */
    clickedAtMs: EpochMs.nullable(),
  }),
);
export type Touches = z.infer<typeof Touches>;

const touches: VersionedState<Touches> = { version: 1, schema: Touches, personal: true };

export type ListenerParts = { core: ListenerCore; touches: Touches } & Record<RolePartName, unknown>;
export type ListenerTable = PartTable<ListenerParts>;

const core: VersionedState<ListenerCore> = {
  version: 2,
  schema: ListenerCore,
  personal: true,
  upgrade: { 1: (older) => ({ ...(older as object), burst: { sinceMs: 0, requests: 0 } }) },
};

/** The table of one roster: `core`, `touches` and a part for each role with memory; another variant's part stays unread (D14). */
export function listenerState(roster: Roster): PartsState<ListenerParts> {
  const parts = new Map<string, VersionedState<unknown>>([
    ["core", core],
    ["touches", touches],
  ]);
  for (const agent of agentsOf(roster)) {
    const part = agent.part as VersionedState<unknown> | undefined;
    if (part !== undefined) parts.set(partName(agent), { ...part, personal: true });
  }
  return {
    part: (name) => {
      const part = parts.get(name);
      if (part === undefined) throw new Fault("STATE_CORRUPT", `no role of this release keeps the part ${name}`);
      return part as VersionedState<ListenerParts[typeof name]>;
    },
  };
}

/** The core as of this request: a session goes on until half an hour of silence. */
export function coreAt(before: ListenerCore | undefined, request: DecisionRequest, nowMs: EpochMs): ListenerCore {
  const memory = request.memory === "listener" ? "listener" : "session";
  const burst = burstAt(before?.burst, nowMs);
  if (before === undefined) return { memory, sessionStartedMs: nowMs, lastSeenMs: nowMs, bids: 0, burst };
  if (nowMs - before.lastSeenMs > SESSION_GAP_MS)
    return { ...before, memory, sessionStartedMs: nowMs, lastSeenMs: nowMs, burst };
  if (nowMs - before.lastSeenMs >= SEEN_STEP_MS) return { ...before, memory, lastSeenMs: nowMs, burst };
  return burst === before.burst ? before : { ...before, burst };
}

/** One request more; beyond the bound they are no longer counted, so that a flood is not written down one by one. */
function burstAt(before: ListenerCore["burst"] | undefined, nowMs: EpochMs): ListenerCore["burst"] {
  if (before === undefined || nowMs - before.sinceMs >= BURST_MS) return { sinceMs: nowMs, requests: 1 };
  return before.requests >= BURST_COUNTED_MAX ? before : { ...before, requests: before.requests + 1 };
}

export const forgetDueMs = (of: ListenerCore): EpochMs => of.lastSeenMs + FORGET_AFTER_MS[of.memory];
