import type { WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { Suspect } from "./attempt.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { PartitionOpening } from "./partition-opening.ts";
import type { PartitionOutputs } from "./partition-outputs.ts";

/** A partition on a shard: being opened, open (core and outputs), or refused (neither). */
export interface SlotState {
  readonly partition: Partition;
  readonly opening: PartitionOpening | null;
  /** Number of the open request whose answer is awaited. */
  readonly request: number;
  /** What threads died in, and what must not run again (D11). */
  readonly deadly: readonly Suspect[];
  readonly core: PartitionCore | null;
  readonly outputs: PartitionOutputs | null;
  /** Why it is refused. */
  readonly fault: WireFault | null;
}
