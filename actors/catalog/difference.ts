import { shown } from "../../protocols/campaign/document-fault.ts";
import {
  type ChangeCounts,
  CHANGES_SHOWN_MAX,
  type DocumentChange,
  type FieldChange,
} from "../../protocols/messages/catalog.ts";
import type { Change } from "./change.ts";
import { isObject, sameJson } from "./json.ts";
import { entryOf, type CatalogTable } from "./state.ts";

const FIELDS_MAX = 32;

/** What changes do to the documents there are. */
export interface Difference {
  /** Those changes that change something. */
  readonly effective: readonly Change[];
  /** By collection; those that no change names are left out. */
  readonly counts: Record<string, ChangeCounts>;
  /** The first hundred of the effective ones, for people. */
  readonly changes: DocumentChange[];
}

export function differenceOf(table: CatalogTable, wanted: readonly Change[]): Difference {
  const effective: Change[] = [];
  const changes: DocumentChange[] = [];
  const counts: Record<string, ChangeCounts> = {};
  for (const one of wanted) {
    const { collection, id, document } = one;
    const before = entryOf(table, collection, id);
    const kind = kindOf(before?.document, document);
    const count = (counts[collection] ??= { created: 0, changed: 0, deleted: 0, unchanged: 0 });
    count[kind] += 1;
    if (kind === "unchanged") continue;
    effective.push(one);
    if (changes.length >= CHANGES_SHOWN_MAX) continue;
    const fields = kind === "changed" ? fieldsOf(before?.document, document) : [];
    changes.push({ collection, id, change: kind, before: before?.version ?? null, fields });
  }
  return { effective, counts, changes };
}

function kindOf(before: unknown, after: unknown): keyof ChangeCounts {
  if (after === null) return before === undefined ? "unchanged" : "deleted";
  if (before === undefined) return "created";
  return sameJson(before, after) ? "unchanged" : "changed";
}

/** Fields that differ, as `budget.dailyMicros`; lists are compared as a whole. */
function fieldsOf(before: unknown, after: unknown): FieldChange[] {
  const found: FieldChange[] = [];
  const compare = (from: unknown, to: unknown, path: string): void => {
    if (found.length >= FIELDS_MAX || sameJson(from, to)) return;
    if (!isObject(from) || !isObject(to)) {
      found.push({ path, from: shown(from), to: shown(to) });
      return;
    }
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
      compare(from[key], to[key], path === "" ? key : `${path}.${key}`);
  };
  compare(before, after, "");
  return found;
}
