import { beaconBytes, beaconPaths, bidBytes, bidTemplate } from "./bid-requests.ts";
import { HttpConnection } from "./http-connection.ts";
import { type LoadPlan, type LoadResult, requestCount } from "./load-plan.ts";
import { type LoadClock, OpenLoop } from "./open-loop.ts";

const realClock: LoadClock = {
  nowMs: () => performance.now(),
  after: (durationMs, then) => void setTimeout(then, Math.max(durationMs, 0)),
};

/** Carries plans out, one after the other. Everything that can be is made before the first request is due. */
export class Generator {
  /** Bid requests by host and number of listeners, kept for the next plan. */
  readonly #bids = new Map<string, readonly Uint8Array[]>();

  /** @throws RangeError for an unbounded plan, the system's error when nobody listens. */
  async generate(plan: LoadPlan): Promise<LoadResult> {
    const count = requestCount(plan);
    const requestAt = await this.#requestsOf(plan);
    const collects = plan.requests.kind === "bids" && plan.requests.collect;
    const opening = Array.from({ length: plan.connections }, () => HttpConnection.open(plan.url, collects));
    const connections = await Promise.all(opening);
    const beacons: string[] = [];
    try {
      const result = await OpenLoop.run({
        clock: realClock,
        connections,
        count,
        ratePerSecond: plan.ratePerSecond,
        requestAt,
        onAnswer: ({ body }) => {
          if (body !== "") beacons.push(...beaconPaths(body));
        },
      });
      return { ...result, beacons };
    } finally {
      for (const connection of connections) connection.close();
    }
  }

  async #requestsOf({ url, requests }: LoadPlan): Promise<(index: number) => Uint8Array> {
    const { host } = new URL(url);
    if (requests.kind === "beacons") return (index) => beaconBytes(host, requests.paths[index] ?? "/");
    const { listeners, first } = requests;
    const ready = await this.#bidsOf(host, listeners);
    return (index) => ready[(first + index) % listeners] as Uint8Array;
  }

  async #bidsOf(host: string, listeners: number): Promise<readonly Uint8Array[]> {
    const name = `${host} ${listeners}`;
    const kept = this.#bids.get(name);
    if (kept !== undefined) return kept;
    const template = await bidTemplate();
    const made = Array.from({ length: listeners }, (_, listener) => bidBytes(template, host, listener));
    this.#bids.set(name, made);
    return made;
  }
}
