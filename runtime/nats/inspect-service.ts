import { type ServiceMsg, Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../../protocols/errors.ts";

/** Room for headers and protocol beside the answer's body. */
const FRAMING_BYTES = 4_096;
const DESCRIPTION_CHARS_MAX = 256;

/** What an endpoint answers: a value, or why not, with a number as in HTTP. */
export type ServiceAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number; readonly reason: string };

export interface ServiceEndpoint {
  /** One token, shown by `nats micro info`. */
  readonly name: string;
  /** May hold wildcards. */
  readonly subject: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** @param tokens of the subject a request came by. @param body parsed JSON; undefined where the request has none. */
  readonly answer: (tokens: readonly string[], body: unknown) => Promise<ServiceAnswer>;
}

export interface InspectService {
  stop(): Promise<void>;
}

export interface InspectServiceOptions {
  /** A semantic version. */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly ServiceEndpoint[];
}

/**
 * The NATS service `chorus` (interfaces.md 6): JSON in and out, errors in the headers `Nats-Service-Error` and
 * `Nats-Service-Error-Code`. The library does not wait for handlers, so a rejection is answered here (facts/nats.md). Requests go to any
 * node of the library's queue group, which is the one there is until there are many nodes.
 */
export async function startInspectService(
  connection: NatsConnection,
  options: InspectServiceOptions,
): Promise<InspectService> {
  const service = await new Svcm(connection).add({
    name: "chorus",
    version: options.version,
    description: "Looks at and controls a Chorus node",
    metadata: { ...options.metadata },
  });
  for (const { name, subject, metadata, answer } of options.endpoints) {
    service.addEndpoint(name, {
      subject,
      metadata: { format: "application/json", ...metadata },
      handler: (error, message) => {
        if (error === null) void respond(connection, message, answer);
      },
    });
  }
  return {
    stop: async () => {
      await service.stop();
    },
  };
}

async function respond(
  connection: NatsConnection,
  message: ServiceMsg,
  answer: ServiceEndpoint["answer"],
): Promise<void> {
  const given = await answerOf(message, answer);
  if (connection.isClosed()) return;
  if (!given.ok) return refuse(message, given.status, given.reason);
  const text = JSON.stringify(given.value);
  const bytesMax = (connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - FRAMING_BYTES;
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) refuse(message, 413, `the answer has ${bytes} bytes, NATS carries ${bytesMax}: ask for less`);
  else message.respond(text);
}

async function answerOf(message: ServiceMsg, answer: ServiceEndpoint["answer"]): Promise<ServiceAnswer> {
  const text = message.string();
  let body: unknown;
  try {
    body = text.trim() === "" ? undefined : JSON.parse(text);
  } catch {
    return { ok: false, status: 400, reason: "the request must be JSON, or empty" };
  }
  try {
    return await answer(message.subject.split("."), body);
  } catch (error) {
    if (error instanceof Fault) return { ok: false, status: 503, reason: `${error.code}: ${error.message}` };
    return { ok: false, status: 500, reason: error instanceof Error ? error.message : String(error) };
  }
}

function refuse(message: ServiceMsg, status: number, reason: string): void {
  // A header is one line.
  const description = reason.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, DESCRIPTION_CHARS_MAX);
  message.respondError(status, description, JSON.stringify({ status, reason }));
}
