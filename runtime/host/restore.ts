import { access, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Settings } from "../../config/schema.ts";
import { decodeRecord } from "../../protocols/commit-record.ts";
import { Fault } from "../../protocols/errors.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import type { PartitionMeta } from "../../protocols/partition-meta.ts";
import { CheckpointCheck, Restore } from "../core/checkpoint.ts";
import { LmdbRecordStore } from "../lmdb/record-store.ts";
import { type CheckpointBucket, openCheckpointBucket, type StoredCheckpoint } from "../nats/checkpoint-bucket.ts";
import { type LogReader, openLogReader } from "../nats/log-reader.ts";
import { framesOf } from "./checkpointer.ts";
import { openDataFolder } from "./data-folder.ts";
import { openNats } from "./nats-host.ts";

export interface RestoredPartition {
  readonly partition: number;
  /** null: from the log alone. */
  readonly checkpoint: string | null;
  readonly entries: number;
  /** Records taken from the log. */
  readonly records: number;
  readonly commitSeq: number;
}

export interface RestoreReport {
  readonly partitions: readonly RestoredPartition[];
  /** Where the file that was there went; null when there was none. */
  readonly setAside: string | null;
}

export interface RestoreOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (line: string) => void;
}

/** Records between two folds: what is not folded is held in memory. */
const FOLD_BYTES = 32 * 1024 * 1024;

/**
 * Makes a node's file anew from its checkpoints and logs (D6), while no daemon uses the folder. The old file is set aside, never deleted;
 * the keys of the folder must be those the state was sealed with. The next start opens every partition in a new epoch.
 * @throws Fault DATA_LOCKED while a daemon runs, RECORD_CORRUPT for a checkpoint or a log with a gap, NATS_UNAVAILABLE.
 */
export async function restoreNode(settings: Settings, options: RestoreOptions): Promise<RestoreReport> {
  const folder = await openDataFolder(settings.data);
  try {
    const nats = await openNats({
      settings,
      folder,
      environment: options.environment,
      onProgress: options.onProgress,
      onServerLine: () => undefined,
      onStatus: () => undefined,
    });
    try {
      const { connection } = nats.connection;
      const source = { bucket: await openCheckpointBucket(connection), log: await openLogReader(connection) };
      return await restoreFile(folder.storeFile, settings.partitions, source, options.onProgress);
    } finally {
      await nats.stop();
    }
  } finally {
    await folder.release();
  }
}

interface Source {
  readonly bucket: CheckpointBucket;
  readonly log: LogReader;
}

async function restoreFile(
  file: string,
  partitions: number,
  source: Source,
  onProgress: (line: string) => void,
): Promise<RestoreReport> {
  const fresh = `${file}.restored`;
  await mkdir(dirname(file), { recursive: true });
  // What an earlier attempt left unfinished.
  await rm(fresh, { force: true });
  const store = new LmdbRecordStore(fresh);
  const restored: RestoredPartition[] = [];
  try {
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    const restore = new Restore(store, clock);
    const stored = await source.bucket.list();
    for (let number = 0; number < partitions; number++) {
      const partition = asPartition(number);
      const last = stored.findLast((each) => each.partition === number);
      const done = await restorePartition(restore, partition, last, source);
      onProgress(`partition ${number}: ${describe(done)}`);
      restored.push(done);
    }
  } finally {
    await store.close();
  }
  const setAside = (await exists(file)) ? `${file}.replaced-${Date.now()}` : null;
  if (setAside !== null) await rename(file, setAside);
  await rename(fresh, file);
  return { partitions: restored, setAside };
}

async function restorePartition(
  restore: Restore,
  partition: Partition,
  last: StoredCheckpoint | undefined,
  source: Source,
): Promise<RestoredPartition> {
  const row = last === undefined ? null : await restoreEntries(restore, partition, last.name, source.bucket);
  const above = row === null ? 0 : Math.min(row.commitSeq, row.published);
  const records = new LogRun(restore, partition, above);
  const fromSequence = last !== undefined && last.tailLast <= above ? last.tailSequence : 0;
  const { last: reaches } = await source.log.tail(partition);
  if (reaches === 0) return { partition, checkpoint: null, entries: 0, records: 0, commitSeq: 0 };
  restore.row(partition, row, reaches);
  for await (const page of source.log.pages(partition, fromSequence)) records.take(page.records);
  records.end(Math.max(reaches, row?.commitSeq ?? 0));
  const { count } = records;
  return { partition, checkpoint: last?.name ?? null, entries: last?.entries ?? 0, records: count, commitSeq: reaches };
}

async function restoreEntries(
  restore: Restore,
  partition: Partition,
  name: string,
  bucket: CheckpointBucket,
): Promise<PartitionMeta> {
  const check = new CheckpointCheck(partition, `checkpoint ${name}`);
  for await (const frame of framesOf(bucket, name)) {
    check.take(frame);
    if (frame.type === "entries") restore.entries(partition, frame.entries);
  }
  return check.summary().row;
}

/** Takes the records of one log in their order, each once. */
class LogRun {
  count = 0;
  readonly #restore: Restore;
  readonly #partition: Partition;
  #last: number;
  #unfoldedBytes = 0;

  constructor(restore: Restore, partition: Partition, above: number) {
    this.#restore = restore;
    this.#partition = partition;
    this.#last = above;
  }

  /** @throws Fault RECORD_CORRUPT at a gap. */
  take(page: readonly Uint8Array[]): void {
    const fresh: Uint8Array[] = [];
    for (const bytes of page) {
      const { commitSeq } = decodeRecord(bytes);
      if (commitSeq <= this.#last) continue;
      if (commitSeq !== this.#last + 1) {
        const message = `the log of partition ${this.#partition} goes on at commit ${commitSeq}, ${this.#last + 1} is missing: no checkpoint reaches it`;
        throw new Fault("RECORD_CORRUPT", message, {
          details: { partition: this.#partition, commitSeq, last: this.#last },
        });
      }
      this.#last = commitSeq;
      fresh.push(bytes);
      this.#unfoldedBytes += bytes.byteLength;
    }
    this.#restore.records(fresh);
    this.count += fresh.length;
    if (this.#unfoldedBytes < FOLD_BYTES) return;
    this.#restore.fold();
    this.#unfoldedBytes = 0;
  }

  /** @param reached the commit at which the log, or the checkpoint, says that it ends. @throws Fault STREAM_REWOUND. */
  end(reached: number): void {
    if (this.#last < reached) {
      const message = `the log of partition ${this.#partition} has its records up to commit ${this.#last}, not to ${reached}: no checkpoint reaches further`;
      throw new Fault("STREAM_REWOUND", message, { details: { partition: this.#partition, reached } });
    }
    this.#restore.fold();
  }
}

function describe({ checkpoint, entries, records, commitSeq }: RestoredPartition): string {
  const from = checkpoint === null ? "no checkpoint" : `${checkpoint} (${entries} entries)`;
  return `${from}, ${records} records of its log, up to commit ${commitSeq}`;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
