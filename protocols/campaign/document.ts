import type { z } from "zod";
import {
  COLLECTIONS,
  type Collection,
  DOCUMENT_KEYS,
  DOCUMENT_SCHEMAS,
  type Documents,
  referencesOf,
} from "./collections.ts";
import { type DocumentFault, FAULTS_MAX, type Path, pathText, schemaFaults, shown, valueAt } from "./document-fault.ts";
import { instantMs } from "./instant.ts";
import type { Daypart } from "./ad-set.ts";
import { hoursOfDaypart } from "./daypart.ts";

/** One document of the catalog, checked. */
export interface CheckedDocument<C extends Collection = Collection> {
  readonly collection: C;
  readonly id: string;
  readonly document: Documents[C];
}

/** Whether the catalog holds a document already; asked only for ids that the checked document itself does not bring. */
export type Holds = (collection: Collection, id: string) => boolean;

export type CheckedCampaignDocument =
  | { readonly ok: true; readonly documents: readonly CheckedDocument[] }
  | { readonly ok: false; readonly errors: readonly DocumentFault[] };

/** Documents in one call, so that a change fits into an envelope and does not hold up its shard. */
const DOCUMENTS_MAX = 20_000;

/**
 * Checks the whole document of interfaces.md 4: shape, unknown keys, order of dates, unique ids and that everything named exists,
 * there or in the catalog. Any collection may be absent. All faults are reported at once, up to 1,000.
 */
export function checkCampaignDocument(input: unknown, holds: Holds): CheckedCampaignDocument {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return { ok: false, errors: [{ path: "", value: shown(input), rule: "must be an object" }] };
  const root = input as Record<string, unknown>;
  const faults = keyFaults(root);
  const brought = broughtBy(root);
  const documents: CheckedDocument[] = [];
  for (const collection of COLLECTIONS) {
    const key = DOCUMENT_KEYS[collection];
    const list = root[key];
    if (!Array.isArray(list)) continue;
    const seen = new Set<string>();
    for (let index = 0; index < list.length && faults.length < FAULTS_MAX; index++) {
      const document: unknown = list[index];
      faults.push(...documentFaults(collection, document, [key, index], named(brought, holds)));
      const id = idOf(document);
      if (id === undefined) continue;
      if (seen.has(id)) faults.push({ path: pathText([key, index, "id"]), value: id, rule: "must be unique" });
      seen.add(id);
      documents.push({ collection, id, document: document as Documents[Collection] });
    }
  }
  return faults.length > 0 ? { ok: false, errors: faults.slice(0, FAULTS_MAX) } : { ok: true, documents };
}

/** Checks one document by itself, as of PUT and PATCH; paths start at the document. */
export function checkDocument(collection: Collection, document: unknown, holds: Holds): readonly DocumentFault[] {
  return documentFaults(collection, document, [], holds).slice(0, FAULTS_MAX);
}

const named =
  (brought: ReadonlySet<string>, holds: Holds): Holds =>
  (collection, id) =>
    brought.has(`${collection}/${id}`) || holds(collection, id);

function keyFaults(root: Record<string, unknown>): DocumentFault[] {
  const faults: DocumentFault[] = [];
  const known = new Set(Object.values(DOCUMENT_KEYS));
  let count = 0;
  for (const [key, value] of Object.entries(root)) {
    if (!known.has(key)) faults.push({ path: key, value: shown(value), rule: "unknown key" });
    else if (!Array.isArray(value)) faults.push({ path: key, value: shown(value), rule: "must be an array" });
    else count += value.length;
  }
  if (count > DOCUMENTS_MAX)
    faults.push({ path: "", value: count, rule: `must have at most ${DOCUMENTS_MAX} documents` });
  return faults;
}

function broughtBy(root: Record<string, unknown>): ReadonlySet<string> {
  const brought = new Set<string>();
  for (const collection of COLLECTIONS) {
    const list = root[DOCUMENT_KEYS[collection]];
    if (!Array.isArray(list)) continue;
    for (const document of list) {
      const id = idOf(document);
      if (id !== undefined) brought.add(`${collection}/${id}`);
    }
  }
  return brought;
}

function idOf(document: unknown): string | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const id = (document as Record<string, unknown>)["id"];
  return typeof id === "string" ? id : undefined;
}

function documentFaults(collection: Collection, document: unknown, prefix: Path, holds: Holds): DocumentFault[] {
  const faults = schemaFaults(DOCUMENT_SCHEMAS[collection] as z.ZodType, document, prefix);
  if (typeof document !== "object" || document === null || Array.isArray(document)) return faults;
  const under = (path: string): string => (prefix.length === 0 ? path : `${pathText(prefix)}.${path}`);
  for (const reference of referencesOf(collection, document)) {
    if (holds(reference.collection, reference.id)) continue;
    const noun = DOCUMENT_KEYS[reference.collection];
    faults.push({ path: under(reference.path), value: reference.id, rule: `must be the id of one of ${noun}` });
  }
  if (collection === "campaigns") faults.push(...flightFaults(document, under));
  if (collection === "ad-sets") faults.push(...daypartFaults(document, under));
  return faults;
}

function flightFaults(document: object, under: (path: string) => string): DocumentFault[] {
  const { startsAt, endsAt } = document as { readonly startsAt?: unknown; readonly endsAt?: unknown };
  if (typeof startsAt !== "string" || typeof endsAt !== "string") return [];
  const startsAtMs = instantMs(startsAt);
  const endsAtMs = instantMs(endsAt);
  if (startsAtMs === null || endsAtMs === null || startsAtMs < endsAtMs) return [];
  return [{ path: under("endsAt"), value: endsAt, rule: "must be after startsAt" }];
}

/** Hours are all that is known of a listener's time (privacy.md), so a daypart without a whole hour would never be served. */
function daypartFaults(document: object, under: (path: string) => string): DocumentFault[] {
  const dayparts = valueOf(valueOf(document, "targeting"), "dayparts");
  if (!Array.isArray(dayparts)) return [];
  return dayparts.flatMap((daypart: unknown, index) => {
    const from = valueOf(daypart, "from");
    const to = valueOf(daypart, "to");
    if (typeof from !== "string" || typeof to !== "string") return [];
    if (hoursOfDaypart({ days: [1], from, to } satisfies Daypart).length > 0) return [];
    const value = valueAt(document, ["targeting", "dayparts", index, "to"]);
    return [{ path: under(`targeting.dayparts[${index}].to`), value, rule: "must leave a whole hour after from" }];
  });
}

function valueOf(object: unknown, key: string): unknown {
  return typeof object === "object" && object !== null ? (object as Record<string, unknown>)[key] : undefined;
}
