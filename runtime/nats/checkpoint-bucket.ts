import { jetstream } from "@nats-io/jetstream";
import { type ObjectInfo, Objm, type ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { Fault } from "../../protocols/errors.ts";
import { BUCKETS } from "../../protocols/subjects.ts";

const TIMEOUT_MS = 10_000;

/** What is kept beside a checkpoint's bytes; texts, as the object store keeps them. */
const Described = z.object({
  partition: z.coerce.number().int().min(0),
  at: z.iso.datetime(),
  commitSeq: z.coerce.number().int().min(0),
  needsLogAfter: z.coerce.number().int().min(0),
  entries: z.coerce.number().int().min(0),
  tailSequence: z.coerce.number().int().min(0),
  tailLast: z.coerce.number().int().min(0),
});

export interface StoredCheckpoint {
  /** Name of the object, `p3/2026-11-24T06:10:00.000Z`. */
  readonly name: string;
  readonly bytes: number;
  readonly partition: number;
  readonly at: string;
  /** Commit up to which entries may already say what happened; the log must reach it. */
  readonly commitSeq: number;
  /** Restoring takes the records of the log after this commit. */
  readonly needsLogAfter: number;
  readonly entries: number;
  /** The log's tail when reading began: its sequence in the stream and the commit it reached. */
  readonly tailSequence: number;
  readonly tailLast: number;
}

/** The object store `CHORUS_CHECKPOINTS` (interfaces.md 6). All methods throw Fault NATS_UNAVAILABLE. */
export interface CheckpointBucket {
  /** The oldest first; objects that are none of ours are passed over. */
  list(): Promise<StoredCheckpoint[]>;
  /** Stores the bytes as they are made, whole or not at all. */
  put(
    name: string,
    frames: AsyncIterable<Uint8Array>,
    describe: () => Omit<StoredCheckpoint, "name" | "bytes">,
  ): Promise<void>;
  /** The bytes as stored, checked against their digest at the end; null when there is no such object. */
  read(name: string): Promise<AsyncGenerator<Uint8Array> | null>;
  delete(name: string): Promise<void>;
}

export async function openCheckpointBucket(connection: NatsConnection): Promise<CheckpointBucket> {
  const store = await reached("open", () =>
    new Objm(jetstream(connection, { timeout: TIMEOUT_MS })).open(BUCKETS.checkpoints),
  );
  return {
    list: () => reached("list", () => list(store)),
    put: (name, frames, describe) =>
      reached("write", async () => {
        // The description is known when all is read; the object gets its name last, so that no half object is ever listed.
        // Writing to the same name again drops what a crash left there.
        const part = `${name.split("/")[0]}/unfinished`;
        await store.put({ name: part }, ReadableStream.from<Uint8Array>(frames));
        const metadata = Object.fromEntries(Object.entries(describe()).map(([key, value]) => [key, String(value)]));
        await store.update(part, { name, metadata });
      }),
    read: (name) =>
      reached("read", async () => {
        const found = await store.get(name);
        return found === null ? null : chunksOf(name, found);
      }),
    delete: (name) =>
      reached("delete", async () => {
        await store.delete(name);
      }),
  };
}

async function list(store: ObjectStore): Promise<StoredCheckpoint[]> {
  const found = (await store.list()).map(describedBy).filter((each) => each !== null);
  return found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.partition - b.partition));
}

function describedBy({ name, size, metadata, deleted }: ObjectInfo): StoredCheckpoint | null {
  const described = Described.safeParse(metadata);
  return described.success && !deleted ? { name, bytes: size, ...described.data } : null;
}

async function* chunksOf(
  name: string,
  found: { readonly data: ReadableStream<Uint8Array>; readonly error: Promise<Error | null> },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of found.data) yield chunk;
  // Undefined when all went well, whatever the types say.
  const error: unknown = await found.error;
  if (error instanceof Error)
    throw new Fault("RECORD_CORRUPT", `checkpoint ${name}: ${error.message}`, {
      details: { what: name },
      cause: error,
    });
}

async function reached<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("NATS_UNAVAILABLE", `cannot ${verb} the object store ${BUCKETS.checkpoints}`, { cause });
  }
}
