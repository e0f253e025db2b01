import type { PartitionEnvironment } from "./partition-core.ts";

/** Bounds and paces of a shard; each has its default in config. */
export interface ShardSettings {
  readonly logPaceMs: number;
  /** Least time between two messages of a lane. */
  readonly outputPaceMs: number;
  /** Least time between two messages of decision rows or dead letters of a partition. */
  readonly rowPaceMs: number;
  readonly logBytesMax: number;
  readonly replicated: boolean;
  /** Handler time after which a group is cut (D1). */
  readonly groupMs: number;
  readonly groupEnvelopesMax: number;
  readonly recordBytesMax: number;
  /** Groups sent to the store and not yet answered. */
  readonly groupsInFlightMax: number;
  readonly asksMax: number;
  /** Questions to agents outside under way, and their bytes (D15). */
  readonly outsideRequestsMax: number;
  readonly outsideBytesMax: number;
  readonly passivateAfterMs: number;
  readonly residentBytesMax: number;
  /** Unshipped bytes of a partition above which asks are shed (D2). */
  readonly unshippedBytesMax: number;
  readonly streamIdentity: string;
}

export type ShardEnvironment = Omit<
  PartitionEnvironment,
  "circuits" | "snapshots" | "watch" | "emit" | "recordBytesMax"
> & {
  readonly settings: ShardSettings;
};
