import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Changed, Collection, type IfMatch } from "../../protocols/messages/catalog.ts";
import { addListRoute } from "./admin-list.ts";
import type { AdminOptions, ChangeRecord } from "./admin-ports.ts";
import { askCatalog } from "./catalog-asker.ts";
import { readJson } from "./json-body.ts";
import { sendProblem } from "./problem.ts";
import { parameter } from "./query.ts";

export interface CatalogRoutesParts extends Pick<
  AdminOptions,
  "asker" | "awaitServed" | "servedVersions" | "recordChange"
> {
  readonly jsonDepthMax: number;
}

/** What a document shows besides its own fields; a document that comes back with them is taken without. */
const SHOWN_FIELDS = ["version", "servedVersion"] as const;

/** The campaign documents: read and changed one by one, or applied as a whole (interfaces.md 3, 4). */
export function addCatalogRoutes(app: FastifyInstance, parts: CatalogRoutesParts): void {
  const { asker } = parts;
  app.post("/v1/apply", (request, reply) => apply(parts, request, reply));
  for (const collection of Collection.options) {
    addListRoute(app, asker, collection);
    const path = `/v1/${collection}/:id`;
    app.get(path, (request, reply) => show(parts, collection, idOf(request), reply));
    app.put(path, (request, reply) =>
      changeBy(parts, "put", request, reply, (body) =>
        askCatalog(asker, "Put", { ...named(collection, request), document: withoutShown(body) }),
      ),
    );
    app.patch(path, (request, reply) =>
      changeBy(parts, "patch", request, reply, (body) =>
        askCatalog(asker, "Patch", { ...named(collection, request), patch: withoutShown(body) }),
      ),
    );
    app.delete(path, async (request, reply) => {
      const changed = await askCatalog(asker, "Delete", named(collection, request));
      return answerChange(parts, { verb: "delete", who: request.who }, reply, changed);
    });
  }
}

async function show(
  parts: CatalogRoutesParts,
  collection: Collection,
  id: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const entry = await askCatalog(parts.asker, "Get", { collection, id });
  if (entry === null) return sendProblem(reply, "NOT_FOUND");
  const { document, version } = entry;
  const served = collection === "campaigns" ? { servedVersion: parts.servedVersions() } : {};
  reply.header("etag", `"${version}"`);
  return sendJson(reply, { ...(document as object), version, ...served });
}

async function apply(parts: CatalogRoutesParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const written = parameter(request, "dryRun") ?? "false";
  if (written !== "true" && written !== "false") {
    return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "dryRun", value: written, rule: "must be true or false" }]);
  }
  const dryRun = written === "true";
  const json = readJson(request.body, parts.jsonDepthMax);
  if (!json.ok) return sendMalformed(reply, json.rule);
  const changed = await askCatalog(parts.asker, "Apply", { document: json.value, dryRun });
  if (!dryRun || changed.outcome !== "applied")
    return answerChange(parts, { verb: "apply", who: request.who }, reply, changed);
  const { version, counts, changes } = changed;
  return sendJson(reply, { version, changed: changed.changed, dryRun, counts, changes });
}

async function changeBy(
  parts: CatalogRoutesParts,
  verb: "put" | "patch",
  request: FastifyRequest,
  reply: FastifyReply,
  change: (body: unknown) => Promise<Changed>,
): Promise<FastifyReply> {
  const json = readJson(request.body, parts.jsonDepthMax);
  if (!json.ok) return sendMalformed(reply, json.rule);
  return answerChange(parts, { verb, who: request.who }, reply, await change(json.value));
}

/** 200 once every shard serves the change, else 202 with who lacks it (D17); either way it is durable. */
async function answerChange(
  parts: CatalogRoutesParts,
  by: Pick<ChangeRecord, "verb" | "who">,
  reply: FastifyReply,
  changed: Changed,
): Promise<FastifyReply> {
  switch (changed.outcome) {
    case "absent":
      return sendProblem(reply, "NOT_FOUND");
    case "refused":
      return sendProblem(reply, "DOCUMENT_REFUSED", changed.errors);
    case "conflict":
      if (changed.version > 0) reply.header("etag", `"${changed.version}"`);
      return sendProblem(reply, "VERSION_CONFLICT");
    case "applied": {
      const { version, counts, changes } = changed;
      if (changed.changed > 0) await parts.recordChange({ ...by, version, counts, changes });
      const { served, lacking } = await parts.awaitServed(version);
      reply.header("etag", `"${version}"`).code(served ? 200 : 202);
      return sendJson(reply, { version, changed: changed.changed, counts, ...(served ? {} : { lacking }) });
    }
  }
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id;
}

function named(collection: Collection, request: FastifyRequest) {
  return { collection, id: idOf(request), ifMatch: ifMatchOf(request) };
}

/** Matches no version, so that a condition we cannot read never changes anything. */
const NO_VERSION = -1;
const ABSENT = 0;

/** What `If-Match` and `If-None-Match` want of the document there is. */
function ifMatchOf({ headers }: FastifyRequest): IfMatch {
  const unless = headers["if-none-match"];
  if (unless !== undefined) return unless === "*" && headers["if-match"] === undefined ? ABSENT : NO_VERSION;
  const tag = headers["if-match"];
  if (tag === undefined) return null;
  if (tag === "*") return "any";
  const version = /^"(\d{1,15})"$/.exec(tag)?.[1];
  return version === undefined ? NO_VERSION : Number(version);
}

function withoutShown(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const document: Record<string, unknown> = { ...body };
  for (const field of SHOWN_FIELDS) delete document[field];
  return document;
}

function sendMalformed(reply: FastifyReply, rule: string): FastifyReply {
  return sendProblem(reply, "REQUEST_MALFORMED", [{ path: "", value: null, rule }]);
}

function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type("application/json").send(JSON.stringify(value));
}
