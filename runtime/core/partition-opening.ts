import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { FencedAppend, type AppendOutcome, type FencedAction, type SubjectTail } from "./fenced-append.ts";
import type { Clock, Opening } from "./ports.ts";

export type OpeningStep =
  | { readonly step: "store" }
  | { readonly step: "tail" }
  | { readonly step: "append" }
  | { readonly step: "done"; readonly epoch: number; readonly log: FencedAppend }
  | { readonly step: "refused"; readonly fault: Fault };

export interface OpeningOptions {
  readonly partition: Partition;
  readonly clock: Clock;
  readonly paceMs: number;
  readonly bytesMax: number;
}

/** So that an outage at the start is not a busy loop. */
const RETRY_MS = 250;

/**
 * Opens a partition on its own disk (D6, D8): what the store knows, then the log's tail; what the tail lacks is shipped again in the
 * old epoch; then the epoch record of the new one. N1: no ask and no mail is handled before the epoch record is known to be stored.
 */
export class PartitionOpening {
  readonly #options: OpeningOptions;
  #opening: Opening | null = null;
  #log: FencedAppend | null = null;
  #oldEpoch = 0;
  #phase: "store" | "tail" | "reship" | "epoch" = "store";
  #current: OpeningStep = { step: "store" };
  /** When a tail that could not be read is asked for again, on the monotonic clock. */
  #readAgainAtMs = Number.POSITIVE_INFINITY;

  constructor(options: OpeningOptions) {
    this.#options = options;
  }

  get opening(): Opening | null {
    return this.#opening;
  }
  get current(): OpeningStep {
    return this.#current;
  }

  opened(opening: Opening): FencedAction {
    this.#opening = opening;
    this.#phase = "tail";
    this.#current = { step: "tail" };
    return { type: "read-tail" };
  }

  /** @param tail null when it could not be read: asked again by `poll`. */
  tailRead(tail: SubjectTail | null): FencedAction | null {
    const opening = this.#opening;
    if (opening === null) return null;
    if (this.#phase === "tail") {
      if (tail === null) {
        this.#readAgainAtMs = this.#options.clock.monotonicMs() + RETRY_MS;
        return null;
      }
      return this.#start(opening, tail);
    }
    this.#log?.tailRead(tail);
    return this.poll();
  }

  appended(outcome: AppendOutcome): FencedAction | null {
    return this.#log?.appended(outcome) ?? this.poll();
  }

  poll(): FencedAction | null {
    const log = this.#log;
    const opening = this.#opening;
    if (log === null || opening === null) return this.#readAgain();
    if (log.lost) {
      this.#refuse(new Fault("EPOCH_LOST", `another owner wrote to the log of partition ${this.#options.partition}`));
      return null;
    }
    if (this.#phase === "reship" && log.idle) this.#begin(opening, log);
    const current = this.#log;
    if (this.#phase === "epoch" && current !== null && current.idle) {
      this.#current = { step: "done", epoch: this.#oldEpoch + 1, log: current };
      return null;
    }
    return current?.poll() ?? null;
  }

  wakeAtMs(): number {
    return this.#log?.wakeAtMs() ?? this.#readAgainAtMs;
  }

  #readAgain(): FencedAction | null {
    if (this.#options.clock.monotonicMs() < this.#readAgainAtMs) return null;
    this.#readAgainAtMs = Number.POSITIVE_INFINITY;
    return { type: "read-tail" };
  }

  #start(opening: Opening, tail: SubjectTail): FencedAction | null {
    const { partition } = this.#options;
    if (tail.last > opening.commitSeq) {
      this.#refuse(
        new Fault(
          "EPOCH_LOST",
          `the log of partition ${partition} reaches commit ${tail.last}, this data folder only ${opening.commitSeq}: another node owns it, or this folder's file is old or lost (then: chorus checkpoint restore)`,
          {
            details: { partition, logCommitSeq: tail.last, commitSeq: opening.commitSeq },
          },
        ),
      );
      return null;
    }
    if (tail.last < opening.shipped) {
      this.#refuse(
        new Fault(
          "STREAM_REWOUND",
          `the log of partition ${partition} ends at commit ${tail.last}, but ${opening.shipped} was acknowledged`,
          {
            details: { partition, logCommitSeq: tail.last, shipped: opening.shipped },
          },
        ),
      );
      return null;
    }
    this.#oldEpoch = Math.max(opening.epoch, tail.epoch);
    this.#phase = "reship";
    this.#current = { step: "append" };
    this.#log = this.#appender(this.#oldEpoch, tail);
    for (const { commitSeq, bytes } of opening.retained) this.#log.push({ last: commitSeq, rows: [bytes] }, true);
    return this.poll();
  }

  /** The epoch record: a message without rows that reaches the last commit (D5). */
  #begin(opening: Opening, shipped: FencedAppend): void {
    this.#phase = "epoch";
    const tail = { sequence: shipped.sequence, epoch: this.#oldEpoch, last: opening.commitSeq - 1 };
    this.#log = this.#appender(this.#oldEpoch + 1, tail);
    this.#log.push({ last: opening.commitSeq, rows: [] }, true);
  }

  #appender(epoch: number, tail: SubjectTail): FencedAppend {
    const { clock, paceMs, bytesMax } = this.#options;
    return new FencedAppend({ clock, epoch, paceMs, bytesMax, packed: true, strict: true }, tail);
  }

  #refuse(fault: Fault): void {
    this.#current = { step: "refused", fault };
  }
}
