import { z } from "zod";
import type { Collection, Documents } from "../../protocols/campaign/collections.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { PartsState, PartTable, VersionedState } from "../../runtime/actor/state.ts";

/** A document with the catalog's version of its last change; checked before it was stored. */
const Entry = z.object({ document: z.unknown(), version: z.int() });
export type Entry = z.infer<typeof Entry>;

/** The catalog's version: one for all documents, rising by one with each change. */
const Meta = z.object({ version: z.int() });
type Meta = z.infer<typeof Meta>;

const Ids = z.array(z.string());
type Ids = z.infer<typeof Ids>;

/**
 * `<collection>/<id>` holds a document, `members/<campaign>` the ids of its ad sets, `untold` the campaigns whose budgets do not know
 * the latest terms yet.
 */
export type CatalogParts = { meta: Meta; untold: Ids } & Record<`members/${string}`, Ids> &
  Record<`${Collection}/${string}`, Entry>;
export type CatalogTable = PartTable<CatalogParts>;

const meta: VersionedState<Meta> = { version: 1, schema: Meta };
const ids: VersionedState<Ids> = { version: 1, schema: Ids };
const entry: VersionedState<Entry> = { version: 1, schema: Entry };

export const catalogState: PartsState<CatalogParts> = {
  part: (name) => {
    const holdsIds = name === "untold" || name.startsWith("members/");
    const part: VersionedState<unknown> = name === "meta" ? meta : holdsIds ? ids : entry;
    return part as VersionedState<CatalogParts[typeof name]>;
  },
};

export const versionOf = (table: CatalogTable): number => table.get("meta")?.version ?? 0;

export function entryOf(table: CatalogTable, collection: Collection, id: string): Entry | undefined {
  // What is no id is no document, and may be too long for a key.
  return ID_PATTERN.test(id) ? table.get(`${collection}/${id}`) : undefined;
}

export function documentOf<C extends Collection>(
  table: CatalogTable,
  collection: C,
  id: string,
): Documents[C] | undefined {
  return entryOf(table, collection, id)?.document as Documents[C] | undefined;
}

/** Ids of a collection's documents, sorted. */
export function idsOf(table: CatalogTable, collection: Collection): string[] {
  return table.names(`${collection}/`).map((name) => name.slice(collection.length + 1));
}
