import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { instantMs } from "../../protocols/campaign/instant.ts";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { DecisionLog } from "./admin-ports.ts";
import { sendProblem } from "./problem.ts";
import { parameter } from "./query.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

/** `GET /v1/decisions/ID` (explain) and `GET /v1/decisions?campaign=&since=&limit=`, the newest first. */
export function addDecisionRoutes(app: FastifyInstance, log: DecisionLog): void {
  app.get("/v1/decisions/:id", async (request, reply) => {
    const { id } = request.params as { readonly id: string };
    const explained = readDecisionId(id) === null ? null : await log.find(id);
    if (explained === null) return sendProblem(reply, "NOT_FOUND");
    return reply.type("application/json").send(JSON.stringify(explained));
  });
  app.get("/v1/decisions", (request, reply) => list(log, request, reply));
}

async function list(log: DecisionLog, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const errors = [];
  const campaign = parameter(request, "campaign");
  if (campaign !== undefined && !ID_PATTERN.test(campaign))
    errors.push({ path: "campaign", value: campaign, rule: `must match ${ID_PATTERN.source}` });
  const since = parameter(request, "since");
  const sinceMs = since === undefined ? undefined : sinceOf(since);
  if (sinceMs === null)
    errors.push({ path: "since", value: since, rule: "must be an instant of RFC 3339 or milliseconds since 1970" });
  const written = parameter(request, "limit") ?? String(LIMIT_DEFAULT);
  const limit = /^\d{1,4}$/.test(written) ? Number(written) : 0;
  if (limit < 1 || limit > LIMIT_MAX)
    errors.push({ path: "limit", value: written, rule: `must be a whole number from 1 to ${LIMIT_MAX}` });
  if (errors.length > 0 || sinceMs === null) return sendProblem(reply, "REQUEST_MALFORMED", errors);
  return reply.type("application/json").send(JSON.stringify(await log.list({ campaign, sinceMs, limit })));
}

function sinceOf(text: string): EpochMs | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : instantMs(text);
}
