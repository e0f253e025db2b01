/** What one call of the generator sends, and at which pace. All of it is bounded: requests, seconds and connections. */
export interface LoadPlan {
  /** Loopback only: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: RequestMix;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export type RequestMix =
  /** Bid requests of so many different listeners, in turn, beginning with listener `first`. */
  | { readonly kind: "bids"; readonly listeners: number; readonly first: number; readonly collect: boolean }
  /** GET of each path, in turn; as many as the plan sends, because a beacon counts once. */
  | { readonly kind: "beacons"; readonly paths: readonly string[] };

/** Latencies in milliseconds, from the moment a request was due, not from when it could be written. */
export interface LatencyFigures {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface LoadResult extends LatencyFigures {
  readonly offered: number;
  /** Answers of any status. */
  readonly answered: number;
  /** Answers before the last request was due, each second. */
  readonly achievedPerSecond: number;
  /** Count by status; a 204 with its no-bid reason, as `204/508`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests lost with their connection, or unanswered at the deadline. */
  readonly lost: number;
  /** How late the generator itself was with the last percent of requests, waiting for a free connection included. */
  readonly sendLagP99Ms: number;
  /** Paths of the beacons that collected bids carry. */
  readonly beacons: readonly string[];
}

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);
const REQUESTS_MAX = 2_000_000;
const CONNECTIONS_MAX = 1_024;
const SECONDS_MAX = 600;

/** @returns how many requests the plan sends. @throws RangeError for a plan that is not bounded, or leaves this machine. */
export function requestCount(plan: LoadPlan): number {
  const { hostname } = new URL(plan.url);
  if (!LOOPBACK.has(hostname)) throw new RangeError(`load is for loopback only, not for ${hostname}`);
  const count = Math.max(Math.floor(plan.ratePerSecond * plan.seconds), 1);
  if (!(count <= REQUESTS_MAX)) throw new RangeError(`${count} requests: must be at most ${REQUESTS_MAX}`);
  if (plan.seconds > SECONDS_MAX) throw new RangeError(`${plan.seconds} s: must be at most ${SECONDS_MAX}`);
  if (!(plan.connections >= 1 && plan.connections <= CONNECTIONS_MAX)) {
    throw new RangeError(`${plan.connections} connections: must be 1 to ${CONNECTIONS_MAX}`);
  }
  if (plan.requests.kind === "beacons" && plan.requests.paths.length < count) {
    throw new RangeError(`${count} requests, but only ${plan.requests.paths.length} beacons`);
  }
  return count;
}
