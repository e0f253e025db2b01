import type { Collection } from "../../protocols/campaign/collections.ts";
import { COLLECTIONS } from "../../protocols/campaign/collections.ts";
import { checkCampaignDocument, checkDocument, type Holds } from "../../protocols/campaign/document.ts";
import { catalog, type Changed } from "../../protocols/messages/catalog.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { type Change, commit, effective, namingFaults, sizeFault } from "./change.ts";
import { mergePatch } from "./json.ts";
import { catalogState, documentOf, entryOf, idsOf, type CatalogTable, versionOf } from "./state.ts";
import { tellBudgets } from "./terms.ts";

const holdsIn =
  (table: CatalogTable): Holds =>
  (collection, id) =>
    entryOf(table, collection, id) !== undefined;

/** Single writer of all campaign documents (D17). C1: a change is stored whole or not at all; repeating it changes nothing. */
export const catalogActor = definePartsActor(catalog, {
  parts: catalogState,
  supervision: restart(),
  handlers: {
    Apply(table, { document, dryRun }, fx) {
      const checked = checkCampaignDocument(document, holdsIn(table));
      if (!checked.ok) return answer(table, { outcome: "refused", errors: [...checked.errors] }, fx);
      const changes = effective(table, checked.documents);
      const tooLarge = sizeFault(changes);
      if (tooLarge !== null) return answer(table, { outcome: "refused", errors: [tooLarge] }, fx);
      const after = dryRun || changes.length === 0 ? table : commit(table, changes, fx);
      return answer(after, { outcome: "applied", version: versionOf(after), changed: changes.length }, fx);
    },
    Put(table, { collection, id, document, ifMatch }, fx) {
      return replace(table, { collection, id, document: withId(document, id) }, ifMatch, fx);
    },
    Patch(table, { collection, id, patch, ifMatch }, fx) {
      const before = entryOf(table, collection, id);
      if (before === undefined) return answer(table, { outcome: "absent" }, fx);
      return replace(table, { collection, id, document: mergePatch(before.document, patch) }, ifMatch, fx);
    },
    Delete(table, { collection, id, ifMatch }, fx) {
      const before = entryOf(table, collection, id);
      if (before === undefined) return answer(table, { outcome: "absent" }, fx);
      if (isConflict(table, collection, id, ifMatch))
        return answer(table, { outcome: "conflict", version: before.version }, fx);
      const errors = [...namingFaults(table, collection, id)];
      if (errors.length > 0) return answer(table, { outcome: "refused", errors }, fx);
      const after = commit(table, [{ collection, id, document: null }], fx);
      return answer(after, { outcome: "applied", version: versionOf(after), changed: 1 }, fx);
    },
    Get(table, { collection, id }, fx) {
      fx.reply(entryOf(table, collection, id) ?? null);
      return table;
    },
    List(table, { collection }, fx) {
      fx.reply(entriesOf(table, collection));
      return table;
    },
    Export(table, _question, fx) {
      const documents = COLLECTIONS.flatMap((collection) =>
        entriesOf(table, collection).map((entry) => ({ collection, ...entry })),
      );
      fx.reply({ version: versionOf(table), documents });
      return table;
    },
  },
  timers: { tell: tellBudgets },
  inspect: (table) => ({
    version: versionOf(table),
    documents: Object.fromEntries(COLLECTIONS.map((collection) => [collection, idsOf(table, collection).length])),
    untold: table.get("untold") ?? [],
  }),
});

function answer(table: CatalogTable, changed: Changed, fx: AskEffects<Changed>): CatalogTable {
  fx.reply(changed);
  return table;
}

/** A document may leave out its id, which the path names. */
function withId(document: unknown, id: string): unknown {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return document;
  return Object.hasOwn(document, "id") ? document : { id, ...document };
}

function isConflict(table: CatalogTable, collection: Collection, id: string, ifMatch: number | null): boolean {
  return ifMatch !== null && ifMatch !== (entryOf(table, collection, id)?.version ?? 0);
}

function replace(table: CatalogTable, change: Change, ifMatch: number | null, fx: AskEffects<Changed>): CatalogTable {
  const { collection, id, document } = change;
  const before = entryOf(table, collection, id)?.version ?? 0;
  if (isConflict(table, collection, id, ifMatch)) return answer(table, { outcome: "conflict", version: before }, fx);
  const errors = [...checkDocument(collection, document, holdsIn(table))];
  const named = typeof document === "object" && document !== null ? (document as { readonly id?: unknown }).id : id;
  if (named !== id) errors.push({ path: "id", value: named ?? null, rule: `must be ${id}, as in the path` });
  if (errors.length > 0) return answer(table, { outcome: "refused", errors }, fx);
  const changes = effective(table, [change]);
  if (changes.length === 0) return answer(table, { outcome: "applied", version: before, changed: 0 }, fx);
  const after = commit(table, changes, fx);
  return answer(after, { outcome: "applied", version: versionOf(after), changed: 1 }, fx);
}

function entriesOf(table: CatalogTable, collection: Collection) {
  return idsOf(table, collection).map((id) => ({
    id,
    document: documentOf(table, collection, id),
    version: entryOf(table, collection, id)?.version ?? 0,
  }));
}
