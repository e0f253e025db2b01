import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { partitionOf } from "../../protocols/ids.ts";
import { catalog, CATALOG_KEY, type Changed, Collection } from "../../protocols/messages/catalog.ts";
import type { Payload, Reply } from "../../protocols/protocol.ts";
import { type AdminOptions, ASK_TIMEOUT_MS } from "./admin-ports.ts";
import { askActor } from "./asker.ts";
import { readJson } from "./json-body.ts";
import { sendProblem } from "./problem.ts";
import { parameter } from "./query.ts";

export interface CatalogRoutesParts extends Pick<AdminOptions, "asker" | "awaitServed" | "servedVersions"> {
  readonly jsonDepthMax: number;
}

type Question = keyof typeof catalog.messages;

/** What a document shows besides its own fields; a document that comes back with them is taken without. */
const SHOWN_FIELDS = ["version", "servedVersion"] as const;

/** The campaign documents: read and changed one by one, or applied as a whole (interfaces.md 3, 4). */
export function addCatalogRoutes(app: FastifyInstance, parts: CatalogRoutesParts): void {
  app.post("/v1/apply", (request, reply) => apply(parts, request, reply));
  for (const collection of Collection.options) {
    app.get(`/v1/${collection}`, async (_request, reply) => {
      const entries = await askCatalog(parts, "List", { collection });
      return sendJson(
        reply,
        entries.map(({ document, version }) => ({ ...(document as object), version })),
      );
    });
    const path = `/v1/${collection}/:id`;
    app.get(path, (request, reply) => show(parts, collection, idOf(request), reply));
    app.put(path, (request, reply) =>
      changeBy(parts, request, reply, (body) =>
        askCatalog(parts, "Put", { ...named(collection, request), document: withoutShown(body) }),
      ),
    );
    app.patch(path, (request, reply) =>
      changeBy(parts, request, reply, (body) =>
        askCatalog(parts, "Patch", { ...named(collection, request), patch: withoutShown(body) }),
      ),
    );
    app.delete(path, async (request, reply) =>
      answerChange(parts, reply, await askCatalog(parts, "Delete", named(collection, request))),
    );
  }
}

function askCatalog<T extends Question>(
  parts: CatalogRoutesParts,
  type: T,
  payload: Payload<(typeof catalog.messages)[T]>,
): Promise<Reply<(typeof catalog.messages)[T]>> {
  const to = { key: CATALOG_KEY, partition: partitionOf(CATALOG_KEY, parts.asker.partitions) };
  return askActor(parts.asker, catalog, to, type, payload, ASK_TIMEOUT_MS);
}

async function show(
  parts: CatalogRoutesParts,
  collection: Collection,
  id: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const entry = await askCatalog(parts, "Get", { collection, id });
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
  const changed = await askCatalog(parts, "Apply", { document: json.value, dryRun });
  if (!dryRun || changed.outcome !== "applied") return answerChange(parts, reply, changed);
  return sendJson(reply, { version: changed.version, changed: changed.changed, dryRun });
}

async function changeBy(
  parts: CatalogRoutesParts,
  request: FastifyRequest,
  reply: FastifyReply,
  change: (body: unknown) => Promise<Changed>,
): Promise<FastifyReply> {
  const json = readJson(request.body, parts.jsonDepthMax);
  return json.ok ? answerChange(parts, reply, await change(json.value)) : sendMalformed(reply, json.rule);
}

/** 200 once every shard serves the change, else 202 with who lacks it (D17); either way it is durable. */
async function answerChange(parts: CatalogRoutesParts, reply: FastifyReply, changed: Changed): Promise<FastifyReply> {
  switch (changed.outcome) {
    case "absent":
      return sendProblem(reply, "NOT_FOUND");
    case "refused":
      return sendProblem(reply, "DOCUMENT_REFUSED", changed.errors);
    case "conflict":
      reply.header("etag", `"${changed.version}"`);
      return sendProblem(reply, "VERSION_CONFLICT");
    case "applied": {
      const { version } = changed;
      const { served, lacking } = await parts.awaitServed(version);
      reply.header("etag", `"${version}"`).code(served ? 200 : 202);
      return sendJson(reply, { version, changed: changed.changed, ...(served ? {} : { lacking }) });
    }
  }
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id;
}

function named(collection: Collection, request: FastifyRequest) {
  return { collection, id: idOf(request), ifMatch: ifMatchOf(request) };
}

/** Matches no version, so that an If-Match we cannot read never changes anything. */
const NO_VERSION = -1;

/** The version that If-Match names; null where it is absent or `*`. */
function ifMatchOf(request: FastifyRequest): number | null {
  const tag = request.headers["if-match"];
  if (tag === undefined || tag === "*") return null;
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
