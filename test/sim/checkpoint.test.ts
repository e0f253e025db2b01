import { expect, test } from "vitest";
import { FrameReader, type CheckpointFrame } from "../../protocols/checkpoint.ts";
import { encodeRecord } from "../../protocols/commit-record.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import { decodePartitionMeta } from "../../protocols/partition-meta.ts";
import { CheckpointCheck, checkpointFrames, Restore } from "../../runtime/core/checkpoint.ts";
import { Committer } from "../../runtime/core/committer.ts";
import type { RecordStore } from "../../runtime/core/ports.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { partitionKey } from "../../runtime/core/store-keys.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { faultsOf } from "./faults.ts";
import { settle } from "./runs.ts";
import { World } from "./world.ts";

const SEEDS = 40;
/** An entry a frame, so that much happens between them. */
const PACE = { frameBytes: 1, entriesAScan: 1 };
const EVERY_KEY = new Uint8Array(300).fill(0xff);

/** Frames of every partition, read one at a time between the world's steps, which go on committing, folding and crashing. */
function readWhileItRuns(world: World, random: () => number): Map<Partition, Uint8Array[]> {
  const reader = {
    get: world.store.get.bind(world.store),
    scan: world.store.scan.bind(world.store),
    refresh: () => undefined,
  };
  const frames = new Map<Partition, Uint8Array[]>();
  const reading = Array.from({ length: world.partitions }, (_, number) => {
    const partition = asPartition(number);
    frames.set(partition, []);
    return { partition, frames: checkpointFrames(reader, partition, PACE) };
  });
  while (reading.length > 0) {
    for (let step = Math.floor(random() * 8); step > 0 && !world.history.finished; step--) world.step();
    const at = Math.floor(random() * reading.length);
    const next = reading[at]?.frames.next();
    const one = reading[at];
    if (next === undefined || one === undefined) break;
    if (next.done === true) reading.splice(at, 1);
    else frames.get(one.partition)?.push(next.value);
  }
  return frames;
}

function framesIn(bytes: readonly Uint8Array[]): CheckpointFrame[] {
  const reader = new FrameReader("test");
  const whole = Buffer.concat(bytes);
  // As it may arrive: cut anywhere.
  const frames = [...reader.take(whole.subarray(0, 7)), ...reader.take(whole.subarray(7))];
  reader.end();
  return frames;
}

function restored(world: World, frames: ReadonlyMap<Partition, readonly Uint8Array[]>): RecordStore {
  const store = new MemoryStore();
  const restore = new Restore(store, new ManualClock());
  for (const [partition, bytes] of frames) {
    const log = world.witness.replay(partition).records;
    const check = new CheckpointCheck(partition, "test");
    for (const frame of framesIn(bytes)) {
      check.take(frame);
      if (frame.type === "entries") restore.entries(partition, frame.entries);
    }
    const summary = bytes.length === 0 ? null : check.summary();
    restore.row(partition, summary?.row ?? null, log.length);
    const above = log.filter(({ commitSeq }) => commitSeq > (summary?.needsLogAfter ?? 0));
    restore.records(above.map(encodeRecord));
    if (partition % 3 === 0) restore.fold();
  }
  restore.fold();
  return store;
}

const contents = (store: RecordStore, table: "state" | "timers"): Map<string, string> =>
  new Map(
    store
      .scan(table, Uint8Array.of(0), EVERY_KEY, Infinity)
      .map(({ key, value }) => [Buffer.from(key).toString("hex"), Buffer.from(value).toString("hex")]),
  );

test("a checkpoint read while the node commits, folds and crashes, and the log above it, give the node's state", () => {
  let entries = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, operations: 60, faults: faultsOf(seed) });
    const random = randomStream(seed);
    world.run(Math.floor(random() * 400));
    const frames = readWhileItRuns(world, random);
    for (const bytes of frames.values()) entries += bytes.length;
    settle(world, `seed ${seed}`);
    const store = restored(world, frames);
    for (const table of ["state", "timers"] as const)
      expect(contents(store, table), `seed ${seed}: ${table}`).toEqual(contents(world.store, table));
    for (const partition of frames.keys()) {
      const key = partitionKey(partition);
      const row = decodePartitionMeta(store.get("partitions", key) ?? new Uint8Array(0), partition);
      const live = decodePartitionMeta(world.store.get("partitions", key) ?? new Uint8Array(0), partition);
      const { commitSeq, position, received, sent, nowMs } = live;
      expect(row, `seed ${seed}: partition ${partition}`).toMatchObject({ commitSeq, position, received, sent, nowMs });
    }
  }
  expect(entries).toBeGreaterThan(SEEDS * 8 * 3);
});

test("what was restored is opened with the records whose outputs nobody acknowledged", () => {
  const world = new World({ seed: 11, operations: 60 });
  world.run();
  const frames = readWhileItRuns(world, randomStream(1));
  settle(world, "seed 11");
  const store = restored(world, frames);
  const committer = new Committer(store, new ManualClock());
  for (const partition of frames.keys()) committer.receive(0, { type: "open", request: partition, partition });
  const openings = committer.turn().flatMap(({ message }) => (message.type === "opened" ? [message.opening] : []));
  expect(openings).toHaveLength(world.partitions);
  for (const { partition, commitSeq, published, shipped, retained } of openings) {
    expect(commitSeq).toBe(world.witness.replay(partition).records.length);
    expect(shipped).toBe(commitSeq);
    const unpublished = Array.from({ length: commitSeq - published }, (_, index) => published + 1 + index);
    expect(retained.map((record) => record.commitSeq)).toEqual(unpublished);
  }
});

test.each(["a flipped bit", "a missing frame", "a missing end", "an end cut short", "frames of another partition"])(
  "%s is noticed",
  (damage) => {
    const world = new World({ seed: 3, operations: 60 });
    world.run();
    settle(world, "seed 3");
    const reader = {
      get: world.store.get.bind(world.store),
      scan: world.store.scan.bind(world.store),
      refresh: () => undefined,
    };
    let frames = [...checkpointFrames(reader, asPartition(0), PACE)];
    expect(frames.length).toBeGreaterThan(3);
    if (damage === "a flipped bit")
      frames = frames.map((bytes, at) => (at === 1 ? bytes.map((b, i) => (i === 40 ? b ^ 4 : b)) : bytes));
    if (damage === "a missing frame") frames.splice(1, 1);
    if (damage === "a missing end") frames.pop();
    if (damage === "an end cut short") frames.push((frames.pop() ?? new Uint8Array(9)).subarray(0, -1));
    const partition = asPartition(damage === "frames of another partition" ? 1 : 0);
    const read = (): unknown => {
      const check = new CheckpointCheck(partition, "p0/test");
      for (const frame of framesIn(frames)) check.take(frame);
      return check.summary();
    };
    expect(read).toThrow(/checksum|entries of|end is missing|inside a frame|of partition/);
  },
);
