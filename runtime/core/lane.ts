import type { Run } from "../../protocols/envelope.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { Clock } from "./ports.ts";

export interface LaneRun extends Run {
  /** The commit of the sending partition that holds this run. */
  readonly commitSeq: number;
  /** Epoch of the sender: the answer for an older opening is ignored. */
  readonly epoch: number;
  readonly sender: Partition;
  /** At most so many bytes: those of its record. */
  readonly bytes: number;
}

/** Bytes queued or in flight in all lanes of a thread, at most: a run counts with its whole record. */
export interface LaneTally {
  bytes: number;
}

/** Envelopes a message carries at most; what queues meanwhile goes into the next (D3). */
const ENVELOPES_MAX = 2_000;
/** And bytes, unless one run alone has more; the managed server takes 8 MB (D2). */
const BYTES_MAX = 4 * 1024 * 1024;
const RETRY_MS = 250;

/**
 * Tells of all partitions of one thread to one partition: one message in flight (D3). L1: a failed publish is sent again before
 * anything newer, so the order of each sender holds; what arrives twice is dropped by its sequence (D4).
 */
export class Lane {
  readonly receiver: Partition;
  readonly #clock: Clock;
  readonly #paceMs: number;
  #queue: LaneRun[] = [];
  #inFlight: LaneRun[] = [];
  #nextAtMs = 0;
  #state: "idle" | "publishing" | "waiting" = "idle";
  #urgent = false;
  readonly #tally: LaneTally;

  constructor(receiver: Partition, clock: Clock, paceMs: number, tally: LaneTally) {
    this.#tally = tally;
    this.receiver = receiver;
    this.#clock = clock;
    this.#paceMs = paceMs;
  }

  get queued(): number {
    return this.#queue.length + this.#inFlight.length;
  }

  push(run: LaneRun, urgent: boolean): void {
    this.#queue.push(run);
    this.#tally.bytes += run.bytes;
    if (urgent) this.#urgent = true;
  }

  /** The runs of the next message, if one is due. */
  poll(): readonly LaneRun[] | null {
    const nowMs = this.#clock.monotonicMs();
    if (this.#state === "waiting" && nowMs >= this.#nextAtMs) {
      this.#state = "publishing";
      return this.#inFlight;
    }
    if (this.#state !== "idle" || this.#queue.length === 0) return null;
    if (!this.#urgent && nowMs < this.#nextAtMs) return null;
    let envelopes = 0;
    let bytes = 0;
    let count = 0;
    for (const run of this.#queue) {
      const full = envelopes + run.envelopes.length > ENVELOPES_MAX || bytes + run.bytes > BYTES_MAX;
      if (count > 0 && full) break;
      envelopes += run.envelopes.length;
      bytes += run.bytes;
      count++;
    }
    this.#inFlight = this.#queue.splice(0, count);
    this.#state = "publishing";
    this.#urgent = false;
    this.#nextAtMs = nowMs + this.#paceMs;
    return this.#inFlight;
  }

  wakeAtMs(): number {
    if (this.#state === "waiting") return this.#nextAtMs;
    if (this.#state !== "idle" || this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    return this.#urgent ? 0 : this.#nextAtMs;
  }

  /** @returns the runs that are stored now; empty when the publish has to be repeated. */
  published(stored: boolean): readonly LaneRun[] {
    if (!stored) {
      this.#state = "waiting";
      this.#nextAtMs = this.#clock.monotonicMs() + RETRY_MS;
      return [];
    }
    const runs = this.#inFlight;
    this.#inFlight = [];
    for (const run of runs) this.#tally.bytes -= run.bytes;
    this.#state = "idle";
    return runs;
  }

  /** Drops what a partition had queued: it was lost or is opened anew. */
  dropSender(sender: Partition): void {
    const dropped = this.#queue.filter((run) => run.sender === sender);
    for (const run of dropped) this.#tally.bytes -= run.bytes;
    this.#queue = this.#queue.filter((run) => run.sender !== sender);
  }
}
