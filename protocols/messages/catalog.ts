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

const Changed = z.discriminatedUnion("outcome", [
  /** `changed` counts documents; 0 when all were as they are. */
  z.strictObject({ outcome: z.literal("applied"), version: z.int(), changed: z.int() }),
  z.strictObject({ outcome: z.literal("refused"), errors: z.array(DocumentFault) }),
  /** If-Match named another version. */
  z.strictObject({ outcome: z.literal("conflict"), version: z.int() }),
  z.strictObject({ outcome: z.literal("absent") }),
]);
export type Changed = z.infer<typeof Changed>;

/** Single writer of all campaign documents; key = "catalog" (D17). */
export const catalog = protocol("catalog", {
  /** The whole document of interfaces.md 4: whole or not at all, every fault at once. */
  Apply: ask({ document: z.unknown(), dryRun: z.boolean() }, Changed),
  Put: ask({ collection: Collection, id: z.string(), document: z.unknown(), ifMatch: z.int().nullable() }, Changed),
  /** RFC 7396 merge patch. */
  Patch: ask({ collection: Collection, id: z.string(), patch: z.unknown(), ifMatch: z.int().nullable() }, Changed),
  Delete: ask({ collection: Collection, id: z.string(), ifMatch: z.int().nullable() }, Changed),
  Get: ask(
    { collection: Collection, id: z.string() },
    z.strictObject({ document: z.unknown(), version: z.int() }).nullable(),
  ),
  List: ask(
    { collection: Collection },
    z.array(z.strictObject({ id: z.string(), document: z.unknown(), version: z.int() })),
  ),
  /** Every document at the current version: what the index is built from. */
  Export: ask({}, z.strictObject({ version: z.int(), documents: z.array(CatalogChange) })),
});

export const CATALOG_KEY = "catalog";
/** Topic of changes: value {version, changes: CatalogChange[]} (D17). */
export const CATALOG_TOPIC = "catalog";
/** Snapshot of the compiled index as shards see it. */
export const INDEX_SNAPSHOT = "catalog-index";
