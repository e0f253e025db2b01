const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;

export interface RetriedWorkOptions {
  /** Whether there is something to do, and any use in trying. */
  readonly isWanted: () => boolean;
  /** Does some of it. */
  readonly attempt: () => Promise<void>;
  /** Told of each attempt that failed; it is made again after a backoff from 250 ms to 10 s. */
  readonly onFault: (error: unknown) => void;
}

/** Work in the background that nobody waits for: one attempt after the other until nothing is left to do. R1: what came while the last attempt ended is done too. */
export class RetriedWork {
  readonly #options: RetriedWorkOptions;
  #running: Promise<void> | null = null;

  constructor(options: RetriedWorkOptions) {
    this.#options = options;
  }

  /** Something is there to do. Returns at once. */
  start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#options.isWanted()) this.start();
    });
  }

  /** Resolves when everything noted so far is done, or there is no use in trying. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    const { isWanted, attempt, onFault } = this.#options;
    let retryMs = RETRY_MIN_MS;
    while (isWanted()) {
      try {
        await attempt();
        retryMs = RETRY_MIN_MS;
      } catch (error) {
        onFault(error);
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
      }
    }
  }
}
