import type { AttemptMemory } from "../threads/attempt-memory.ts";

/** Looks within the time after which a thread counts as hung: so many times in a row its event loop must not have turned. */
const LOOKS = 10;
const LOOK_MIN_MS = 10;

interface Watched {
  readonly memory: AttemptMemory;
  beats: number;
  still: number;
}

export interface WatchdogOptions {
  /** Milliseconds without a turn of its event loop after which a thread hangs; 0 = none is watched. */
  readonly hangAfterMs: number;
  readonly onHang: (shard: number) => void;
}

/**
 * Notices shard threads whose event loop stands still: a handler that never returns (D11). W1: looks are counted, not clocks read, so
 * that a process that was stopped and goes on finds nobody hung. A thread is watched from its first beat: starting may take long.
 */
export class ShardWatchdog {
  readonly #options: WatchdogOptions;
  readonly #watched = new Map<number, Watched>();
  readonly #timer: NodeJS.Timeout | null;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const everyMs = Math.max(LOOK_MIN_MS, Math.ceil(options.hangAfterMs / LOOKS));
    this.#timer = options.hangAfterMs === 0 ? null : setInterval(() => this.look(), everyMs).unref();
  }

  /** In place of the thread that was watched before. */
  watch(shard: number, memory: AttemptMemory): void {
    this.#watched.set(shard, { memory, beats: 0, still: 0 });
  }

  forget(shard: number): void {
    this.#watched.delete(shard);
  }

  /** One look at all threads. */
  look(): void {
    for (const [shard, watched] of this.#watched) {
      const { beats } = watched.memory;
      if (beats !== watched.beats || beats === 0) {
        watched.beats = beats;
        watched.still = 0;
      } else if (++watched.still >= LOOKS) {
        this.#watched.delete(shard);
        this.#options.onHang(shard);
      }
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#watched.clear();
  }
}
