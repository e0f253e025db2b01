import type { Clock } from "../../runtime/core/ports.ts";

/** Time that stands still until the test moves it. */
export class ManualClock implements Clock {
  #elapsedMs = 0;

  nowMs(): number {
    return 1_700_000_000_000 + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  advance(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }
}
