import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import { type Collection, LIST_FILTERS, LIST_LIMIT_MAX } from "../../protocols/messages/catalog.ts";
import type { Asker } from "./asker.ts";
import { askCatalog } from "./catalog-asker.ts";
import { sendProblem } from "./problem.ts";

interface Wanted {
  readonly after: string | null;
  readonly limit: number;
  readonly where: Record<string, string>;
}

/**
 * `GET /v1/COLLECTION?limit=&after=ID&FIELD=VALUE`: documents in the order of their ids. Where there are more, the header `Link` names
 * the next page (RFC 8288).
 */
export function addListRoute(app: FastifyInstance, asker: Asker, collection: Collection): void {
  app.get(`/v1/${collection}`, async (request, reply) => {
    const read = readQuery(request, collection);
    if (!read.ok) return sendProblem(reply, "REQUEST_MALFORMED", read.errors);
    const { entries, more } = await askCatalog(asker, "List", { collection, ...read.wanted });
    const last = entries.at(-1);
    if (more && last !== undefined) linkNext(reply, collection, { ...read.wanted, after: last.id });
    const documents = entries.map(({ document, version }) => ({ ...(document as object), version }));
    return reply.type("application/json").send(JSON.stringify(documents));
  });
}

type Read =
  { readonly ok: true; readonly wanted: Wanted } | { readonly ok: false; readonly errors: readonly DocumentFault[] };

function readQuery(request: FastifyRequest, collection: Collection): Read {
  const errors: DocumentFault[] = [];
  const where: Record<string, string> = {};
  let after: string | null = null;
  let limit = LIST_LIMIT_MAX;
  const filters = LIST_FILTERS[collection];
  for (const [name, value] of Object.entries(request.query as Readonly<Record<string, unknown>>)) {
    const fault = (rule: string): void => void errors.push({ path: name, value, rule });
    if (typeof value !== "string") fault("must be there once");
    else if (name === "limit") {
      limit = /^\d{1,4}$/.test(value) ? Number(value) : 0;
      if (limit < 1 || limit > LIST_LIMIT_MAX) fault(`must be a whole number from 1 to ${LIST_LIMIT_MAX}`);
    } else if (name === "after") {
      after = value;
      if (!ID_PATTERN.test(value)) fault(`must match ${ID_PATTERN.source}`);
    } else if (filters.includes(name)) where[name] = value;
    else fault(`unknown: there are ${[...filters, "limit", "after"].join(", ")}`);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, wanted: { after, limit, where } };
}

function linkNext(reply: FastifyReply, collection: Collection, { after, limit, where }: Wanted): void {
  const query = new URLSearchParams({ ...where, limit: String(limit), after: after ?? "" });
  reply.header("link", `</v1/${collection}?${query.toString()}>; rel="next"`);
}
