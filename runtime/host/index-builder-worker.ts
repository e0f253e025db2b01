import { parentPort } from "node:worker_threads";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import type { CatalogChange } from "../../protocols/messages/catalog.ts";
import { packIndex } from "../../protocols/packed-index.ts";
import type { FromIndexBuilder, ToIndexBuilder } from "../threads/index-builder-messages.ts";

/**
 * Compiles the campaign index off the daemon's thread (D17): a pure function of the documents at a version, handed over in shared memory.
 */
const documents = new Map<string, CatalogChange>();
let version = 0;

parentPort?.on("message", (message: ToIndexBuilder) => {
  switch (message.type) {
    case "load":
      documents.clear();
      take(message.version, message.documents);
      return;
    case "change":
      take(message.version, message.changes);
      return;
    case "build":
      return build();
  }
});

function take(next: number, changes: readonly CatalogChange[]): void {
  version = next;
  for (const change of changes) {
    const name = `${change.collection}/${change.id}`;
    if (change.document === null) documents.delete(name);
    else documents.set(name, change);
  }
}

function build(): void {
  const startMs = performance.now();
  const buffer = packIndex(compileIndex([...documents.values()] as Parameters<typeof compileIndex>[0], version));
  const built: FromIndexBuilder = { type: "built", version, buffer, buildMs: performance.now() - startMs };
  parentPort?.postMessage(built);
}
