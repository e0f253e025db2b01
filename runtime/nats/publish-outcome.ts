import { JetStreamApiError, type PubAck } from "@nats-io/jetstream";
import { headers as emptyHeaders, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../../protocols/errors.ts";

/** How long a publish waits for its acknowledgement; the library's five seconds would hold a lane for as long. */
export const PUBLISH_TIMEOUT_MS = 1_000;

/** NATS's own line and header framing, subject and expectations: more than they ever are. */
const FRAMING_BYTES = 1_024;

/** Durable on the server, at this sequence. */
export interface Stored {
  readonly outcome: "stored";
  readonly sequence: number;
}

/** Nobody knows whether it is stored: read the subject's tail before sending again (D5). */
export interface Unknown {
  readonly outcome: "unknown";
  /** For the log. */
  readonly reason: string;
}

export function stored(ack: PubAck): Stored {
  return { outcome: "stored", sequence: ack.seq };
}

export function unknown(error: unknown): Unknown {
  if (error instanceof JetStreamApiError) return { outcome: "unknown", reason: `${error.code} ${error.message}` };
  return { outcome: "unknown", reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

export function toHeaders(values: Readonly<Record<string, string>>): MsgHdrs {
  const headers = emptyHeaders();
  for (const [name, value] of Object.entries(values)) headers.set(name, value);
  return headers;
}

export function fromHeaders(headers: MsgHdrs): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const name of headers.keys()) values[name] = headers.get(name);
  return values;
}

/**
 * Refuses what the server would cut the connection for.
 * @throws Fault `ENVELOPE_TOO_LARGE`
 */
export function refuseTooLarge(
  connection: NatsConnection,
  subject: string,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  const maxBytes = connection.info?.max_payload;
  if (maxBytes === undefined) return;
  let size = bytes.byteLength + FRAMING_BYTES;
  for (const [name, value] of Object.entries(headers)) size += 4 + Buffer.byteLength(name) + Buffer.byteLength(value);
  if (size <= maxBytes) return;
  throw new Fault(
    "ENVELOPE_TOO_LARGE",
    `a message of ${bytes.byteLength} bytes to ${subject} exceeds the server's limit`,
    {
      details: { subject, bytes: bytes.byteLength, maxBytes },
    },
  );
}
