import type { FastifyInstance } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { AdminOptions } from "./admin-ports.ts";
import { sendProblem } from "./problem.ts";
import { TIME_RULE, timeOf } from "./time-query.ts";

const PARAMETERS = ["since", "until"];

/** `GET /v1/campaigns/ID/why-not?since=&until=`: what became of a campaign in the decisions of each day, with the reasons. */
export function addWhyNotRoute(app: FastifyInstance, whyNot: AdminOptions["whyNot"]): void {
  app.get("/v1/campaigns/:id/why-not", async (request, reply) => {
    const { id } = request.params as { readonly id: string };
    const query = request.query as Readonly<Record<string, unknown>>;
    const errors: DocumentFault[] = Object.keys(query)
      .filter((name) => !PARAMETERS.includes(name))
      .map((path) => ({ path, value: query[path], rule: `unknown: there are ${PARAMETERS.join(", ")}` }));
    const [sinceMs, untilMs] = PARAMETERS.map((path) => {
      const value = query[path];
      if (value === undefined) return undefined;
      const ms = typeof value === "string" ? timeOf(value) : null;
      if (ms === null) errors.push({ path, value, rule: TIME_RULE });
      return ms ?? undefined;
    });
    if (errors.length > 0) return sendProblem(reply, "REQUEST_MALFORMED", errors);
    const found = ID_PATTERN.test(id) ? await whyNot(id, { sinceMs, untilMs }) : null;
    if (found === null) return sendProblem(reply, "NOT_FOUND");
    return reply.type("application/json").send(JSON.stringify(found));
  });
}
