import { decodeChecked, encodeChecked } from "./checked-bytes.ts";
import type { MailPosition } from "./commit-record.ts";
import type { Sender } from "./envelope.ts";
import { asPartition, type Partition } from "./ids.ts";

/** Where a partition stands once its records up to `commitSeq` are folded into state keys (D7, D8). */
export interface PartitionMeta {
  readonly partition: Partition;
  /** Part of every key of the partition; grows when the partition is dropped whole and restored (D6). */
  readonly generation: number;
  /** The newest opening; grows at each, also across restarts. */
  readonly incarnation: number;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly position: MailPosition | null;
  readonly received: readonly (readonly [sender: Sender, sequence: number])[];
  readonly sent: readonly (readonly [to: Partition, sequence: number])[];
  readonly nowMs: number;
  /** Known appended and acknowledged when the row was written; the truth may be further. */
  readonly shipped: number;
  readonly published: number;
}

const VERSION = 1;

export function encodePartitionMeta(meta: PartitionMeta): Uint8Array {
  const { position } = meta;
  return encodeChecked(VERSION, [
    meta.partition,
    meta.generation,
    meta.incarnation,
    meta.epoch,
    meta.commitSeq,
    position === null ? null : [position.stream, position.sequence, position.index],
    meta.received,
    meta.sent,
    meta.nowMs,
    meta.shipped,
    meta.published,
  ]);
}

type RawMeta = [
  number,
  number,
  number,
  number,
  number,
  [string, number, number] | null,
  [Sender, number][],
  [number, number][],
  number,
  number,
  number,
];

/** @param partition as the row's key says, named in errors. @throws Fault RECORD_CORRUPT or STATE_TOO_NEW. */
export function decodePartitionMeta(bytes: Uint8Array, partition: number): PartitionMeta {
  const raw = decodeChecked(VERSION, bytes, `partition row ${partition}`) as RawMeta;
  return {
    partition: asPartition(raw[0]),
    generation: raw[1],
    incarnation: raw[2],
    epoch: raw[3],
    commitSeq: raw[4],
    position: raw[5] === null ? null : { stream: raw[5][0], sequence: raw[5][1], index: raw[5][2] },
    received: raw[6],
    sent: raw[7].map(([to, sequence]) => [asPartition(to), sequence] as const),
    nowMs: raw[8],
    shipped: raw[9],
    published: raw[10],
  };
}
