import type { MessagePort } from "node:worker_threads";
import type { NatsAccess } from "./nats-access.ts";

/** What a gateway's pinned task is started with. */
export interface GatewayTask {
  readonly gateway: number;
  readonly partitions: number;
  readonly shards: number;
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly publicUrl: string | null;
  readonly nats: NatsAccess;
  readonly clockOffsetMs: number;
  readonly pseudonymKey: Uint8Array;
  readonly tokenKey: Uint8Array;
  readonly bidTimeoutMs: number;
  readonly networkAllowanceMs: number;
  readonly beaconTimeoutMs: number;
  readonly bodyBytesMax: number;
  /** Our buyer seat. */
  readonly seat: string | null;
  readonly gvlVendorId: number | null;
  readonly unknownCountry: "restrict" | "open";
  /** Name → bearer token of those who may send events. */
  readonly senders: Readonly<Record<string, string>>;
  /** Networks of data centres, as CIDR. */
  readonly datacenterNets: readonly string[];
  readonly control: MessagePort;
}

/** From the daemon to a gateway. */
export type ToGateway =
  | { readonly type: "attach"; readonly shard: number; readonly port: MessagePort }
  /** Why the node does not serve; null when it does. */
  | { readonly type: "readiness"; readonly unready: string | null }
  | { readonly type: "close" };

/** Requests of one kind since the last report. */
export interface RequestTally {
  readonly route: string;
  readonly status: number;
  readonly outcome: string;
  count: number;
  sumMs: number;
  /** Counts by upper bound of `LATENCY_BOUNDS_MS`; the last counts what is above all. */
  readonly buckets: number[];
}

export const LATENCY_BOUNDS_MS = [
  0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 35, 50, 75, 100, 250, 1_000,
] as const;

/** From a gateway to the daemon. */
export type FromGateway =
  | { readonly type: "listening"; readonly url: string }
  | { readonly type: "listen-failed"; readonly code: string; readonly message: string }
  | { readonly type: "tallies"; readonly tallies: readonly RequestTally[]; readonly asksWaiting: number }
  | { readonly type: "error"; readonly message: string; readonly stack: string | null };
