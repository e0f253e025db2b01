import type { AttemptMemory } from "../threads/attempt-memory.ts";

/** A thread is looked at so often within the time after which it hangs, and at least this often for its heap. */
const LOOKS = 10;
const LOOK_MIN_MS = 10;
const LOOK_MAX_MS = 200;
/** Looks without a turn after which the heap of a thread that runs a handler is looked at. */
const HEAP_LOOKS = 2;

interface Watched {
  readonly memory: AttemptMemory;
  beats: number;
  still: number;
  /** Its heap was asked for. */
  asked: boolean;
}

export interface WatchdogOptions {
  /** Milliseconds without a turn of its event loop after which a thread hangs; 0 = none is watched. */
  readonly hangAfterMs: number;
  /** Bytes of JavaScript objects that a thread may have while one handler runs for long. */
  readonly heapBytesMax: number;
  /** Bytes of a thread's heap now; rejects when it ended. */
  readonly heapOf: (shard: number) => Promise<number>;
  readonly onHang: (shard: number) => void;
  readonly onFull: (shard: number, heapBytes: number) => void;
}

/**
 * Notices shard threads whose event loop stands still: a handler that never returns, or that allocates without end (D11). W1: looks are
 * counted, not clocks read, so that a process that was stopped and goes on finds nobody hung. A thread is watched from its first beat:
 * starting may take long. W2: a full heap is noticed well before V8's own limit, which ends the whole process where one object alone
 * grows past it (ADR 0014).
 */
export class ShardWatchdog {
  readonly #options: WatchdogOptions;
  readonly #looks: number;
  readonly #watched = new Map<number, Watched>();
  readonly #timer: NodeJS.Timeout | null;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const { hangAfterMs } = options;
    const everyMs = Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, Math.ceil(hangAfterMs / LOOKS)));
    this.#looks = Math.ceil(hangAfterMs / everyMs);
    this.#timer = hangAfterMs === 0 ? null : setInterval(() => this.look(), everyMs).unref();
  }

  /** In place of the thread that was watched before. */
  watch(shard: number, memory: AttemptMemory): void {
    this.#watched.set(shard, { memory, beats: 0, still: 0, asked: false });
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
      } else if (++watched.still >= this.#looks) {
        this.#watched.delete(shard);
        this.#options.onHang(shard);
      } else if (watched.still >= HEAP_LOOKS && !watched.asked && watched.memory.read() !== null) {
        watched.asked = true;
        void this.#lookAtHeap(shard, watched);
      }
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#watched.clear();
  }

  async #lookAtHeap(shard: number, watched: Watched): Promise<void> {
    // What cannot be asked has ended, or hangs where nothing can ask it: both are noticed otherwise.
    const heapBytes = await this.#options.heapOf(shard).catch(() => 0);
    watched.asked = false;
    const still = this.#watched.get(shard) === watched && watched.still > 0;
    if (!still || heapBytes <= this.#options.heapBytesMax) return;
    this.#watched.delete(shard);
    this.#options.onFull(shard, heapBytes);
  }
}
