import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import type { Put, RecordStore, StateReader, TimerRow } from "../../runtime/core/ports.ts";
import { stateKey, statePath, timerKey, timerPath } from "../../runtime/core/store-keys.ts";
import { LmdbRecordStore } from "../../runtime/lmdb/record-store.ts";
import { LmdbStateReader } from "../../runtime/lmdb/state-reader.ts";
import { MemoryStore } from "../support/memory-store.ts";

interface Subject {
  readonly store: RecordStore;
  readonly reader: StateReader;
  end(): Promise<void>;
}

function memorySubject(): Subject {
  const store = new MemoryStore();
  return { store, reader: store.reader(), end: async () => undefined };
}

function lmdbSubject(): Subject {
  const folder = mkdtempSync(join(tmpdir(), "chorus-state-reader-"));
  const file = join(folder, "node.store");
  const store = new LmdbRecordStore(file);
  const reader = new LmdbStateReader(file);
  const end = async (): Promise<void> => {
    await reader.close();
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { store, reader, end };
}

const P = asPartition(3);
const G = 1;
const part = (kind: string, key: string, name: string, value = 1, partition = P, generation = G): Put => ({
  table: "state",
  key: stateKey(partition, generation, statePath(kind, key, name)),
  value: Uint8Array.of(value),
});
const timer = (row: TimerRow, partition = P): Put => ({
  table: "timers",
  key: timerKey(partition, G, timerPath(row)),
  value: Uint8Array.of(1),
});
const row = (dueMs: number, key = "a"): TimerRow => ({ dueMs, kind: "listener", key, name: "retry" });

describe.each([
  ["in memory", memorySubject],
  ["in LMDB", lmdbSubject],
])("a state reader %s", (_, open) => {
  let subject: Subject;
  beforeEach(() => {
    subject = open();
  });
  afterEach(() => subject.end());

  function write(...puts: Put[]): void {
    subject.store.transaction(puts);
    subject.reader.refresh();
  }

  test("reads a part by its whole name and by nothing less", () => {
    write(part("listener", "ab", "core", 7));
    const read = (kind: string, key: string, name: string, partition = P, generation = G) =>
      subject.reader.read(partition, generation, kind, key, name)?.[0];
    expect(read("listener", "ab", "core")).toBe(7);
    expect(read("listener", "a", "core")).toBeUndefined();
    expect(read("listener", "ab", "cor")).toBeUndefined();
    expect(read("listener", "ab", "core", asPartition(4))).toBeUndefined();
    expect(read("listener", "ab", "core", P, 2)).toBeUndefined();
  });

  test("after a refresh sees each transaction that has returned, a thousand times over", () => {
    for (let round = 1; round <= 1_000; round++) {
      write(part("listener", "a", "core", round % 256));
      expect(subject.reader.read(P, G, "listener", "a", "core")?.[0]).toBe(round % 256);
    }
  });

  test("without a refresh goes on reading one moment: keys and values agree", () => {
    write(part("listener", "a", "core", 1));
    expect(subject.reader.read(P, G, "listener", "a", "core")?.[0]).toBe(1);
    subject.store.transaction([part("listener", "a", "core", 2), part("listener", "b", "core", 2)]);
    expect(subject.reader.read(P, G, "listener", "a", "core")?.[0]).toBe(1);
    expect(subject.reader.keys(P, G, "listener", "", 10)).toEqual(["a"]);
  });

  test("a value it gave stays as it was", () => {
    write(part("listener", "a", "core", 1));
    const before = subject.reader.read(P, G, "listener", "a", "core");
    write(part("listener", "a", "core", 2));
    subject.reader.read(P, G, "listener", "a", "core");
    expect(before?.[0]).toBe(1);
  });

  test("lists an actor's parts by prefix, sorted, and no other actor's", () => {
    write(
      part("listener", "a", "role/pacing"),
      part("listener", "a", "core"),
      part("listener", "a", "role/frequency"),
      part("listener", "a-b", "role/other"),
      part("listener", "aa", "role/other"),
    );
    expect(subject.reader.parts(P, G, "listener", "a", "role/")).toEqual(["role/frequency", "role/pacing"]);
    expect(subject.reader.parts(P, G, "listener", "a", "")).toEqual(["core", "role/frequency", "role/pacing"]);
    expect(subject.reader.parts(P, G, "listener", "z", "")).toEqual([]);
  });

  test("lists a kind's keys once each, page by page, however many parts an actor has", () => {
    const keys = ["a", "a-b", "aa", "b", "c"];
    const parts = Array.from({ length: 30 }, (_x, index) => `p${index}`);
    write(
      ...keys.flatMap((key) =>
        key === "aa" ? [part("listener", key, "")] : parts.map((p) => part("listener", key, p)),
      ),
      part("listen", "x", "core"),
      part("listeners", "y", "core"),
      part("listener", "z", "core", 1, asPartition(4)),
    );
    expect(subject.reader.keys(P, G, "listener", "", 100)).toEqual(keys);
    expect(subject.reader.keys(P, G, "listener", "", 2)).toEqual(["a", "a-b"]);
    expect(subject.reader.keys(P, G, "listener", "a-b", 2)).toEqual(["aa", "b"]);
    expect(subject.reader.keys(P, G, "listener", "c", 2)).toEqual([]);
    expect(subject.reader.keys(P, G, "budget", "", 2)).toEqual([]);
  });

  test("lists timers by due time within a span, both ends included, up to the limit", () => {
    const rows = [row(5), row(2 ** 40), row(256), row(255), row(255, "b")];
    write(...rows.map((r) => timer(r)), timer(row(6), asPartition(4)));
    expect(subject.reader.timers(P, G, 0, Number.MAX_SAFE_INTEGER - 1, 10).map((r) => r.dueMs)).toEqual([
      5,
      255,
      255,
      256,
      2 ** 40,
    ]);
    expect(subject.reader.timers(P, G, 5, 255, 10)).toEqual([row(5), row(255), row(255, "b")]);
    expect(subject.reader.timers(P, G, 5, 255, 2)).toEqual([row(5), row(255)]);
  });
});
