import { z } from "zod";
import { COLLECTIONS } from "../campaign/collections.ts";
import { DocumentFault } from "../campaign/document-fault.ts";
import { ask, protocol } from "../protocol.ts";

export const Collection = z.enum(COLLECTIONS);
export type Collection = z.infer<typeof Collection>;

export const CatalogChange = z.strictObject({
  collection: Collection,
  id: z.string(),
  /** The document, or null when deleted. */
  document: z.unknown(),
  /** The catalog's version with that change. */
  version: z.int(),
});
export type CatalogChange = z.infer<typeof CatalogChange>;

/** A field that became another value; values are shortened to what fits into an answer, null where nothing stands. */
const FieldChange = z.strictObject({ path: z.string(), from: z.unknown(), to: z.unknown() });
export type FieldChange = z.infer<typeof FieldChange>;

/** What a change does, or would do, to one document. */
export const DocumentChange = z.strictObject({
  collection: Collection,
  id: z.string(),
  change: z.enum(["created", "changed", "deleted"]),
  /** Version of the document's last change before this one; null when it is new. */
  before: z.int().nullable(),
  /** What differs, at most 32 fields; empty for what is new or deleted. */
  fields: z.array(FieldChange),
});
export type DocumentChange = z.infer<typeof DocumentChange>;

const ChangeCounts = z.strictObject({ created: z.int(), changed: z.int(), deleted: z.int(), unchanged: z.int() });
export type ChangeCounts = z.infer<typeof ChangeCounts>;

/** Documents that the answer of one change names; `counts` has them all. */
export const CHANGES_SHOWN_MAX = 100;

const Changed = z.discriminatedUnion("outcome", [
  z.strictObject({
    outcome: z.literal("applied"),
    version: z.int(),
    /** Documents that are not as they were. */
    changed: z.int(),
    counts: z.record(z.string(), ChangeCounts),
    /** The first of them. */
    changes: z.array(DocumentChange),
  }),
  z.strictObject({ outcome: z.literal("refused"), errors: z.array(DocumentFault) }),
  /** If-Match named another version. */
  z.strictObject({ outcome: z.literal("conflict"), version: z.int() }),
  z.strictObject({ outcome: z.literal("absent") }),
]);
export type Changed = z.infer<typeof Changed>;

/** A version that a document has to have; 0: it must not exist, `any`: it must; null: whatever it is. */
const IfMatch = z.union([z.int(), z.literal("any")]).nullable();
export type IfMatch = z.infer<typeof IfMatch>;

/** Fields by whose value each collection can be listed. */
export const LIST_FILTERS: Readonly<Record<Collection, readonly string[]>> = {
  advertisers: [],
  campaigns: ["advertiserId", "status", "tier"],
  "ad-sets": ["campaignId", "status"],
  creatives: ["advertiserId", "status"],
  deals: [],
};
/** What an absent field of a filter means. */
export const FILTER_DEFAULTS: Readonly<Record<string, string>> = { status: "active", tier: "standard" };
export const LIST_LIMIT_MAX = 1_000;

/** Single writer of all campaign documents; key = "catalog" (D17). */
export const catalog = protocol("catalog", {
  /** The whole document of interfaces.md 4: whole or not at all, every fault at once. */
  Apply: ask({ document: z.unknown(), dryRun: z.boolean() }, Changed),
  Put: ask({ collection: Collection, id: z.string(), document: z.unknown(), ifMatch: IfMatch }, Changed),
  /** RFC 7396 merge patch. */
  Patch: ask({ collection: Collection, id: z.string(), patch: z.unknown(), ifMatch: IfMatch }, Changed),
  Delete: ask({ collection: Collection, id: z.string(), ifMatch: IfMatch }, Changed),
  Get: ask(
    { collection: Collection, id: z.string() },
    z.strictObject({ document: z.unknown(), version: z.int() }).nullable(),
  ),
  /** A page of a collection in the order of its ids. `after`: the id before the page, which need not exist. */
  List: ask(
    {
      collection: Collection,
      after: z.string().nullable(),
      limit: z.int().min(1).max(LIST_LIMIT_MAX),
      /** Only documents whose fields have these values. */
      where: z.record(z.string(), z.string()),
    },
    z.strictObject({
      entries: z.array(z.strictObject({ id: z.string(), document: z.unknown(), version: z.int() })),
      /** There are more after the last of these. */
      more: z.boolean(),
    }),
  ),
  /** Every document at the current version: what the index is built from. */
  Export: ask({}, z.strictObject({ version: z.int(), documents: z.array(CatalogChange) })),
});

export const CATALOG_KEY = "catalog";
/** Topic of changes: value {version, changes: CatalogChange[]} (D17). */
export const CATALOG_TOPIC = "catalog";
/** Snapshot of the compiled index as shards see it. */
export const INDEX_SNAPSHOT = "catalog-index";
