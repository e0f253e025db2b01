import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { Committer } from "../../runtime/core/committer.ts";
import type { FromStore, Opening, ToStore } from "../../runtime/core/ports.ts";
import { LmdbRecordStore } from "../../runtime/lmdb/record-store.ts";
import { LmdbStateReader } from "../../runtime/lmdb/state-reader.ts";
import type { FromStoreWorker, ToStoreWorker } from "../../runtime/threads/store-messages.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { partitionRecord } from "../support/records.ts";
import { commitSeqOf, KEYS, keyOf } from "../support/store-process.ts";

const PROCESS = fileURLToPath(new URL("../support/store-process.ts", import.meta.url));
const WORKER = new URL("../../runtime/host/store-worker.ts", import.meta.url);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chorus-store-worker-"));
  file = join(folder, "node.store");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the process until it acknowledged `acknowledgements` records and read folds, then kills it in the middle of its work. */
async function runAndKill(acknowledgements: number): Promise<Map<number, number>> {
  const child = spawn(process.execPath, [PROCESS, file], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const acknowledged = new Map<number, number>();
  let count = 0;
  let reads = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("stale") || line.startsWith("refused")) throw new Error(line);
    if (line.startsWith("read")) reads++;
    const [partition, commitSeq] = line.split(" ").map(Number);
    if (partition !== undefined && commitSeq !== undefined && !Number.isNaN(partition)) {
      acknowledged.set(partition, commitSeq);
      count++;
    }
    if (count >= acknowledgements && reads >= 4 && !child.killed) child.kill("SIGKILL");
  }
  expect(await exit).toEqual([null, "SIGKILL"]);
  return acknowledged;
}

async function openAll(): Promise<Map<number, Opening>> {
  const store = new LmdbRecordStore(file);
  const committer = new Committer(store, new ManualClock());
  for (const id of [0, 1, 2, 3]) committer.receive(0, { type: "open", request: id, partition: asPartition(id) });
  const openings = new Map<number, Opening>();
  for (const { message } of committer.turn())
    if (message.type === "opened") openings.set(message.opening.partition, message.opening);
  const reader = new LmdbStateReader(file);
  for (const { partition, generation, commitSeq } of openings.values())
    for (let seq = Math.max(1, commitSeq - KEYS + 1); seq <= commitSeq; seq++) {
      const value = reader.read(partition, generation, "counter", keyOf(seq), "");
      expect(value && commitSeqOf(value)).toBe(seq);
    }
  await reader.close();
  await store.close();
  return openings;
}

test("nothing acknowledged is lost when the process is killed in the middle of commits and folds, again and again", async () => {
  for (let round = 1; round <= 4; round++) {
    const acknowledged = await runAndKill(400 * round);
    const openings = await openAll();
    expect(acknowledged.size).toBe(4);
    for (const [partition, commitSeq] of acknowledged) {
      const opening = openings.get(partition);
      expect(opening?.commitSeq).toBeGreaterThanOrEqual(commitSeq);
      const delivered = Math.min(opening?.shipped ?? 0, opening?.published ?? 0);
      const undelivered = Array.from(
        { length: (opening?.commitSeq ?? 0) - delivered },
        (_, index) => delivered + 1 + index,
      );
      expect(opening?.retained.map((record) => record.commitSeq)).toEqual(undelivered);
    }
  }
});

describe("the store thread", () => {
  function start(path = file): Worker {
    return new Worker(WORKER, { workerData: { file: path } });
  }

  async function answer<Type extends FromStoreWorker["type"]>(worker: Worker, type: Type): Promise<FromStoreWorker> {
    const [message] = (await once(worker, "message")) as [FromStoreWorker];
    expect(message).toMatchObject({ type });
    return message;
  }

  const tell = (worker: Worker, message: ToStoreWorker): void =>
    worker.postMessage(message, message.type === "attach" ? [message.port] : []);

  async function ask(port: MessagePort, message: ToStore): Promise<FromStore> {
    const reply = once(port, "message") as Promise<[FromStore]>;
    port.postMessage(message);
    return (await reply)[0];
  }

  test("answers shards on their ports, tells its figures, and ends by itself after a close with everything folded", async () => {
    const worker = start();
    await answer(worker, "ready");
    const { port1, port2 } = new MessageChannel();
    tell(worker, { type: "attach", shard: 3, port: port2 });
    const opened = await ask(port1, { type: "open", request: 1, partition: asPartition(5) });
    expect(opened).toMatchObject({ type: "opened", opening: { incarnation: 1, commitSeq: 0 } });
    const states = [{ kind: "counter", key: "a", part: "", bytes: Uint8Array.of(9) }];
    const records = [partitionRecord(5, 1, 1, { states })];
    const committed = await ask(port1, { type: "commit", group: 1, records, progress: [] });
    expect(committed).toEqual({ type: "committed", group: 1, refused: [] });
    tell(worker, { type: "stats", request: 8 });
    expect(await answer(worker, "stats")).toMatchObject({ request: 8, figures: { records: 1, groups: 1 } });
    const exit = once(worker, "exit");
    tell(worker, { type: "close", fold: true });
    expect(await answer(worker, "closed")).toMatchObject({ figures: { unfoldedBytes: 0 } });
    expect(await exit).toEqual([0]);
    const store = new LmdbRecordStore(file);
    expect(new LmdbStateReader(file).read(asPartition(5), 1, "counter", "a", "")?.[0]).toBe(9);
    await store.close();
  });

  test("folds by itself once the shards are silent, and says so", async () => {
    const worker = start();
    await answer(worker, "ready");
    const { port1, port2 } = new MessageChannel();
    tell(worker, { type: "attach", shard: 0, port: port2 });
    await ask(port1, { type: "open", request: 1, partition: asPartition(5) });
    await ask(port1, { type: "commit", group: 1, records: [partitionRecord(5, 1, 1)], progress: [] });
    const [folded] = (await once(port1, "message")) as [FromStore];
    expect(folded).toMatchObject({ type: "folded", folded: [{ partition: 5, incarnation: 1, commitSeq: 1 }] });
    const exit = once(worker, "exit");
    tell(worker, { type: "close", fold: false });
    await answer(worker, "closed");
    await exit;
  });

  test("says why when the file cannot be opened, instead of dying", async () => {
    const worker = start(join(folder, "absent", "\0"));
    expect(await answer(worker, "failed")).toMatchObject({ fault: { code: "STORE_CLOSED" } });
    await worker.terminate();
  });
});
