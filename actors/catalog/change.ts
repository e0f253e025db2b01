import type { Collection, Documents } from "../../protocols/campaign/collections.ts";
import { referencesOf } from "../../protocols/campaign/collections.ts";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { CATALOG_TOPIC, type CatalogChange } from "../../protocols/messages/catalog.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { documentOf, idsOf, type CatalogTable, versionOf } from "./state.ts";
import { tellBudgets, tellDeleted } from "./terms.ts";

/** A document as it should be from now on; null deletes it. */
export interface Change {
  readonly collection: Collection;
  readonly id: string;
  readonly document: unknown;
}

/** Characters of one change's documents as JSON: a change is one message, and those end at 8 MB (D2). */
const CHANGE_CHARS_MAX = 4_000_000;

/** @returns the fault of a change that does not fit into one message, or null. */
export function sizeFault(changes: readonly Change[]): DocumentFault | null {
  const chars = changes.reduce((sum, { document }) => sum + JSON.stringify(document).length, 0);
  if (chars <= CHANGE_CHARS_MAX) return null;
  return {
    path: "",
    value: chars,
    rule: `must change at most ${CHANGE_CHARS_MAX} characters at once: apply it in parts`,
  };
}

/** Stores the changes as the catalog's next version, publishes them and tells the budgets concerned. */
export function commit(table: CatalogTable, changes: readonly Change[], fx: Effects): CatalogTable {
  const version = versionOf(table) + 1;
  const concerned = new Set<string>();
  let changed = table.with("meta", { version });
  for (const { collection, id, document } of changes) {
    if (collection === "campaigns") {
      if (document === null) tellDeleted(table, id, fx);
      else concerned.add(id);
    }
    if (collection === "ad-sets") changed = moveMember(changed, id, document as Documents["ad-sets"] | null, concerned);
    const name = `${collection}/${id}` as const;
    changed = document === null ? changed.without(name) : changed.with(name, { document, version });
  }
  const published: CatalogChange[] = changes.map((change) => ({ ...change, version }));
  fx.publish(CATALOG_TOPIC, version, { version, changes: published });
  const untold = [...new Set([...(table.get("untold") ?? []), ...concerned])];
  return untold.length === 0 ? changed : tellBudgets(changed.with("untold", untold), fx);
}

/** Keeps the lists of ad sets by campaign, and notes the campaigns whose dearest impression may have changed. */
function moveMember(
  table: CatalogTable,
  adSetId: string,
  after: Documents["ad-sets"] | null,
  concerned: Set<string>,
): CatalogTable {
  const from = documentOf(table, "ad-sets", adSetId)?.campaignId;
  const to = after?.campaignId;
  if (from !== undefined) concerned.add(from);
  if (to !== undefined) concerned.add(to);
  if (from === to) return table;
  let moved = table;
  if (from !== undefined) {
    const rest = (table.get(`members/${from}`) ?? []).filter((id) => id !== adSetId);
    moved = rest.length === 0 ? moved.without(`members/${from}`) : moved.with(`members/${from}`, rest);
  }
  if (to !== undefined) moved = moved.with(`members/${to}`, [...(moved.get(`members/${to}`) ?? []), adSetId]);
  return moved;
}

const NAMED_BY: Readonly<Record<Collection, readonly Collection[]>> = {
  advertisers: ["campaigns", "creatives"],
  campaigns: ["ad-sets"],
  "ad-sets": ["deals"],
  creatives: ["ad-sets"],
  deals: [],
};

/** Documents that name the one to be deleted: it stays as long as there are any. */
export function namingFaults(table: CatalogTable, collection: Collection, id: string): readonly DocumentFault[] {
  return NAMED_BY[collection].flatMap((naming) =>
    idsOf(table, naming)
      .filter((other) =>
        referencesOf(naming, documentOf(table, naming, other) ?? {}).some(
          (reference) => reference.collection === collection && reference.id === id,
        ),
      )
      .map((other) => ({ path: "id", value: id, rule: `is named by ${naming}/${other}` })),
  );
}
