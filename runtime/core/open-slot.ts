import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { FencedAppend } from "./fenced-append.ts";
import type { Lane } from "./lane.ts";
import type { Suspect } from "./attempt.ts";
import { PartitionCore, retainedRecords, type PartitionEnvironment } from "./partition-core.ts";
import { PartitionOutputs } from "./partition-outputs.ts";
import type { Opening } from "./ports.ts";
import type { ShardEnvironment } from "./shard-settings.ts";

export interface SlotParts extends Pick<PartitionEnvironment, "circuits" | "snapshots" | "watch" | "emit"> {
  readonly opening: Opening;
  readonly done: { readonly epoch: number; readonly log: FencedAppend };
  readonly deadly: readonly Suspect[];
  readonly lane: (receiver: Partition) => Lane;
}

/**
 * Makes the working parts of a partition whose epoch record is stored; what an earlier life may not have published is on its way out
 * again, with the same ids (D2). @returns the Fault STREAM_REWOUND when its position does not fit the mail stream, STATE_CORRUPT when rows of its own cannot be read.
 */
export function openSlot(
  environment: ShardEnvironment,
  parts: SlotParts,
): { readonly core: PartitionCore; readonly outputs: PartitionOutputs } | Fault {
  const { settings, clock } = environment;
  const { opening, done, deadly, circuits, snapshots, watch, emit, lane } = parts;
  const shared = { ...environment, recordBytesMax: settings.recordBytesMax, circuits, snapshots, watch, emit };
  let core: PartitionCore;
  try {
    core = new PartitionCore(shared, opening, done.epoch, deadly);
    core.intake.bindStream(settings.streamIdentity);
  } catch (error) {
    return error instanceof Fault ? error : new Fault("STREAM_REWOUND", String(error), { cause: error });
  }
  const options = {
    partition: opening.partition,
    epoch: done.epoch,
    clock,
    rowPaceMs: settings.rowPaceMs,
    bytesMax: settings.logBytesMax,
    replicated: settings.replicated,
    lane,
  };
  const outputs = new PartitionOutputs(options, done.log, opening.published);
  for (const { record, bytes } of retainedRecords(opening)) {
    if (record.commitSeq > opening.published) outputs.flushed(record, bytes, 0, []);
  }
  return { core, outputs };
}
