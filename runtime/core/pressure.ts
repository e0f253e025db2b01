import type { LaneTable } from "./lane-table.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { SlotState } from "./partition-slot.ts";

/** Gauges of one shard, and `asksShed`, which counts. */
export interface ShardLoad {
  readonly asksWaiting: number;
  readonly asksShed: number;
  readonly laneBytes: number;
  /** Partitions whose outputs do not get out. */
  readonly pressedPartitions: number;
  readonly taps: number;
}

/** What of a shard may run: where outputs do not get out, nothing that makes more of them does, neither asks nor mail nor timers (D2, D11). */
export class Pressure {
  readonly #lanes: LaneTable;
  readonly #bytesMax: number;

  /** @param bytesMax that may wait for the subjects of one partition, and for all lanes together. */
  constructor(lanes: LaneTable, bytesMax: number) {
    this.#lanes = lanes;
    this.#bytesMax = bytesMax;
  }

  holds({ outputs }: Pick<SlotState, "outputs">): boolean {
    return outputs !== null && (outputs.waitingBytes > this.#bytesMax || this.#lanes.bytes > this.#bytesMax);
  }

  /** Open partitions with mail or timers that may run now. */
  workable(slots: Iterable<SlotState>, nowMs: number): PartitionCore[] {
    const cores: PartitionCore[] = [];
    for (const slot of slots)
      if (slot.core !== null && slot.core.hasWork(nowMs) && !this.holds(slot)) cores.push(slot.core);
    return cores;
  }

  /** Milliseconds until something of a partition comes due; Infinity = nothing. */
  dueInMs(slot: SlotState, monotonicMs: number, nowMs: number): number {
    const { core, outputs, opening } = slot;
    return Math.min(
      core !== null && !this.holds(slot) ? core.timers.nextMs() - nowMs : Number.POSITIVE_INFINITY,
      (outputs?.wakeAtMs() ?? Number.POSITIVE_INFINITY) - monotonicMs,
      (opening?.wakeAtMs() ?? Number.POSITIVE_INFINITY) - monotonicMs,
    );
  }
}
