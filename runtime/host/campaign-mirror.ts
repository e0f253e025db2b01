import type { CatalogChange } from "../../protocols/messages/catalog.ts";
import { type CampaignBucket, openCampaignBucket } from "../nats/campaign-bucket.ts";
import type { NodeConnection } from "../nats/node-connection.ts";
import { RetriedWork } from "./retried-work.ts";

/**
 * Keeps the bucket `CHORUS_CAMPAIGNS` like the catalog's documents, as JSON under `<collection>.<id>`, for operators to read. Serving
 * never waits for it. M1: what waits is at most one text a document, however often it changed. M2: a whole load puts what differs and
 * deletes what is gone, so a mirror that missed something mends itself at the next start.
 */
export class CampaignMirror {
  readonly #connection: Pick<NodeConnection, "connection">;
  readonly #work: RetriedWork;
  /** JSON to be there by key; null = to be gone. */
  #waiting = new Map<string, string | null>();
  /** Whether keys that are not waiting have to be gone too. */
  #whole = false;
  #bucket: CampaignBucket | null = null;

  /** @param onFault told of each attempt that failed; it is made again until the connection is closed. */
  constructor(connection: Pick<NodeConnection, "connection">, onFault: (error: unknown) => void) {
    this.#connection = connection;
    this.#work = new RetriedWork({
      isWanted: () => (this.#whole || this.#waiting.size > 0) && !connection.connection.isClosed(),
      attempt: () => this.#write(),
      onFault,
    });
  }

  /** Takes note of documents; `whole` means that there are no others. Returns at once. */
  update(changes: readonly CatalogChange[], whole: boolean): void {
    if (whole) {
      this.#waiting = new Map();
      this.#whole = true;
    }
    for (const { collection, id, document } of changes) {
      this.#waiting.set(`${collection}.${id}`, document === null ? null : JSON.stringify(document));
    }
    this.#work.start();
  }

  /** Resolves when the bucket holds what was noted so far, or the connection was closed before. */
  settled(): Promise<void> {
    return this.#work.settled();
  }

  async #write(): Promise<void> {
    this.#bucket ??= await openCampaignBucket(this.#connection.connection);
    if (this.#whole) await this.#compare(this.#bucket);
    for (const [key, json] of this.#waiting) {
      if (json === null) await this.#bucket.delete(key);
      else await this.#bucket.put(key, json);
      // A newer text that came meanwhile waits on.
      if (this.#waiting.get(key) === json) this.#waiting.delete(key);
    }
  }

  /** Leaves waiting only what differs from the bucket. */
  async #compare(bucket: CampaignBucket): Promise<void> {
    const present = await bucket.entries();
    this.#whole = false;
    for (const [key, json] of present) {
      if (!this.#waiting.has(key)) this.#waiting.set(key, null);
      else if (this.#waiting.get(key) === json) this.#waiting.delete(key);
    }
    for (const [key, json] of this.#waiting) if (json === null && !present.has(key)) this.#waiting.delete(key);
  }
}
