import type { StreamPurge } from "../nats/stream-purge.ts";

export interface StreamKeeperOptions {
  readonly purge: StreamPurge;
  readonly partitions: number;
  readonly logBytesMax: number;
  /** Sequence of the log before which no partition needs anything to be restored from its checkpoint. */
  readonly logFloor: () => Promise<number>;
  /** Asks every shard to move the tails of its logs. */
  readonly markLogs: () => void;
  readonly onPurged: (details: Record<string, unknown>) => void;
  readonly onFault: (error: unknown) => void;
}

const LOOK_MS = 10_000;
const MARKED_WITHIN_MS = 5_000;

/** Keeps mail and logs from growing for ever (D6, ADR 0008). W1: what is purged of the log lies before every partition's tail. */
export class StreamKeeper {
  readonly #options: StreamKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  #busy: Promise<void> | null = null;

  constructor(options: StreamKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#busy ??= this.look().finally(() => {
        this.#busy = null;
      });
    }, LOOK_MS);
  }

  /** Purges what may go; trouble is told and tried again at the next look. */
  async look(): Promise<void> {
    const { purge, partitions, logBytesMax, logFloor, onPurged, onFault } = this.#options;
    try {
      const mail = await purge.purgeMail(partitions);
      if (mail > 0) onPurged({ stream: "mail", messages: mail });
      const covered = await purge.purgeLog(await logFloor());
      if (covered > 0) onPurged({ stream: "log", messages: covered });
      if ((await purge.logBytes()) <= logBytesMax) return;
      const log = await this.#purgeLog();
      onPurged({ stream: "log", messages: log, beyondCheckpoints: true });
    } catch (error) {
      onFault(error);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#busy;
  }

  /** Marks, waits for the markers, and drops what lies before them. */
  async #purgeLog(): Promise<number> {
    const { purge, partitions, markLogs } = this.#options;
    const before = await purge.logLast();
    markLogs();
    const untilMs = performance.now() + MARKED_WITHIN_MS;
    while ((await purge.logTail(partitions)) <= before) {
      if (performance.now() > untilMs) return 0;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return purge.purgeLog(before + 1);
  }
}
