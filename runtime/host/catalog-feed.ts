import { Worker } from "node:worker_threads";
import { CATALOG_KEY, catalog, type CatalogChange, INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import type { FromIndexBuilder, ToIndexBuilder } from "../threads/index-builder-messages.ts";
import type { PortAsker } from "./port-asker.ts";

export interface CatalogFeedOptions {
  readonly asker: PortAsker;
  readonly shards: number;
  readonly send: (shard: number, topic: string, version: number, buffer: SharedArrayBuffer) => void;
  /** Documents as they change, with the catalog's version, for mirrors that operators read. */
  readonly onDocuments: (changes: readonly CatalogChange[], whole: boolean, version: number) => void;
  readonly onFault: (error: unknown) => void;
}

interface Waiter {
  readonly version: number;
  readonly done: () => void;
}

const COALESCE_MS = 20;
const EXPORT_TIMEOUT_MS = 10_000;
const SERVED_TIMEOUT_MS = 2_000;
const RETRY_MS = 250;

/**
 * Brings campaign changes to every shard of this node (D17): documents → index in shared memory → shards, one index at a time.
 * K1: versions only rise. K2: a gap in the changes is filled by a full export. K3: the next index leaves when all shards took the last.
 */
export class CatalogFeed {
  readonly #options: CatalogFeedOptions;
  readonly #builder: Worker;
  readonly #served: number[];
  #version = -1;
  #built: { version: number; buffer: SharedArrayBuffer } | null = null;
  #sent = -1;
  #building = false;
  #stale = false;
  #exporting: Promise<void> | null = null;
  #waiters: Waiter[] = [];
  lastBuildMs = 0;

  constructor(options: CatalogFeedOptions) {
    this.#options = options;
    this.#served = Array.from({ length: options.shards }, () => -1);
    this.#builder = new Worker(new URL("./index-builder-worker.ts", import.meta.url));
    this.#builder.on("message", (message: FromIndexBuilder) => this.#onBuilt(message));
    this.#builder.on("error", (error) => options.onFault(error));
  }

  /** Newest version this node knows of. */
  get version(): number {
    return this.#version;
  }

  /** Version each shard decides with; −1 before the first. */
  get servedVersions(): readonly number[] {
    return this.#served;
  }

  /** Loads everything; repeated until it succeeds. */
  load(): Promise<void> {
    this.#exporting ??= this.#export().finally(() => {
      this.#exporting = null;
    });
    return this.#exporting;
  }

  /** Changes as the catalog published them. */
  changed(version: number, changes: readonly CatalogChange[]): void {
    if (version <= this.#version) return;
    if (version !== this.#version + 1) {
      void this.load();
      return;
    }
    this.#version = version;
    this.#tell({ type: "change", version, changes });
    this.#options.onDocuments(changes, false, version);
    this.#request();
  }

  /** A shard was started anew and has no snapshot. */
  shardStarted(shard: number): void {
    this.#served[shard] = -1;
    if (this.#built !== null && this.#sent >= 0)
      this.#options.send(shard, INDEX_SNAPSHOT, this.#built.version, this.#built.buffer);
  }

  shardTook(shard: number, version: number): void {
    this.#served[shard] = Math.max(this.#served[shard] ?? -1, version);
    const least = Math.min(...this.#served);
    const done = this.#waiters.filter((waiter) => waiter.version <= least);
    this.#waiters = this.#waiters.filter((waiter) => waiter.version > least);
    for (const waiter of done) waiter.done();
    if (least >= this.#sent) this.#send();
  }

  /** Waits until every shard serves the version, at most 2 s. @returns the shards that lack it then, by name. */
  async awaitServed(version: number): Promise<string[]> {
    if (version > this.#version) void this.load();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const waiter: Waiter = { version, done: () => resolve(undefined) };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => resolve(undefined), SERVED_TIMEOUT_MS);
    if (Math.min(...this.#served) >= version) waiter.done();
    await promise;
    clearTimeout(timer);
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    return this.#served.flatMap((served, shard) => (served < version ? [`shard-${shard}`] : []));
  }

  async stop(): Promise<void> {
    await this.#builder.terminate();
  }

  /** Every document at the catalog's version. @throws Fault. */
  async whole(): Promise<{ readonly version: number; readonly documents: readonly CatalogChange[] }> {
    const to = { kind: catalog.name, key: CATALOG_KEY };
    const answer = await this.#options.asker.ask(to, "Export", {}, EXPORT_TIMEOUT_MS);
    return answer as { version: number; documents: CatalogChange[] };
  }

  async #export(): Promise<void> {
    for (;;) {
      try {
        const { version, documents } = await this.whole();
        if (version < this.#version) return;
        this.#version = version;
        this.#tell({ type: "load", version, documents });
        this.#options.onDocuments(documents, true, version);
        this.#request();
        return;
      } catch (error) {
        this.#options.onFault(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Changes that come close together share an index. */
  #request(): void {
    if (this.#building) {
      this.#stale = true;
      return;
    }
    this.#building = true;
    setTimeout(() => this.#tell({ type: "build" }), COALESCE_MS);
  }

  #onBuilt(message: FromIndexBuilder): void {
    this.#building = false;
    this.lastBuildMs = message.buildMs;
    const first = this.#built === null;
    this.#built = { version: message.version, buffer: message.buffer };
    if (first || Math.min(...this.#served) >= this.#sent) this.#send();
    if (this.#stale) {
      this.#stale = false;
      this.#request();
    }
  }

  #send(): void {
    if (this.#built === null || this.#built.version <= this.#sent) return;
    this.#sent = this.#built.version;
    for (let shard = 0; shard < this.#options.shards; shard++) {
      this.#options.send(shard, INDEX_SNAPSHOT, this.#built.version, this.#built.buffer);
    }
  }

  #tell(message: ToIndexBuilder): void {
    this.#builder.postMessage(message);
  }
}
