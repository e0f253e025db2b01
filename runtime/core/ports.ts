import type { MailPosition } from "../../protocols/commit-record.ts";
import type { Sender } from "../../protocols/envelope.ts";
import type { WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";

/*
 * The ports of D19: all that the core knows of the world. Threads and adapters carry these values; the deterministic simulation and the
 * contract tests carry the same ones.
 */

export interface Clock {
  /** Wall clock, milliseconds since 1970; may step back. */
  nowMs(): number;
  /** Never steps back; milliseconds from an arbitrary start, with fractions. */
  monotonicMs(): number;
}

/** Tables of the node's file. Keys order by bytes. */
export type Table = "records" | "state" | "timers" | "partitions";

export interface Put {
  readonly table: Table;
  readonly key: Uint8Array;
  /** null deletes. */
  readonly value: Uint8Array | null;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The node's durable file as its one writer sees it (D7, reliability.md 1). */
export interface RecordStore {
  /** Durable when it returns (fsync); all or nothing. @throws Fault STORE_CLOSED when the disk fails: fail-stop. */
  transaction(puts: readonly Put[]): void;
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** Entries with from ≤ key < to, in order, at most `limit`. */
  scan(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Entry[];
}

export interface TimerRow {
  readonly dueMs: number;
  readonly kind: string;
  readonly key: string;
  readonly name: string;
}

/** What a shard reads of the file: what was folded, as of its last `refresh` (D8). */
export interface StateReader {
  read(partition: Partition, generation: number, kind: string, key: string, part: string): Uint8Array | undefined;
  /** Part names of an actor that begin with `prefix`, sorted. */
  parts(partition: Partition, generation: number, kind: string, key: string, prefix: string): string[];
  /** Keys of a kind's actors after `after` (exclusive; "" = from the first), sorted, each once. */
  keys(partition: Partition, generation: number, kind: string, after: string, limit: number): string[];
  /** Timers with fromMs ≤ dueMs ≤ untilMs, by due time. */
  timers(partition: Partition, generation: number, fromMs: number, untilMs: number, limit: number): TimerRow[];
  /** Ends the read snapshot, so that the next read sees the newest commit (D8: without it 191 of 300 reads were stale). */
  refresh(): void;
}

/** What a partition's new owner starts from (D8). */
export interface Opening {
  readonly partition: Partition;
  /** Grows at each opening; the store accepts records of the newest only. */
  readonly incarnation: number;
  readonly generation: number;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly position: MailPosition | null;
  readonly received: readonly (readonly [sender: Sender, sequence: number])[];
  readonly sent: readonly (readonly [to: Partition, sequence: number])[];
  readonly shipped: number;
  readonly published: number;
  readonly nowMs: number;
  /** Records that may not be shipped or whose outputs may not be acknowledged, in commit order, as encoded. */
  readonly retained: readonly { readonly commitSeq: number; readonly bytes: Uint8Array }[];
}

/** How far a partition's records were appended to its log and their outputs acknowledged; a record below both, and folded, is deleted (D2). */
export interface Progress {
  readonly partition: Partition;
  readonly incarnation: number;
  readonly shipped: number;
  readonly published: number;
}

export interface PartitionRecord {
  readonly partition: Partition;
  readonly incarnation: number;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly bytes: Uint8Array;
}

/** From a shard to the store thread. */
export type ToStore =
  | { readonly type: "open"; readonly request: number; readonly partition: Partition }
  | {
      readonly type: "commit";
      readonly group: number;
      readonly records: readonly PartitionRecord[];
      readonly progress: readonly Progress[];
    }
  | { readonly type: "progress"; readonly progress: readonly Progress[] };

/** From the store thread to a shard. */
export type FromStore =
  | { readonly type: "opened"; readonly request: number; readonly opening: Opening }
  | { readonly type: "open-failed"; readonly request: number; readonly partition: Partition; readonly fault: WireFault }
  | {
      readonly type: "committed";
      readonly group: number;
      /** Partitions whose record was refused; the others of the group are durable. */
      readonly refused: readonly { readonly partition: Partition; readonly fault: WireFault }[];
    }
  | {
      readonly type: "folded";
      /** commitSeq up to which each partition is folded and visible to readers that refresh now. */
      readonly folded: readonly {
        readonly partition: Partition;
        readonly incarnation: number;
        readonly commitSeq: number;
      }[];
      readonly unfoldedBytes: number;
    };
