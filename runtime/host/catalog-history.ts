import type { CatalogChange } from "../../protocols/messages/catalog.ts";
import type { CatalogLog } from "../nats/catalog-log.ts";
import { RetriedWork } from "./retried-work.ts";

/** Changes between two full copies (D17). */
const COPY_EVERY = 1_000;
/** Changes that wait while NATS is away; beyond, the past has a hole and goes on with a copy. */
const WAITING_MAX = 1_024;

export interface CatalogHistoryOptions {
  readonly log: Pick<CatalogLog, "newest" | "change" | "copy">;
  /** All documents, and the version they are of. */
  readonly whole: () => Promise<{ readonly version: number; readonly documents: readonly CatalogChange[] }>;
  /** Told of each attempt that failed; it is made again. */
  readonly onFault: (error: unknown) => void;
  /** Whether there is any use in trying again. */
  readonly isClosed: () => boolean;
}

/**
 * Keeps every version of the catalog, so that decisions can be made again (D13, D17). Serving never waits for it. Y1: versions are
 * written in their order. Y2: where one is missing (the node was down, or too much waited) a full copy follows the hole.
 */
export class CatalogHistory {
  readonly #options: CatalogHistoryOptions;
  readonly #work: RetriedWork;
  #waiting: { readonly version: number; readonly changes: readonly CatalogChange[] }[] = [];
  /** The version written last; undefined: not known yet. */
  #last: number | null | undefined;
  #sinceCopy = 0;
  /** A version that the node came to at one stroke, and that may be missing. */
  #loaded: number | null = null;
  #wantsCopy = false;

  constructor(options: CatalogHistoryOptions) {
    this.#options = options;
    this.#work = new RetriedWork({
      isWanted: () => this.#hasWork() && !options.isClosed(),
      attempt: () => this.#write(),
      onFault: options.onFault,
    });
  }

  /**
   * Takes note of a version: its changes, or that the node came to it at one stroke (`whole`), without having seen every change.
   * Returns at once.
   */
  take(changes: readonly CatalogChange[], whole: boolean, version: number): void {
    if (whole) this.#loaded = version;
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ version, changes });
    else {
      this.#waiting = [];
      this.#wantsCopy = true;
    }
    this.#work.start();
  }

  /** Resolves when everything noted so far is written, or there is no use in trying. */
  settled(): Promise<void> {
    return this.#work.settled();
  }

  #hasWork(): boolean {
    return this.#loaded !== null || this.#wantsCopy || this.#waiting.length > 0;
  }

  async #write(): Promise<void> {
    const { log } = this.#options;
    if (this.#last === undefined) this.#last = await log.newest();
    if (this.#loaded !== null && this.#loaded > (this.#last ?? -1)) this.#wantsCopy = true;
    this.#loaded = null;
    if (this.#wantsCopy) {
      const { version, documents } = await this.#options.whole();
      await log.copy(version, documents);
      this.#last = Math.max(version, this.#last ?? version);
      this.#sinceCopy = 0;
      this.#wantsCopy = false;
    }
    const next = this.#waiting[0];
    if (next === undefined) return;
    if (next.version > (this.#last ?? -1)) {
      await log.change(next.version, next.changes);
      this.#wantsCopy = next.version !== (this.#last ?? -1) + 1 || ++this.#sinceCopy >= COPY_EVERY;
      this.#last = next.version;
    }
    this.#waiting.shift();
  }
}
