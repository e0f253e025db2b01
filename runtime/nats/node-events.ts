import { eventSubject } from "../../protocols/subjects.ts";
import type { ConnectionState } from "./connection-state.ts";

const EVENTS_PER_SECOND = 1_000;
const TOKEN_CHARS_MAX = 64;

export interface NodeEventsOptions {
  readonly node: string;
  readonly connection: ConnectionState;
  /** Sends a payload as JSON without waiting. */
  readonly emit: (subject: string, payload: unknown) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

export interface NodeEvents {
  /** Never throws and never waits; what exceeds 1,000 a second, or comes while NATS is away, is dropped and counted. */
  publish(kind: string, event: string, details: Readonly<Record<string, unknown>>): void;
  /** Since start. */
  readonly dropped: number;
}

/**
 * What happens on a node as `chorus.events.<node>.<kind>.<event>` (architecture.md 7): JSON {at, node, kind, event} and the details.
 * E1: events that were dropped are told of, by number, with the next one that leaves.
 */
export function createNodeEvents(options: NodeEventsOptions): NodeEvents {
  const { node, connection, nowMs } = options;
  let second = 0;
  let sent = 0;
  let dropped = 0;
  let untold = 0;
  const send = (kind: string, event: string, details: Readonly<Record<string, unknown>>): void => {
    const at = new Date(nowMs()).toISOString();
    options.emit(eventSubject(token(node), token(kind), token(event)), { ...details, at, node, kind, event });
  };
  return {
    publish(kind, event, details) {
      const now = Math.floor(nowMs() / 1_000);
      if (now !== second) {
        second = now;
        sent = 0;
      }
      if (!connection.connected || sent >= EVENTS_PER_SECOND) {
        dropped++;
        untold++;
        return;
      }
      sent++;
      if (untold > 0) send("node", "events-dropped", { count: untold });
      untold = 0;
      send(kind, event, details);
    },
    get dropped() {
      return dropped;
    },
  };
}

/** One token of a subject: what is no letter, digit, `_` or `-` would make more or other tokens of it (reliability.md 4). */
function token(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, TOKEN_CHARS_MAX) || "_";
}
