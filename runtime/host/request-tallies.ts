import type { Observation } from "../http/server.ts";
import { LATENCY_BOUNDS_MS, type RequestTally } from "../threads/gateway-thread-messages.ts";

const KINDS_MAX = 500;

/** Counts requests by route, status and outcome until they are reported. Bounded: routes are patterns, not paths. */
export class RequestTallies {
  #tallies = new Map<string, RequestTally>();

  observe({ route, status, outcome, durationMs }: Observation): void {
    const name = `${route} ${status} ${outcome}`;
    let tally = this.#tallies.get(name);
    if (tally === undefined) {
      if (this.#tallies.size >= KINDS_MAX) return;
      tally = {
        route,
        status,
        outcome,
        count: 0,
        sumMs: 0,
        buckets: new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0),
      };
      this.#tallies.set(name, tally);
    }
    tally.count++;
    tally.sumMs += durationMs;
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && durationMs > (LATENCY_BOUNDS_MS[bucket] ?? 0)) bucket++;
    tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + 1;
  }

  /** What was counted since the last take. */
  take(): RequestTally[] {
    const tallies = [...this.#tallies.values()];
    this.#tallies = new Map();
    return tallies;
  }
}
