import type { CatalogChange } from "../../protocols/messages/catalog.ts";
import { type CatalogLog, openCatalogLog } from "../nats/catalog-log.ts";
import type { NodeConnection } from "../nats/node-connection.ts";
import { CampaignMirror } from "./campaign-mirror.ts";
import type { CatalogFeedOptions } from "./catalog-feed.ts";
import { CatalogHistory, type CatalogHistoryOptions } from "./catalog-history.ts";

/** What is kept of the catalog beside its actor: the bucket that operators read, and every version for replay. */
export interface CatalogCopies {
  readonly mirror: CampaignMirror;
  readonly history: CatalogHistory;
  readonly log: CatalogLog;
  /** Returns at once; serving waits for none of them. */
  readonly take: CatalogFeedOptions["onDocuments"];
}

/** @param onFault told what failed, by the name of the copy; it is tried again. @throws Fault NATS_UNAVAILABLE. */
export async function openCatalogCopies(
  connection: NodeConnection,
  whole: CatalogHistoryOptions["whole"],
  onFault: (copy: "mirror" | "catalog-history", error: unknown) => void,
): Promise<CatalogCopies> {
  const mirror = new CampaignMirror(connection, (error) => onFault("mirror", error));
  const log = await openCatalogLog(connection.connection);
  const history = new CatalogHistory({
    log,
    whole,
    onFault: (error) => onFault("catalog-history", error),
    isClosed: () => connection.connection.isClosed(),
  });
  const take = (changes: readonly CatalogChange[], isWhole: boolean, version: number): void => {
    mirror.update(changes, isWhole);
    history.take(changes, isWhole, version);
  };
  return { mirror, history, log, take };
}
