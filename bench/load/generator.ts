import { beaconBytes, beaconPaths, bidBytes, bidTemplate } from "./bid-requests.ts";
import { HttpConnection } from "./http-connection.ts";
import { type LoadPlan, type LoadResult, requestCount } from "./load-plan.ts";
import { type LoadClock, OpenLoop } from "./open-loop.ts";

const realClock: LoadClock = {
  nowMs: () => performance.now(),
  after: (durationMs, then) => void setTimeout(then, Math.max(durationMs, 0)),
};

/**
 * Carries a plan out and answers its figures. Everything that can be is made before the first request is due.
 * @throws RangeError for an unbounded plan, the system's error when nobody listens.
 */
export async function generate(plan: LoadPlan): Promise<LoadResult> {
  const count = requestCount(plan);
  const requestAt = await requestsOf(plan);
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

async function requestsOf({ url, requests }: LoadPlan): Promise<(index: number) => Uint8Array> {
  const { host } = new URL(url);
  if (requests.kind === "beacons") return (index) => beaconBytes(host, requests.paths[index] ?? "/");
  const template = await bidTemplate();
  const { listeners, first } = requests;
  const ready = Array.from({ length: listeners }, (_, listener) => bidBytes(template, host, listener));
  return (index) => ready[(first + index) % listeners] as Uint8Array;
}
