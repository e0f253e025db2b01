import { type Msg, type NatsConnection, NoRespondersError, RequestError, TimeoutError } from "@nats-io/transport-node";
import { HEADERS } from "../../protocols/subjects.ts";
import type { TransientOutcome } from "../core/shard-messages.ts";
import { toHeaders } from "./publish-outcome.ts";

/** Questions to agents outside, over core NATS: nothing of them is stored anywhere (D15). */
export interface AgentRequests {
  /**
   * Asks once. @param onOutcome is called at most once: not at all when nothing came within `waitMs`, and never before this returns.
   * Several answers to one question: the first counts.
   */
  request(
    subject: string,
    bytes: Uint8Array,
    contentType: string,
    waitMs: number,
    onOutcome: (outcome: TransientOutcome) => void,
  ): void;
}

/** As NATS services say that they failed. */
const SERVICE_ERROR = "Nats-Service-Error";

export function agentRequests(connection: NatsConnection): AgentRequests {
  return {
    request: (subject, bytes, contentType, waitMs, onOutcome) => {
      const headers = toHeaders({ [HEADERS.contentType]: contentType, [HEADERS.type]: "agent-request" });
      connection.request(subject, bytes, { timeout: waitMs, headers }).then(
        (message) => onOutcome(outcomeOf(message)),
        (error: unknown) => {
          const reason = failureOf(error, subject);
          if (reason !== null) onOutcome({ type: "failed", reason });
        },
      );
    },
  };
}

function outcomeOf({ data, headers }: Msg): TransientOutcome {
  if (headers?.has(SERVICE_ERROR) === true)
    return { type: "failed", reason: `the agent says: ${headers.get(SERVICE_ERROR).slice(0, 200)}` };
  const contentType = headers?.get(HEADERS.contentType) ?? "";
  return { type: "answered", bytes: data, contentType: contentType === "" ? null : contentType };
}

/** @returns null for silence. */
function failureOf(error: unknown, subject: string): string | null {
  if (error instanceof TimeoutError) return null;
  const cause = error instanceof RequestError ? error.cause : error;
  if (cause instanceof NoRespondersError) return `nobody listens on ${subject}`;
  return `cannot ask: ${error instanceof Error ? error.message : String(error)}`;
}
