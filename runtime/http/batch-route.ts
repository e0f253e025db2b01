import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { instantMs } from "../../protocols/campaign/instant.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Clock } from "../core/ports.ts";
import { bearerOf } from "./bearer.ts";
import type { EventIntake, Taken } from "./event-intake.ts";
import { readJson } from "./json-body.ts";
import { sendProblem } from "./problem.ts";

export interface BatchRouteParts {
  readonly intake: EventIntake;
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

/** `POST /v1/events`: server-side events, all of them durable before the answer (D2). */
export function addBatchRoute(app: FastifyInstance, parts: BatchRouteParts): void {
  app.post("/v1/events", (request, reply) => takeBatch(parts, request, reply));
}

async function takeBatch(parts: BatchRouteParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const bearer = bearerOf(request);
  if (bearer === undefined || parts.senderOf(bearer) === null) return sendProblem(reply, "UNAUTHORISED");
  const json = readJson(request.body, parts.jsonDepthMax);
  if (!json.ok) return refuse(reply, json.rule);
  if (!Array.isArray(json.value)) return refuse(reply, "must be an array");
  if (json.value.length > EVENTS_MAX) return refuse(reply, `must have at most ${EVENTS_MAX} elements`);
  const nowMs = parts.clock.nowMs();
  const taken = await Promise.all(json.value.map((event: unknown, index) => takeOne(parts, event, index, nowMs)));
  // Events are safe to repeat, so a batch that is not durable as a whole is sent again as a whole.
  if (taken.includes("unavailable")) return sendProblem(reply, "UNAVAILABLE");
  if (taken.includes("overloaded")) return sendProblem(reply, "OVERLOADED");
  const results = taken.map((one) => (typeof one === "string" ? { status: one === "stored" ? "accepted" : one } : one));
  return reply.code(202).type("application/json").send(JSON.stringify({ results }));
}

async function takeOne(
  parts: BatchRouteParts,
  event: unknown,
  index: number,
  nowMs: EpochMs,
): Promise<Taken | Refused> {
  const refused = (path: string, value: unknown, rule: string): Refused => ({
    status: "refused",
    errors: [{ path: `[${index}]${path}`, value: typeof value === "object" ? null : (value ?? null), rule }],
  });
  if (typeof event !== "object" || event === null) return refused("", event, "must be an object");
  const { type, token, at } = event as Readonly<Record<string, unknown>>;
  if (type === "conversion") return refused(".type", type, "is not taken by this release");
  if (typeof type !== "string") return refused(".type", type, "must be a string");
  if (typeof token !== "string") return refused(".token", null, "must be a string");
  const atMs = at === undefined || at === null ? nowMs : instantOf(at);
  if (atMs === null) return refused(".at", at, "must be an instant of RFC 3339");
  const read = parts.intake.read(token, type, nowMs);
  if (typeof read === "string") return read;
  return parts.intake.take(read.fields, read.event, Math.min(atMs, nowMs));
}

function instantOf(at: unknown): EpochMs | null {
  const ms = typeof at === "string" ? instantMs(at) : null;
  return ms === null || ms < 0 ? null : ms;
}

function refuse(reply: FastifyReply, rule: string): FastifyReply {
  return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "", value: null, rule }]);
}
