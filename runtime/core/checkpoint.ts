import {
  type CheckpointEntry,
  type CheckpointFrame,
  type CheckpointTable,
  encodeFrame,
} from "../../protocols/checkpoint.ts";
import { decodeRecord } from "../../protocols/commit-record.ts";
import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { decodePartitionMeta, encodePartitionMeta, type PartitionMeta } from "../../protocols/partition-meta.ts";
import { encodeGroup } from "../../protocols/stored-group.ts";
import { Committer } from "./committer.ts";
import type { Clock, Put, RecordStore } from "./ports.ts";
import { afterPrefix, partitionKey, recordKey, spaceKey } from "./store-keys.ts";

/*
 * Checkpoints of a partition and the way back (D6). Owns: what is read in which order, and what is written. Does not own: where the
 * frames go, the log, the file.
 *
 * K1  A checkpoint read while the partition goes on is made whole by the log: records above its row say again, in their order, whatever
 *     the entries may already hold.
 * K2  What is restored has the same records below its end as the log: the next opening publishes again what the row does not know as
 *     published (D2), and starts a new epoch (ADR 0005).
 */

/** What a checkpoint reads: the file as of the last `refresh`. */
export interface RecordReader extends Pick<RecordStore, "get" | "scan"> {
  refresh(): void;
}

/** How much is read at once. */
export interface FramePace {
  readonly frameBytes: number;
  readonly entriesAScan: number;
}

const PACE: FramePace = { frameBytes: 256 * 1024, entriesAScan: 16 };
const TABLES: readonly CheckpointTable[] = ["state", "timers"];
const RESTORED_GENERATION = 1;

/**
 * The frames of one partition's checkpoint, each read in a snapshot of its own, so that no reader holds old pages for long. None for a
 * partition that this file never held.
 */
export function* checkpointFrames(
  reader: RecordReader,
  partition: Partition,
  pace: FramePace = PACE,
): Generator<Uint8Array, void> {
  reader.refresh();
  const row = reader.get("partitions", partitionKey(partition));
  if (row === undefined) return;
  const meta = decodePartitionMeta(row, partition);
  yield encodeFrame({ type: "row", row });
  const space = spaceKey(partition, meta.generation);
  let count = 0;
  for (const table of TABLES) {
    let from = space;
    for (let more = true; more;) {
      reader.refresh();
      const { entries, next } = readFrame(reader, table, from, space, pace);
      count += entries.length;
      if (entries.length > 0) yield encodeFrame({ type: "entries", entries });
      if (next === null) more = false;
      else from = next;
    }
  }
  reader.refresh();
  const end = reader.get("partitions", partitionKey(partition)) ?? row;
  yield encodeFrame({ type: "end", entries: count, commitSeq: decodePartitionMeta(end, partition).commitSeq });
}

function readFrame(
  reader: RecordReader,
  table: CheckpointTable,
  first: Uint8Array,
  space: Uint8Array,
  { frameBytes, entriesAScan }: FramePace,
): { readonly entries: readonly CheckpointEntry[]; readonly next: Uint8Array | null } {
  const entries: CheckpointEntry[] = [];
  let bytes = 0;
  let from = first;
  while (bytes < frameBytes) {
    const found = reader.scan(table, from, afterPrefix(space), entriesAScan);
    for (const { key, value } of found) {
      entries.push({ table, key: key.slice(space.byteLength), value: value.slice() });
      bytes += key.byteLength + value.byteLength;
    }
    const last = found.at(-1);
    if (last === undefined || found.length < entriesAScan) return { entries, next: null };
    from = justAfter(last.key);
  }
  return { entries, next: from };
}

function justAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.byteLength + 1);
  next.set(key);
  return next;
}

/** What was found when a checkpoint was read from end to end. */
export interface CheckpointSummary {
  readonly partition: Partition;
  /** Where the log has to begin, the record after it, so that nothing is missing and nothing unpublished is lost. */
  readonly needsLogAfter: number;
  /** Commit up to which entries may already say what happened. */
  readonly commitSeq: number;
  readonly entries: number;
}

