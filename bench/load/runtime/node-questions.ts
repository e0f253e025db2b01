import type { AskLoad } from "./ask-load.ts";

/** Where and how a node of the bench runs. */
export interface NodeSettings {
  readonly folder: string;
  /** 0: as many as the daemon starts by itself. */
  readonly shards: number;
  readonly partitions: number;
}

/** What the node's process is asked. */
export type NodeQuestion =
  /** Data folder and NATS; mail may be published, nothing is consumed yet. */
  | (NodeSettings & { readonly do: "open" })
  | { readonly do: "start" }
  /** Waits until so many events were handled and their outputs took effect, all is acknowledged, and then folded. */
  | { readonly do: "drained"; readonly events: number; readonly outputs: number }
  | (AskLoad & { readonly do: "asks" })
  | { readonly do: "consults"; readonly seconds: number }
  | { readonly do: "set-alarms"; readonly alarms: number; readonly firstDueMs: number; readonly everyMs: number }
  | { readonly do: "read-alarms"; readonly alarms: number }
  /** Outputs that took effect. */
  | { readonly do: "outputs" }
  | { readonly do: "probe"; readonly reset: boolean; readonly collect: boolean }
  /** Actors in memory. */
  | { readonly do: "resident" }
  | { readonly do: "stop" };

export interface Drained {
  /** Events after a first fourth, in which everything warms up. */
  readonly events: number;
  /** From then on, until all is acknowledged, and folded. */
  readonly ackedSeconds: number;
  readonly foldedSeconds: number;
  /** From then on, of node, store, shards and nats-server. */
  readonly cpuMicros: number;
  /** All records in the partitions' logs. */
  readonly logBytes: number;
  readonly groups: number;
}
