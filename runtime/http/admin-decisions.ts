import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { DecisionLog, DecisionQuery, ListPlace } from "./admin-ports.ts";
import { sendProblem } from "./problem.ts";
import { TIME_RULE, timeOf } from "./time-query.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const PARAMETERS = ["campaign", "outcome", "since", "until", "limit", "after"];

/**
 * `GET /v1/decisions/ID` (explain), `/v1/decisions/ID/replay` and `GET /v1/decisions?campaign=&since=&…`, the newest first. Where there
 * may be more, the header `Link` names the next page (RFC 8288).
 */
export function addDecisionRoutes(app: FastifyInstance, log: DecisionLog): void {
  app.get("/v1/decisions/:id", (request, reply) => answer(request, reply, (id) => log.find(id)));
  app.get("/v1/decisions/:id/replay", (request, reply) => answer(request, reply, (id) => log.replay(id)));
  app.get("/v1/decisions", (request, reply) => list(log, request, reply));
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  find: (id: string) => Promise<unknown>,
): Promise<FastifyReply> {
  const { id } = request.params as { readonly id: string };
  const found = readDecisionId(id) === null ? null : await find(id);
  if (found === null) return sendProblem(reply, "NOT_FOUND");
  return reply.type("application/json").send(JSON.stringify(found));
}

async function list(log: DecisionLog, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const errors: DocumentFault[] = [];
  const query = readQuery(request.query as Readonly<Record<string, unknown>>, errors);
  if (errors.length > 0) return sendProblem(reply, "REQUEST_MALFORMED", errors);
  const { decisions, next } = await log.list(query);
  if (next !== null) {
    const { after: _after, ...rest } = request.query as Readonly<Record<string, string>>;
    const following = new URLSearchParams({ ...rest, after: `${next.sequence}.${next.row}` });
    reply.header("link", `</v1/decisions?${following.toString()}>; rel="next"`);
  }
  return reply.type("application/json").send(JSON.stringify(decisions));
}

/** @param errors gets all that is wrong; what is returned then is not to be used. */
function readQuery(query: Readonly<Record<string, unknown>>, errors: DocumentFault[]): DecisionQuery {
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (typeof value === "string" || value === undefined) return value;
    errors.push({ path: name, value, rule: "must be there once" });
    return undefined;
  };
  const read = <T>(name: string, rule: string, parse: (value: string) => T | null): T | undefined => {
    const value = text(name);
    const parsed = value === undefined ? undefined : parse(value);
    if (parsed !== null) return parsed;
    errors.push({ path: name, value, rule });
    return undefined;
  };
  for (const name of Object.keys(query))
    if (!PARAMETERS.includes(name))
      errors.push({ path: name, value: query[name], rule: `unknown: there are ${PARAMETERS.join(", ")}` });
  return {
    campaign: read("campaign", `must match ${ID_PATTERN.source}`, (id) => (ID_PATTERN.test(id) ? id : null)),
    outcome: read("outcome", "must be bid or no-bid", outcomeOf),
    sinceMs: read("since", TIME_RULE, timeOf),
    untilMs: read("until", TIME_RULE, timeOf),
    after: read("after", "must be as the header Link of the page before named it", placeOf),
    limit: read("limit", `must be a whole number from 1 to ${LIMIT_MAX}`, limitOf) ?? LIMIT_DEFAULT,
  };
}

const outcomeOf = (text: string): "bid" | "no-bid" | null => (text === "bid" || text === "no-bid" ? text : null);

function limitOf(text: string): number | null {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= LIMIT_MAX ? limit : null;
}

function placeOf(text: string): ListPlace | null {
  const [, sequence, row] = /^(\d{1,15})\.(\d{1,7})$/.exec(text) ?? [];
  return sequence === undefined || row === undefined ? null : { sequence: Number(sequence), row: Number(row) };
}
