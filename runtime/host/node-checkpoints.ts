import type { Settings } from "../../config/schema.ts";
import { LmdbRecordReader } from "../lmdb/record-reader.ts";
import { openCheckpointBucket } from "../nats/checkpoint-bucket.ts";
import { openLogReader } from "../nats/log-reader.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { DataFolder } from "./data-folder.ts";
import type { NatsHost } from "./nats-host.ts";

export interface NodeCheckpointsOptions {
  readonly settings: Settings;
  readonly folder: DataFolder;
  readonly nats: NatsHost;
  readonly markLogs: () => void;
  readonly onEvent: (event: string, details: Record<string, unknown>) => void;
}

export interface NodeCheckpoints {
  readonly checkpointer: Checkpointer;
  close(): Promise<void>;
}

/** The checkpoints of a node whose store thread has opened the file. @throws Fault NATS_UNAVAILABLE. */
export async function openCheckpoints(options: NodeCheckpointsOptions): Promise<NodeCheckpoints> {
  const { settings, folder, nats, markLogs, onEvent } = options;
  const { connection } = nats.connection;
  const log = await openLogReader(connection);
  const bucket = await openCheckpointBucket(connection);
  const reader = new LmdbRecordReader(folder.storeFile);
  const checkpointer = new Checkpointer({
    bucket,
    reader,
    partitions: settings.partitions,
    logTail: (partition) => log.tail(partition),
    markLogs,
    everyMs: settings.checkpoint.everyMs,
    keep: settings.checkpoint.keep,
    onEvent,
  });
  return {
    checkpointer,
    async close() {
      await checkpointer.stop();
      await reader.close();
    },
  };
}
