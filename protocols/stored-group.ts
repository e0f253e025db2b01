import { decodeChecked, encodeChecked } from "./checked-bytes.ts";
import { asPartition, type Partition } from "./ids.ts";

/** One partition's record inside a stored group; `bytes` is the commit record as its shard encoded it. */
export interface StoredRecord {
  readonly partition: Partition;
  readonly incarnation: number;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly bytes: Uint8Array;
}

const VERSION = 1;

/** A commit group as the store's file holds it: one value however many partitions it touched (D7). */
export function encodeGroup(records: readonly StoredRecord[]): Uint8Array {
  return encodeChecked(
    VERSION,
    records.map((r) => [r.partition, r.incarnation, r.epoch, r.commitSeq, r.bytes]),
  );
}

/** @param sequence of the store, named in errors. @throws Fault RECORD_CORRUPT or STATE_TOO_NEW. */
export function decodeGroup(bytes: Uint8Array, sequence: number): StoredRecord[] {
  const rows = decodeChecked(VERSION, bytes, `group ${sequence}`) as [number, number, number, number, Uint8Array][];
  return rows.map(([partition, incarnation, epoch, commitSeq, record]) => ({
    partition: asPartition(partition),
    incarnation,
    epoch,
    commitSeq,
    bytes: record,
  }));
}
