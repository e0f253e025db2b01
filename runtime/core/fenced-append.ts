import type { Clock } from "./ports.ts";

/** One thing to append: what it reaches (a commitSeq or version) and its rows. */
export interface AppendItem {
  readonly last: number;
  readonly rows: readonly Uint8Array[];
}

/** Last message of a fenced subject: who wrote it and how far it reaches. */
export interface SubjectTail {
  /** Stream sequence; 0 when the subject is empty. */
  readonly sequence: number;
  readonly epoch: number;
  readonly last: number;
}

export type AppendOutcome =
  | { readonly outcome: "stored"; readonly sequence: number }
  | { readonly outcome: "fenced" }
  | { readonly outcome: "unknown"; readonly reason: string };

export type FencedAction =
  | {
      readonly type: "append";
      readonly rows: readonly Uint8Array[];
      readonly epoch: number;
      readonly first: number;
      readonly last: number;
      readonly expectedSequence: number;
    }
  | { readonly type: "read-tail" };

export interface FencedOptions {
  readonly clock: Clock;
  readonly epoch: number;
  /** Least time between two appends, unless bytes or urgency say otherwise (D3). */
  readonly paceMs: number;
  readonly bytesMax: number;
  /** false: each item is a message of its own (topics). */
  readonly packed: boolean;
  /** true: only a tail of my own epoch proves that an item is stored (the partition log); false: the same or a later reach does (D5). */
  readonly strict: boolean;
}

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
const RETRY_MS = 250;

/**
 * Appends to one subject behind its fence, one message in flight (D3, D5). F1: an item is done only when it is known to be stored, by
 * acknowledgement or by the tail. F2: after any doubt the tail is read first: my epoch and reach = stored; older = send again; a
 * higher epoch = lost, and nothing more leaves.
 */
export class FencedAppend {
  readonly #options: FencedOptions;
  #queue: AppendItem[] = [];
  #queuedBytes = 0;
  #inFlight: readonly AppendItem[] = [];
  #state: "idle" | "appending" | "reading" | "waiting" | "lost" = "idle";
  #sequence: number;
  #done: number;
  #nextAtMs = 0;
  #urgent = false;

  /** @param tail null when it has not been read yet: that is then the first thing to do. */
  constructor(options: FencedOptions, tail: SubjectTail | null) {
    this.#options = options;
    this.#sequence = tail?.sequence ?? 0;
    this.#done = tail?.last ?? 0;
    if (tail === null) this.#state = "waiting";
  }

  /** commitSeq or version up to which everything is known to be stored. */
  get done(): number {
    return this.#done;
  }
  /** Stream sequence of the subject's last message. */
  get sequence(): number {
    return this.#sequence;
  }
  get lost(): boolean {
    return this.#state === "lost";
  }
  get queuedBytes(): number {
    return this.#queuedBytes;
  }
  get idle(): boolean {
    return this.#queue.length === 0 && this.#inFlight.length === 0;
  }

  /** Nothing queued, nothing awaited: there is nothing to poll for. */
  get resting(): boolean {
    return this.#state === "idle" && this.#queue.length === 0;
  }

  /** Queues an item; one that the subject already reaches is skipped (D5). */
  push(item: AppendItem, urgent = false): void {
    if (item.last <= this.#done) return;
    this.#queue.push(item);
    this.#queuedBytes += byteLength([item]);
    if (urgent) this.#urgent = true;
  }

  /** Moves the subject's tail by a message without rows, so that what lies before it may be purged (ADR 0008). */
  mark(): void {
    if (!this.idle || this.#state !== "idle") return;
    this.#queue.push({ last: this.#done, rows: [] });
    this.#urgent = true;
  }

  /** What to do now, if anything. */
  poll(): FencedAction | null {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#state === "waiting" && nowMs >= this.#nextAtMs) {
      this.#state = "reading";
      return { type: "read-tail" };
    }
    if (this.#state !== "idle" || this.#queue.length === 0) return null;
    if (!this.#urgent && nowMs < this.#nextAtMs && this.#queuedBytes < this.#options.bytesMax) return null;
    return this.#send(nowMs);
  }

  /** When `poll` may have something to do, on the monotonic clock; Infinity while an answer is awaited. */
  wakeAtMs(): number {
    if (this.#state === "waiting") return this.#nextAtMs;
    if (this.#state !== "idle" || this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    return this.#urgent || this.#queuedBytes >= this.#options.bytesMax ? 0 : this.#nextAtMs;
  }

  appended(result: AppendOutcome): FencedAction | null {
    if (this.#state !== "appending") return null;
    if (result.outcome === "stored") {
      this.#sequence = result.sequence;
      this.#complete();
      return null;
    }
    if (result.outcome === "fenced") {
      this.#state = "reading";
      return { type: "read-tail" };
    }
    this.#wait();
    return null;
  }

  /** @param tail null when it could not be read. */
  tailRead(tail: SubjectTail | null): void {
    if (this.#state !== "reading") return;
    if (tail === null) {
      this.#wait();
      return;
    }
    if (tail.epoch > this.#options.epoch) {
      this.#state = "lost";
      return;
    }
    this.#sequence = tail.sequence;
    const reached = tail.epoch === this.#options.epoch || !this.#options.strict ? tail.last : this.#done;
    this.#done = Math.max(this.#done, reached);
    this.#queue = [...this.#inFlight, ...this.#queue].filter((item) => item.last > this.#done);
    this.#queuedBytes = byteLength(this.#queue);
    this.#inFlight = [];
    this.#state = "idle";
    this.#urgent = true;
  }

  #send(nowMs: number): FencedAction {
    let bytes = 0;
    let count = 0;
    for (const item of this.#queue) {
      const itemBytes = byteLength([item]);
      if (count > 0 && (!this.#options.packed || bytes + itemBytes > MESSAGE_BYTES_MAX)) break;
      bytes += itemBytes;
      count++;
    }
    this.#inFlight = this.#queue.splice(0, count);
    this.#queuedBytes -= bytes;
    this.#urgent = false;
    this.#state = "appending";
    this.#nextAtMs = nowMs + this.#options.paceMs;
    return {
      type: "append",
      rows: this.#inFlight.flatMap((item) => item.rows),
      epoch: this.#options.epoch,
      first: this.#inFlight[0]?.last ?? 0,
      last: this.#inFlight.at(-1)?.last ?? 0,
      expectedSequence: this.#sequence,
    };
  }

  #complete(): void {
    this.#done = Math.max(this.#done, this.#inFlight.at(-1)?.last ?? 0);
    this.#inFlight = [];
    this.#state = "idle";
  }

  #wait(): void {
    this.#state = "waiting";
    this.#nextAtMs = this.#options.clock.monotonicMs() + RETRY_MS;
  }
}

function byteLength(items: readonly AppendItem[]): number {
  let bytes = 0;
  for (const item of items) for (const row of item.rows) bytes += row.byteLength;
  return bytes;
}
