import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import type { Clock } from "../core/ports.ts";
import { readBatchEvent } from "./batch-event.ts";
import { bearerOf } from "./bearer.ts";
import type { ConversionIntake } from "./conversion-intake.ts";
import type { EventIntake, Taken } from "./event-intake.ts";
import { readJson } from "./json-body.ts";
import { sendProblem } from "./problem.ts";

export interface BatchRouteParts {
  readonly intake: EventIntake;
  readonly conversions: ConversionIntake;
  readonly isBot: (userAgent: string | undefined) => boolean;
  readonly clock: Clock;
  /** Name of the sender that holds this token (`events.senders`), or null. Compares in constant time. */
  readonly senderOf: (bearer: string) => string | null;
  readonly jsonDepthMax: number;
}

/** An event that breaks a rule of its own; it holds up no other. */
interface Refused {
  readonly status: "refused";
  readonly errors: readonly DocumentFault[];
}

const EVENTS_MAX = 1_000;
const NOTICES: ReadonlySet<TrackedEvent> = new Set(["win", "bill", "loss"]);

/** `POST /v1/events`: server-side events, all of them durable before the answer (D2). */
export function addBatchRoute(app: FastifyInstance, parts: BatchRouteParts): void {
  app.post("/v1/events", (request, reply) => takeBatch(parts, request, reply));
}

async function takeBatch(parts: BatchRouteParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const bearer = bearerOf(request);
  const sender = bearer === undefined ? null : parts.senderOf(bearer);
  if (sender === null) return sendProblem(reply, "UNAUTHORISED");
  const json = readJson(request.body, parts.jsonDepthMax);
  if (!json.ok) return refuse(reply, json.rule);
  if (!Array.isArray(json.value)) return refuse(reply, "must be an array");
  if (json.value.length > EVENTS_MAX) return refuse(reply, `must have at most ${EVENTS_MAX} elements`);
  const nowMs = parts.clock.nowMs();
  const taken = await Promise.all(
    json.value.map((event: unknown, index) => takeOne(parts, sender, event, index, nowMs)),
  );
  // Events are safe to repeat, so a batch that is not durable as a whole is sent again as a whole.
  if (taken.includes("unavailable")) return sendProblem(reply, "UNAVAILABLE");
  if (taken.includes("overloaded")) return sendProblem(reply, "OVERLOADED");
  const results = taken.map((one) => (typeof one === "string" ? { status: one === "stored" ? "accepted" : one } : one));
  return reply.code(202).type("application/json").send(JSON.stringify({ results }));
}

async function takeOne(
  parts: BatchRouteParts,
  sender: string,
  event: unknown,
  index: number,
  nowMs: EpochMs,
): Promise<Taken | Refused> {
  const read = readBatchEvent(event, index, nowMs);
  switch (read.kind) {
    case "refused":
      return { status: "refused", errors: [read.fault] };
    case "conversion":
      return parts.conversions.take(sender, { ...read.conversion, isBot: parts.isBot(read.userAgent) });
    case "event": {
      const known = parts.intake.read(read.token, read.type, nowMs);
      if (typeof known === "string") return known;
      // A notice is an exchange's, and no listener's.
      const isBot = !NOTICES.has(known.event) && parts.isBot(read.userAgent);
      return parts.intake.take(known.fields, known.event, read.atMs, isBot);
    }
  }
}

function refuse(reply: FastifyReply, rule: string): FastifyReply {
  return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "", value: null, rule }]);
}
