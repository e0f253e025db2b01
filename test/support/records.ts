import { encodeRecord, type CommitRecord } from "../../protocols/commit-record.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { PartitionRecord } from "../../runtime/core/ports.ts";

/** A commit record with the fields a test names; the rest is empty. */
export function commitRecord(partition: number, commitSeq: number, fields: Partial<CommitRecord> = {}): CommitRecord {
  return {
    partition: asPartition(partition),
    epoch: 1,
    commitSeq,
    position: null,
    received: [],
    sent: [],
    states: [],
    timers: [],
    outbox: [],
    decisions: [],
    deadLetters: [],
    topics: [],
    snapshots: [],
    published: 0,
    nowMs: 0,
    ...fields,
  };
}

/** The same as a shard sends it to the store. */
export function partitionRecord(
  partition: number,
  incarnation: number,
  commitSeq: number,
  fields: Partial<CommitRecord> = {},
): PartitionRecord {
  const record = commitRecord(partition, commitSeq, fields);
  return { partition: record.partition, incarnation, epoch: record.epoch, commitSeq, bytes: encodeRecord(record) };
}
