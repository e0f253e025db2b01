import type { CatalogChange } from "../../protocols/messages/catalog.ts";

/** From the daemon to the thread that builds the campaign index (D17). */
export type ToIndexBuilder =
  /** Everything at a version; replaces what was held. */
  | { readonly type: "load"; readonly version: number; readonly documents: readonly CatalogChange[] }
  | { readonly type: "change"; readonly version: number; readonly changes: readonly CatalogChange[] }
  | { readonly type: "build" };

export type FromIndexBuilder = {
  readonly type: "built";
  readonly version: number;
  readonly buffer: SharedArrayBuffer;
  readonly buildMs: number;
};
