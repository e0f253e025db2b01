import { partitionOf } from "../../protocols/ids.ts";
import { catalog, CATALOG_KEY } from "../../protocols/messages/catalog.ts";
import type { Payload, Reply } from "../../protocols/protocol.ts";
import { ASK_TIMEOUT_MS } from "./admin-ports.ts";
import { askActor, type Asker } from "./asker.ts";

type Question = keyof typeof catalog.messages;

/** Asks the catalog, the one writer of campaign documents (D17). @throws Fault as `Asker.ask`. */
export function askCatalog<T extends Question>(
  asker: Asker,
  type: T,
  payload: Payload<(typeof catalog.messages)[T]>,
): Promise<Reply<(typeof catalog.messages)[T]>> {
  const to = { key: CATALOG_KEY, partition: partitionOf(CATALOG_KEY, asker.partitions) };
  return askActor(asker, catalog, to, type, payload, ASK_TIMEOUT_MS);
}
