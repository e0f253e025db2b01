import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry, Put, RecordStore, Table } from "../../runtime/core/ports.ts";
import { LmdbRecordStore } from "../../runtime/lmdb/record-store.ts";
import { MemoryStore } from "../support/memory-store.ts";

/** A store and a way to come back to what it made durable, as another process would. */
interface Subject {
  store(): RecordStore;
  reopen(): Promise<void>;
  end(): Promise<void>;
}

function memorySubject(): Subject {
  const store = new MemoryStore();
  return { store: () => store, reopen: async () => store.crash(), end: async () => undefined };
}

function lmdbSubject(): Subject {
  const folder = mkdtempSync(join(tmpdir(), "chorus-record-store-"));
  const file = join(folder, "node.store");
  let store = new LmdbRecordStore(file);
  return {
    store: () => store,
    reopen: async () => {
      await store.close();
      store = new LmdbRecordStore(file);
    },
    end: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const NO_KEY = Uint8Array.of(0);
const EVERY_KEY = new Uint8Array(9).fill(0xff);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (key: Uint8Array, value: Uint8Array | null, table: Table = "state"): Put => ({ table, key, value });
const plain = (entries: readonly Entry[]) => entries.map(({ key, value }) => [Array.from(key), Array.from(value)]);

describe.each([
  ["in memory", memorySubject],
  ["in LMDB", lmdbSubject],
])("a record store %s", (_, open) => {
  let subject: Subject;
  beforeEach(() => {
    subject = open();
  });
  afterEach(() => subject.end());

  const all = (table: Table = "state") => plain(subject.store().scan(table, NO_KEY, EVERY_KEY, Infinity));

  test("gives back what a transaction put, and nothing for a key it never saw or that was deleted", () => {
    const store = subject.store();
    store.transaction([put(bytes(1), bytes(10)), put(bytes(2), bytes(20))]);
    store.transaction([put(bytes(1), null), put(bytes(7), null)]);
    expect(store.get("state", bytes(1))).toBeUndefined();
    expect(store.get("state", bytes(7))).toBeUndefined();
    expect(Array.from(store.get("state", bytes(2)) ?? [])).toEqual([20]);
  });

  test("the last put of a key in a transaction wins", () => {
    subject.store().transaction([put(bytes(1), bytes(1)), put(bytes(1), null), put(bytes(1), bytes(3))]);
    expect(all()).toEqual([[[1], [3]]]);
  });

  test("tables do not see each other's keys", () => {
    subject.store().transaction([put(bytes(1), bytes(1), "records"), put(bytes(1), bytes(2), "timers")]);
    expect([all("records"), all("timers"), all("state"), all("partitions")]).toEqual([
      [[[1], [1]]],
      [[[1], [2]]],
      [],
      [],
    ]);
  });

  test("scans in byte order, from inclusive to exclusive, up to the limit", () => {
    const store = subject.store();
    store.transaction([[9], [1, 255], [1], [2], [1, 0], [255, 255]].map((key) => put(bytes(...key), bytes(0))));
    expect(all().map(([key]) => key)).toEqual([[1], [1, 0], [1, 255], [2], [9], [255, 255]]);
    const some = store.scan("state", bytes(1, 0), bytes(9), 2);
    expect(some.map(({ key }) => Array.from(key))).toEqual([
      [1, 0],
      [1, 255],
    ]);
    expect(store.scan("state", bytes(1, 0), bytes(9), Infinity)).toHaveLength(3);
  });

  test("values keep every byte, from one to megabytes", () => {
    const store = subject.store();
    const values = [1, 2_000, 4_096, 70_000, 3_000_000].map((size) =>
      Uint8Array.from({ length: size }, (_x, i) => i % 251),
    );
    store.transaction(values.map((value, index) => put(bytes(index + 1), value)));
    for (const [index, value] of values.entries()) {
      const read = store.get("state", bytes(index + 1));
      expect(read !== undefined && Buffer.compare(read, value)).toBe(0);
    }
    const scanned = store.scan("state", NO_KEY, EVERY_KEY, Infinity);
    expect(scanned.map(({ value }, index) => Buffer.compare(value, values[index] ?? bytes()))).toEqual([0, 0, 0, 0, 0]);
  });

  test("what was read stays as it was when the key is written again", () => {
    const store = subject.store();
    const large = new Uint8Array(40_000).fill(1);
    store.transaction([put(bytes(1), bytes(1)), put(bytes(2), large)]);
    const [small, big] = [store.get("state", bytes(1)), store.get("state", bytes(2))];
    const [entry] = store.scan("state", bytes(2), bytes(3), 1);
    for (let round = 2; round < 12; round++)
      store.transaction([put(bytes(1), bytes(round)), put(bytes(2), new Uint8Array(40_000).fill(round))]);
    expect(Array.from(small ?? [])).toEqual([1]);
    expect(big?.every((byte) => byte === 1)).toBe(true);
    expect(entry?.value.every((byte) => byte === 1)).toBe(true);
  });

  test("a put does not keep the caller's buffers: they may be used again", () => {
    const [key, value] = [bytes(1), bytes(5)];
    subject.store().transaction([put(key, value)]);
    key[0] = 2;
    value[0] = 6;
    expect(all()).toEqual([[[1], [5]]]);
  });

  test("every transaction that returned is there when the file is opened again", async () => {
    for (let round = 1; round <= 20; round++) subject.store().transaction([put(bytes(round), bytes(round))]);
    await subject.reopen();
    expect(all()).toHaveLength(20);
  });
});

describe("a transaction that fails", () => {
  test.each([
    ["before", []],
    ["after", [[[1], [1]]]],
  ] as const)("in memory, %s it was durable, leaves exactly that after the crash", (point, expected) => {
    const store = new MemoryStore();
    store.failAt(2, point);
    store.transaction([put(bytes(9), bytes(9), "timers")]);
    expect(() => store.transaction([put(bytes(1), bytes(1))])).toThrowError(
      expect.objectContaining({ code: "STORE_CLOSED" }),
    );
    expect(() => store.transaction([])).toThrowError(expect.objectContaining({ code: "STORE_CLOSED" }));
    store.crash();
    expect(plain(store.scan("state", NO_KEY, EVERY_KEY, 9))).toEqual(expected);
  });

  test("in LMDB leaves nothing of itself, and says STORE_CLOSED with the cause", async () => {
    const subject = lmdbSubject();
    const store = subject.store();
    const tooLong = new Uint8Array(3_000).fill(1);
    expect(() => store.transaction([put(bytes(1), bytes(1)), put(tooLong, bytes(1))])).toThrowError(
      expect.objectContaining({ code: "STORE_CLOSED", cause: expect.any(Error) }),
    );
    expect(store.get("state", bytes(1))).toBeUndefined();
    await subject.end();
  });
});
