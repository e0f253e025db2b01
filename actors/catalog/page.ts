import type { Collection } from "../../protocols/campaign/collections.ts";
import { type catalog, FILTER_DEFAULTS } from "../../protocols/messages/catalog.ts";
import type { Payload, Reply } from "../../protocols/protocol.ts";
import { entryOf, idsOf, type CatalogTable } from "./state.ts";

type Question = Payload<typeof catalog.messages.List>;
type Page = Reply<typeof catalog.messages.List>;

/** Documents of a collection in the order of their ids, as many as are wanted. */
export function pageOf(table: CatalogTable, { collection, after, limit, where }: Question): Page {
  const entries: Page["entries"] = [];
  const wanted = Object.entries(where);
  for (const id of idsOf(table, collection)) {
    if (after !== null && id <= after) continue;
    const entry = shownEntry(table, collection, id);
    if (!wanted.every(([field, value]) => valueOf(entry.document, field) === value)) continue;
    if (entries.length === limit) return { entries, more: true };
    entries.push(entry);
  }
  return { entries, more: false };
}

export function shownEntry(table: CatalogTable, collection: Collection, id: string): Page["entries"][number] {
  const entry = entryOf(table, collection, id);
  return { id, document: entry?.document, version: entry?.version ?? 0 };
}

function valueOf(document: unknown, field: string): unknown {
  return (document as Readonly<Record<string, unknown>> | undefined)?.[field] ?? FILTER_DEFAULTS[field];
}
