import { z } from "zod";
import type { VersionedState } from "../actor/state.ts";

/** Name of the part that the runtime keeps beside an actor's own (agents cannot name it). */
export const HEADER_PART = "$";

/** An envelope that failed and waits to be tried again, or waits behind one that did (D11). */
export const StashedEnvelope = z.strictObject({
  type: z.string(),
  payload: z.unknown(),
  /** Who sent it: a partition's number, a producer, ingress, or `local`. */
  origin: z.string(),
  attempts: z.int(),
  lastError: z.string().nullable(),
});
export type StashedEnvelope = z.infer<typeof StashedEnvelope>;

const StopReason = z.strictObject({ code: z.string(), message: z.string(), atMs: z.int() });
export type StopReason = z.infer<typeof StopReason>;

/** What the runtime keeps of an actor: its timers (D10), its stash (D11), and why it was stopped. Written only when one of them changes. */
export const Header = z.strictObject({
  timers: z.record(z.string(), z.number()),
  stash: z.array(StashedEnvelope),
  stopped: StopReason.nullable(),
});
export type Header = z.infer<typeof Header>;

export const EMPTY_HEADER: Header = { timers: {}, stash: [], stopped: null };

export const headerState: VersionedState<Header> = { version: 1, schema: Header };
