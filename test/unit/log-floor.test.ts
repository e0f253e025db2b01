import { expect, test } from "vitest";
import { Checkpointer } from "../../runtime/host/checkpointer.ts";
import { StreamKeeper } from "../../runtime/host/stream-keeper.ts";
import type { StoredCheckpoint } from "../../runtime/nats/checkpoint-bucket.ts";
import type { StreamPurge } from "../../runtime/nats/stream-purge.ts";
import { MemoryStore } from "../support/memory-store.ts";

interface Tail {
  readonly sequence: number;
  readonly last: number;
}

function checkpoint(partition: number, of: Partial<StoredCheckpoint>): StoredCheckpoint {
  const at = "2026-11-24T06:10:00.000Z";
  const counted = { commitSeq: 0, needsLogAfter: 0, entries: 0, tailSequence: 0, tailLast: 0, bytes: 1 };
  return { name: `p${partition}/${at}`, partition, at, ...counted, ...of };
}

function floorOf(stored: readonly StoredCheckpoint[], tails: readonly Tail[]): Promise<number> {
  const store = new MemoryStore();
  const checkpointer = new Checkpointer({
    bucket: {
      list: () => Promise.resolve([...stored]),
      put: () => Promise.reject(new Error("not here")),
      read: () => Promise.resolve(null),
      delete: () => Promise.resolve(),
    },
    reader: { get: store.get.bind(store), scan: store.scan.bind(store), refresh: () => undefined },
    partitions: tails.length,
    logTail: (partition) => Promise.resolve(tails[partition] ?? { sequence: 0, last: 0 }),
    markLogs: () => undefined,
    everyMs: 0,
    keep: 2,
    onEvent: () => undefined,
  });
  return checkpointer.logFloor();
}

test("the log is needed from its beginning while a partition that was written to has no checkpoint", async () => {
  const one = checkpoint(0, { needsLogAfter: 50, tailSequence: 70, tailLast: 50 });
  expect(
    await floorOf(
      [one],
      [
        { sequence: 90, last: 60 },
        { sequence: 95, last: 10 },
      ],
    ),
  ).toBe(0);
});

test("a checkpoint frees the log up to a tail that a newer one has passed, not its own unless it holds all of it", async () => {
  const older = checkpoint(0, { needsLogAfter: 40, tailSequence: 70, tailLast: 50, at: "2026-11-24T06:00:00.000Z" });
  expect(await floorOf([older], [{ sequence: 90, last: 60 }])).toBe(0);
  const newer = checkpoint(0, { needsLogAfter: 55, tailSequence: 80, tailLast: 58 });
  expect(await floorOf([older, newer], [{ sequence: 90, last: 60 }])).toBe(70);
});

test("an idle partition's own tail is never freed, and frees what lies before it", async () => {
  const busy = checkpoint(0, { needsLogAfter: 60, tailSequence: 100, tailLast: 60 });
  expect(
    await floorOf(
      [busy],
      [
        { sequence: 110, last: 66 },
        { sequence: 7, last: 0 },
      ],
    ),
  ).toBe(7);
  const idle = checkpoint(1, { needsLogAfter: 3, tailSequence: 8, tailLast: 3 });
  expect(
    await floorOf(
      [busy, idle],
      [
        { sequence: 110, last: 66 },
        { sequence: 90, last: 3 },
      ],
    ),
  ).toBe(90);
});

test("the keeper purges what checkpoints cover, and beyond them only above the bound, which it says", async () => {
  const purged: Record<string, unknown>[] = [];
  let bytes = 100;
  let tail = 30;
  const asked: number[] = [];
  const purge: StreamPurge = {
    purgeMail: () => Promise.resolve(0),
    logBytes: () => Promise.resolve(bytes),
    logLast: () => Promise.resolve(40),
    logTail: () => Promise.resolve(tail),
    purgeLog: (before) => {
      asked.push(before);
      return Promise.resolve(before > 0 ? 5 : 0);
    },
  };
  const keeper = new StreamKeeper({
    purge,
    partitions: 2,
    logBytesMax: 1_000,
    logFloor: () => Promise.resolve(12),
    markLogs: () => {
      tail = 50;
    },
    onPurged: (details) => void purged.push(details),
    onFault: (error) => {
      throw error;
    },
  });
  await keeper.look();
  expect(asked).toEqual([12]);
  expect(purged).toEqual([{ stream: "log", messages: 5 }]);
  bytes = 2_000;
  await keeper.look();
  expect(asked).toEqual([12, 12, 41]);
  expect(purged.at(-1)).toEqual({ stream: "log", messages: 5, beyondCheckpoints: true });
  await keeper.stop();
});
