import { once } from "node:events";
import { Worker, type MessagePort } from "node:worker_threads";
import { Fault, fromWireFault } from "../../protocols/errors.ts";
import type { StoreFigures } from "../core/committer.ts";
import type { FromStoreWorker, StoreWorkerData, ToStoreWorker } from "../threads/store-messages.ts";

const STATS_TIMEOUT_MS = 2_000;
/** Who asks while so many wait is told that the store does not answer. */
const STATS_WAITING_MAX = 1_000;

/**
 * The daemon's hand on the store thread, which is never terminated (reliability.md 1.1). `failed` resolves when it cannot go on: the
 * daemon then stops answering and exits (fail-stop).
 */
export class StoreThread {
  readonly #worker: Worker;
  readonly #stats = new Map<number, (figures: StoreFigures) => void>();
  readonly #ready = Promise.withResolvers<StoreFigures>();
  readonly #closed = Promise.withResolvers<undefined>();
  readonly failed: Promise<Fault>;
  #request = 0;

  constructor(data: StoreWorkerData) {
    this.#worker = new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: data });
    const failed = Promise.withResolvers<Fault>();
    this.failed = failed.promise;
    this.#worker.on("message", (message: FromStoreWorker) => {
      switch (message.type) {
        case "ready":
          return this.#ready.resolve(message.figures);
        case "stats":
          this.#stats.get(message.request)?.(message.figures);
          this.#stats.delete(message.request);
          return;
        case "closed":
          return this.#closed.resolve(undefined);
        case "failed":
          return failed.resolve(fromWireFault(message.fault));
      }
    });
    this.#worker.on("error", (cause) => failed.resolve(new Fault("STORE_CLOSED", "the store thread died", { cause })));
    void this.failed.then((fault) => this.#ready.reject(fault));
    this.#ready.promise.catch(() => undefined);
  }

  /** @throws Fault when the file cannot be opened or is damaged. */
  get ready(): Promise<StoreFigures> {
    return this.#ready.promise;
  }

  attach(shard: number, port: MessagePort): void {
    this.#tell({ type: "attach", shard, port }, [port]);
  }

  /** The store's figures, or null when it does not answer in time. */
  async figures(): Promise<StoreFigures | null> {
    if (this.#stats.size >= STATS_WAITING_MAX) return null;
    const request = ++this.#request;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#stats.delete(request);
        resolve(null);
      }, STATS_TIMEOUT_MS);
      this.#stats.set(request, (figures) => {
        clearTimeout(timer);
        resolve(figures);
      });
      this.#tell({ type: "stats", request });
    });
  }

  /** Commits what has arrived, folds to the end and closes the file. */
  async close(): Promise<void> {
    const exited = once(this.#worker, "exit");
    this.#tell({ type: "close", fold: true });
    await Promise.race([this.#closed.promise, this.failed]);
    await exited;
  }

  #tell(message: ToStoreWorker, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
