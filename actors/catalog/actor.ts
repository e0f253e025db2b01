import type { Collection } from "../../protocols/campaign/collections.ts";
import { COLLECTIONS } from "../../protocols/campaign/collections.ts";
import { checkCampaignDocument, checkDocument, type Holds } from "../../protocols/campaign/document.ts";
import { catalog, type Changed, type IfMatch } from "../../protocols/messages/catalog.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { type Change, commit, namingFaults, sizeFault } from "./change.ts";
import { type Difference, differenceOf } from "./difference.ts";
import { mergePatch } from "./json.ts";
import { pageOf, shownEntry } from "./page.ts";
import { catalogState, entryOf, idsOf, type CatalogTable, versionOf } from "./state.ts";
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
      const difference = differenceOf(table, checked.documents);
      const tooLarge = sizeFault(difference.effective);
      if (tooLarge !== null) return answer(table, { outcome: "refused", errors: [tooLarge] }, fx);
      const idle = dryRun || difference.effective.length === 0;
      const after = idle ? table : commit(table, difference.effective, fx);
      return answer(after, applied(difference, versionOf(after)), fx);
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
      const difference = differenceOf(table, [{ collection, id, document: null }]);
      const after = commit(table, difference.effective, fx);
      return answer(after, applied(difference, versionOf(after)), fx);
    },
    Get(table, { collection, id }, fx) {
      fx.reply(entryOf(table, collection, id) ?? null);
      return table;
    },
    List(table, question, fx) {
      fx.reply(pageOf(table, question));
      return table;
    },
    Export(table, _question, fx) {
      const documents = COLLECTIONS.flatMap((collection) =>
        idsOf(table, collection).map((id) => ({ collection, ...shownEntry(table, collection, id) })),
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

function isConflict(table: CatalogTable, collection: Collection, id: string, ifMatch: IfMatch): boolean {
  const version = entryOf(table, collection, id)?.version ?? 0;
  return ifMatch === "any" ? version === 0 : ifMatch !== null && ifMatch !== version;
}

function applied({ effective, counts, changes }: Difference, version: number): Changed {
  return { outcome: "applied", version, changed: effective.length, counts, changes };
}

function replace(table: CatalogTable, change: Change, ifMatch: IfMatch, fx: AskEffects<Changed>): CatalogTable {
  const { collection, id, document } = change;
  const before = entryOf(table, collection, id)?.version ?? 0;
  if (isConflict(table, collection, id, ifMatch)) return answer(table, { outcome: "conflict", version: before }, fx);
  const errors = [...checkDocument(collection, document, holdsIn(table))];
  const named = typeof document === "object" && document !== null ? (document as { readonly id?: unknown }).id : id;
  if (named !== id) errors.push({ path: "id", value: named ?? null, rule: `must be ${id}, as in the path` });
  if (errors.length > 0) return answer(table, { outcome: "refused", errors }, fx);
  const difference = differenceOf(table, [change]);
  if (difference.effective.length === 0) return answer(table, applied(difference, before), fx);
  const after = commit(table, difference.effective, fx);
  return answer(after, applied(difference, versionOf(after)), fx);
}
