import type { FastifyInstance } from "fastify";
import type { AdminOptions } from "./admin-ports.ts";
import { readJson } from "./json-body.ts";
import { sendProblem } from "./problem.ts";

export interface OperatorRoutesParts extends Pick<AdminOptions, "metrics" | "inspect" | "control" | "pseudonym"> {
  readonly jsonDepthMax: number;
}

/** Metrics, inspection and control: the same words as the NATS subjects (interfaces.md 6), over HTTP. */
export function addOperatorRoutes(app: FastifyInstance, parts: OperatorRoutesParts): void {
  app.get("/metrics", async (_request, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(await parts.metrics()),
  );
  app.get("/v1/inspect/*", async (request, reply) => {
    const found = await parts.inspect((request.params as { readonly "*": string })["*"]);
    if (found === undefined) return sendProblem(reply, "NOT_FOUND");
    return reply.type("application/json").send(JSON.stringify(found));
  });
  app.post("/v1/control/:verb", async (request, reply) => {
    // A verb that needs no words may come without a body.
    const isEmpty = !Buffer.isBuffer(request.body) || request.body.length === 0;
    const json = isEmpty ? { ok: true as const, value: {} } : readJson(request.body, parts.jsonDepthMax);
    if (!json.ok) return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "", value: null, rule: json.rule }]);
    const done = await parts.control((request.params as { readonly verb: string }).verb, json.value, request.who);
    if (done.ok) return reply.type("application/json").send(JSON.stringify(done.value));
    if (done.status === 404) return sendProblem(reply, "NOT_FOUND");
    return sendProblem(reply, done.status === 501 ? "LATER_RELEASE" : "CONTROL_REFUSED", [
      { path: "", value: json.value, rule: done.reason },
    ]);
  });
  app.get("/v1/pseudonym", async (request, reply) => {
    const { id, source } = request.query as { readonly id?: unknown; readonly source?: unknown };
    if (typeof id !== "string" || id === "") {
      return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "id", value: id ?? null, rule: "must be the raw id" }]);
    }
    const key = await parts.pseudonym(typeof source === "string" ? source : "user", id, request.who);
    return reply.type("application/json").send(JSON.stringify({ key }));
  });
}
