/** What one HTTP server lets a slow or hostile client hold. */
export interface ServerLimits {
  readonly bodyBytesMax: number;
  readonly jsonDepthMax: number;
  /** More connections are closed at once. */
  readonly connectionsMax: number;
  /** For the head of a request; Node's default of 60 s lets slow senders pile up (facts/faults.md 2d). */
  readonly headersTimeoutMs: number;
  /** For a whole request. */
  readonly requestTimeoutMs: number;
  /** Idle between two requests. Above the minute that load balancers keep, so that we never close first. */
  readonly keepAliveTimeoutMs: number;
}

export const SERVING_LIMITS: ServerLimits = {
  bodyBytesMax: 1024 * 1024,
  jsonDepthMax: 64,
  connectionsMax: 10_000,
  headersTimeoutMs: 3_000,
  requestTimeoutMs: 5_000,
  keepAliveTimeoutMs: 75_000,
};

/** Whole campaign documents come here; their bound is the catalog's, below that of an envelope (D2). */
export const ADMIN_LIMITS: ServerLimits = {
  ...SERVING_LIMITS,
  bodyBytesMax: 5 * 1024 * 1024,
  connectionsMax: 200,
  requestTimeoutMs: 15_000,
};
