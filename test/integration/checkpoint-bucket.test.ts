import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CheckpointBucket, openCheckpointBucket } from "../../runtime/nats/checkpoint-bucket.ts";
import { connectNats } from "../../runtime/nats/connect.ts";
import { provision } from "../../runtime/nats/provision.ts";
import { describeWithNats, startNats, type TestNats } from "../support/nats.ts";

const DESCRIBED = {
  partition: 3,
  at: "2026-11-24T06:10:00.000Z",
  commitSeq: 9,
  needsLogAfter: 7,
  entries: 2,
  tailSequence: 40,
  tailLast: 8,
};
const NAME = "p3/2026-11-24T06:10:00.000Z";

async function* frames(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const [index, size] of sizes.entries()) yield await Promise.resolve(new Uint8Array(size).fill(index + 1));
}

async function bytesOf(bucket: CheckpointBucket, name: string): Promise<Uint8Array | null> {
  const chunks = await bucket.read(name);
  if (chunks === null) return null;
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describeWithNats("the bucket of checkpoints", () => {
  let server: TestNats;
  let connection: NatsConnection;
  let bucket: CheckpointBucket;

  beforeEach(async () => {
    server = await startNats();
    const { node } = server.credentials;
    connection = await connectNats({ servers: server.url, name: "test", seedFile: node, role: "node" });
    await provision(await jetstreamManager(connection), { partitions: 4, replicas: 1 });
    bucket = await openCheckpointBucket(connection);
  });
  afterEach(async () => {
    await connection.close();
    await server.stop();
  });

  test("gives back what was put there, with its description, also when it is larger than a message", async () => {
    await bucket.put(NAME, frames(10, 700_000, 3), () => DESCRIBED);
    expect(await bucket.list()).toEqual([{ name: NAME, bytes: 700_013, ...DESCRIBED }]);
    const bytes = await bytesOf(bucket, NAME);
    expect(bytes?.byteLength).toBe(700_013);
    expect([bytes?.[9], bytes?.[10], bytes?.[700_012]]).toEqual([1, 2, 3]);
    expect(await bytesOf(bucket, "p3/never")).toBeNull();
  });

  test("lists nothing of a checkpoint whose reading failed, and takes the next one", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* frames(200_000);
      throw new Error("the file is gone");
    }
    await expect(bucket.put(NAME, failing(), () => DESCRIBED)).rejects.toThrow();
    expect(await bucket.list()).toEqual([]);
    await bucket.put(NAME, frames(5), () => DESCRIBED);
    expect((await bytesOf(bucket, NAME))?.byteLength).toBe(5);
  });

  test("forgets what was deleted, and lists the oldest first", async () => {
    const later = { ...DESCRIBED, at: "2026-11-24T07:00:00.000Z" };
    await bucket.put("p3/b", frames(1), () => later);
    await bucket.put("p3/a", frames(1), () => DESCRIBED);
    expect((await bucket.list()).map(({ name }) => name)).toEqual(["p3/a", "p3/b"]);
    await bucket.delete("p3/a");
    expect((await bucket.list()).map(({ name }) => name)).toEqual(["p3/b"]);
    expect(await bytesOf(bucket, "p3/a")).toBeNull();
  });
});