/** Checks frames one after the other, and that they are all there. */
export class CheckpointCheck {
  readonly #partition: Partition;
  readonly #what: string;
  #row: PartitionMeta | null = null;
  #entries = 0;
  #end: { readonly entries: number; readonly commitSeq: number } | null = null;

  constructor(partition: Partition, what: string) {
    this.#partition = partition;
    this.#what = what;
  }

  /** @throws Fault RECORD_CORRUPT for a frame out of place. */
  take(frame: CheckpointFrame): void {
    if (this.#end !== null || (frame.type === "row") !== (this.#row === null))
      throw this.#corrupt("frames out of place");
    if (frame.type === "row") this.#row = decodePartitionMeta(frame.row, this.#partition);
    else if (frame.type === "entries") this.#entries += frame.entries.length;
    else this.#end = frame;
  }

  /** @throws Fault RECORD_CORRUPT when something is missing. */
  summary(): CheckpointSummary & { readonly row: PartitionMeta } {
    const row = this.#row;
    const end = this.#end;
    if (row === null || end === null) throw this.#corrupt("its end is missing");
    if (end.entries !== this.#entries) throw this.#corrupt(`${this.#entries} entries of ${end.entries}`);
    if (row.partition !== this.#partition) throw this.#corrupt(`it is of partition ${row.partition}`);
    return {
      partition: this.#partition,
      needsLogAfter: Math.min(row.commitSeq, row.published),
      commitSeq: end.commitSeq,
      entries: end.entries,
      row,
    };
  }

  #corrupt(why: string): Fault {
    return new Fault("RECORD_CORRUPT", `${this.#what}: ${why}`, { details: { what: this.#what } });
  }
}

/** Writes partitions into an empty file: first a checkpoint's frames, then the records of the log above it. */
export class Restore {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  #sequence = 1;

  constructor(store: RecordStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Entries of a checkpoint whose frames were checked before. */
  entries(partition: Partition, entries: readonly CheckpointEntry[]): void {
    const space = spaceKey(partition, RESTORED_GENERATION);
    this.#store.transaction(
      entries.map(({ table, key, value }): Put => {
        const full = new Uint8Array(space.byteLength + key.byteLength);
        full.set(space);
        full.set(key, space.byteLength);
        return { table, key: full, value };
      }),
    );
  }

  /**
   * The row that the entries belong to; null for a partition that is restored from its log alone.
   * @param shipped the commit that the log reaches.
   */
  row(partition: Partition, row: PartitionMeta | null, shipped: number): void {
    const restored: PartitionMeta =
      row === null
        ? {
            partition,
            generation: RESTORED_GENERATION,
            incarnation: 0,
            epoch: 0,
            commitSeq: 0,
            position: null,
            received: [],
            sent: [],
            nowMs: 0,
            shipped,
            published: 0,
          }
        : { ...row, generation: RESTORED_GENERATION, shipped };
    this.#store.transaction([
      { table: "partitions", key: partitionKey(partition), value: encodePartitionMeta(restored) },
    ]);
  }

  /** Records of one partition's log, in commit order; those the row holds are kept until their outputs are published (K2). */
  records(records: readonly Uint8Array[]): void {
    const puts = records.map((bytes): Put => {
      const { partition, epoch, commitSeq } = decodeRecord(bytes);
      const value = encodeGroup([{ partition, incarnation: 0, epoch, commitSeq, bytes }]);
      return { table: "records", key: recordKey(this.#sequence++), value };
    });
    if (puts.length > 0) this.#store.transaction(puts);
  }

  /** Folds what was written, so that memory stays bounded however long the log is. */
  fold(): void {
    const committer = new Committer(this.#store, this.#clock);
    while (committer.figures.unfoldedBytes > 0) committer.turn({ finish: true });
  }
}
