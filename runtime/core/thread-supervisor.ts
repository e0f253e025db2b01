import { restart, type SupervisionStrategy } from "../actor/supervision.ts";
import { hashNumbers } from "../../protocols/hash.ts";
import { randomStream } from "./random-stream.ts";
import { backoffMs, bears, withFailure } from "./supervisor.ts";

/** How threads are supervised: a dead one is replaced at once, and a node whose threads keep dying ends (D11). */
export const THREAD_STRATEGY: SupervisionStrategy = restart({
  maxRestarts: 10,
  withinMs: 60_000,
  backoffMs: { min: 20, max: 2_000 },
  then: "escalate",
});

/** Deaths of one thread, and what they mean; times are monotonic. */
export class ThreadSupervisor {
  readonly #thread: number;
  #deathsMs: number[] = [];
  /** Since the node started. */
  deaths = 0;

  /** @param thread its number: threads that die together do not come back together. */
  constructor(thread: number) {
    this.#thread = thread;
  }

  /** Deaths that count against the budget. */
  get recent(): number {
    return this.#deathsMs.length;
  }

  /** @returns after how many milliseconds it is replaced; null: its budget is spent, the node has to end. */
  died(nowMs: number): number | null {
    this.deaths++;
    this.#deathsMs = withFailure(this.#deathsMs, nowMs, THREAD_STRATEGY);
    if (!bears(this.#deathsMs, THREAD_STRATEGY)) return null;
    const random = randomStream(hashNumbers(this.#thread, this.deaths, 0, 0));
    return backoffMs(THREAD_STRATEGY.backoffMs, this.#deathsMs.length, random());
  }
}
