import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { decodePartitionMeta } from "../../protocols/partition-meta.ts";
import { decodeGroup } from "../../protocols/stored-group.ts";
import type { FoldRound } from "./fold-round.ts";
import type { RecordStore } from "./ports.ts";
import { decodePartitionKey, decodeRecordKey, recordKey } from "./store-keys.ts";
import { StorePartition } from "./store-partition.ts";
import type { StoreRetention } from "./store-retention.ts";

/** A group may hold a megabyte for each partition. */
const GROUPS_A_SCAN = 16;
const NO_KEY = Uint8Array.of(0);
const EVERY_KEY = new Uint8Array(9).fill(0xff);

export interface Recovered {
  readonly partitions: Map<Partition, StorePartition>;
  readonly nextSequence: number;
}

/**
 * Reads what the file held when this process started: partition rows, then every group value, whose records above the row are folded
 * again (the same puts, so a fold cut short by a crash does no harm).
 * @throws Fault RECORD_CORRUPT naming the group, partition or record; STATE_TOO_NEW.
 */
export function recover(store: RecordStore, round: FoldRound, retention: StoreRetention, nowMs: number): Recovered {
  const partitions = new Map<Partition, StorePartition>();
  for (const { key, value } of store.scan("partitions", NO_KEY, EVERY_KEY, Infinity)) {
    const id = decodePartitionKey(key);
    partitions.set(id, new StorePartition(decodePartitionMeta(value, id)));
  }
  let last = 0;
  for (;;) {
    const entries = store.scan("records", recordKey(last + 1), EVERY_KEY, GROUPS_A_SCAN);
    for (const { key, value } of entries) {
      last = decodeRecordKey(key);
      replayGroup(value, last, partitions, round, retention, nowMs);
    }
    if (entries.length < GROUPS_A_SCAN) break;
  }
  for (const partition of partitions.values()) retention.settle(partition);
  return { partitions, nextSequence: last + 1 };
}

function replayGroup(
  value: Uint8Array,
  sequence: number,
  partitions: ReadonlyMap<Partition, StorePartition>,
  round: FoldRound,
  retention: StoreRetention,
  nowMs: number,
): void {
  const members = decodeGroup(value, sequence).map((record) => {
    const partition = partitions.get(record.partition);
    if (partition === undefined)
      throw new Fault("RECORD_CORRUPT", `group ${sequence}: partition ${record.partition} was never opened`, {
        details: { sequence, partition: record.partition },
      });
    const before = partition.commitSeq;
    partition.replay(record);
    if (partition.commitSeq > before) round.added(partition, record.bytes.byteLength, nowMs);
    return { partition, commitSeq: record.commitSeq };
  });
  retention.add(sequence, members);
}
