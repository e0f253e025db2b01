import { describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { decodeGroup } from "../../protocols/stored-group.ts";
import type { Entry } from "../../runtime/core/ports.ts";
import { decodeRecordKey } from "../../runtime/core/store-keys.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { partitionRecord } from "../support/records.ts";
import { answers, only, StoreRig } from "../support/store-rig.ts";

const P = asPartition;
const EVERY = new Uint8Array(9).fill(0xff);
const value = (byte: number): Uint8Array => Uint8Array.of(byte);
const state = (key: string, byte: number) => ({ kind: "counter", key, part: "", bytes: value(byte) });

function storedGroups(store: MemoryStore): Entry[] {
  return store.scan("records", Uint8Array.of(0), EVERY, Infinity);
}

describe("committing groups", () => {
  test("all groups that wait become durable in one transaction, each as one value, before any of them is answered", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const [a, b] = [rig.open(1), rig.open(2)];
    const before = store.transactions;
    rig.commit(7, [partitionRecord(1, a.incarnation, 1), partitionRecord(2, b.incarnation, 1)], 0);
    rig.commit(8, [partitionRecord(1, a.incarnation, 2)], 5);
    const sent = rig.turn();
    expect(store.transactions).toBe(before + 1);
    expect(sent).toEqual([
      { to: 0, message: { type: "committed", group: 7, refused: [] } },
      { to: 5, message: { type: "committed", group: 8, refused: [] } },
    ]);
    const groups = storedGroups(store).map(({ key, value: bytes }) => decodeGroup(bytes, decodeRecordKey(key)));
    expect(groups.map((records) => records.map((r) => [r.partition, r.commitSeq]))).toEqual([
      [
        [1, 1],
        [2, 1],
      ],
      [[1, 2]],
    ]);
  });

  test("a group without records is answered and leaves no hole in the file's sequence", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const { incarnation } = rig.open(1);
    rig.commit(1, []);
    rig.commit(2, [partitionRecord(1, incarnation, 1)]);
    expect(answers(rig.turn(), "committed")).toHaveLength(2);
    expect(storedGroups(store).map(({ key }) => decodeRecordKey(key))).toEqual([1]);
  });

  test.each([
    ["before it was opened", { partition: 9, incarnation: 1, commitSeq: 1 }, "incarnation"],
    ["of an older incarnation", { partition: 1, incarnation: 1, commitSeq: 2 }, "incarnation"],
    ["that skips a commit", { partition: 1, incarnation: 2, commitSeq: 3 }, "commitSeq"],
    ["that repeats a commit", { partition: 1, incarnation: 2, commitSeq: 1 }, "commitSeq"],
  ])("a record %s is refused by name while the group's other partitions are committed", (_, bad, rule) => {
    const rig = new StoreRig(new MemoryStore());
    rig.open(1);
    const { incarnation } = rig.open(1);
    const other = rig.open(2);
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    rig.commit(2, [
      partitionRecord(bad.partition, bad.incarnation, bad.commitSeq),
      partitionRecord(2, other.incarnation, 1),
    ]);
    const second = answers(rig.turn(), "committed")[1];
    expect(second?.refused).toMatchObject([
      { partition: bad.partition, fault: { code: "STORE_REFUSED", details: { rule, commitSeq: bad.commitSeq } } },
    ]);
    expect(rig.open(2).commitSeq).toBe(1);
  });

  test("a record of a lower epoch is refused, one of a higher epoch raises it", () => {
    const rig = new StoreRig(new MemoryStore());
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { epoch: 4 })]);
    rig.commit(2, [partitionRecord(1, incarnation, 2, { epoch: 3 })]);
    expect(answers(rig.turn(), "committed")[1]?.refused).toMatchObject([{ fault: { details: { rule: "epoch" } } }]);
    expect(rig.open(1)).toMatchObject({ epoch: 4, commitSeq: 1 });
  });

  test("after a refusal nothing of that incarnation is admitted until the partition is opened again", () => {
    const rig = new StoreRig(new MemoryStore());
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 2)]);
    rig.commit(2, [partitionRecord(1, incarnation, 1)]);
    expect(answers(rig.turn(), "committed").flatMap(({ refused }) => refused)).toHaveLength(2);
    const again = rig.open(1);
    rig.commit(3, [partitionRecord(1, again.incarnation, 1)]);
    expect(only(answers(rig.turn(), "committed")).refused).toEqual([]);
  });

  test("bytes that are damaged, or that name another record, are refused and never reach the file", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const [a, b] = [rig.open(1), rig.open(2)];
    const damaged = partitionRecord(1, a.incarnation, 1);
    damaged.bytes[10] = (damaged.bytes[10] ?? 0) ^ 1;
    rig.commit(1, [damaged]);
    rig.commit(2, [{ ...partitionRecord(2, b.incarnation, 1), bytes: partitionRecord(1, 1, 1).bytes }]);
    const codes = answers(rig.turn(), "committed").map(({ refused }) => only(refused).fault.code);
    expect(codes).toEqual(["RECORD_CORRUPT", "STORE_REFUSED"]);
    expect(storedGroups(store)).toEqual([]);
  });

  test("a record whose key cannot be kept apart from another actor's is refused", () => {
    const rig = new StoreRig(new MemoryStore());
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: [state("a\0b", 1)] })]);
    expect(only(only(answers(rig.turn(), "committed")).refused).fault.code).toBe("STORE_REFUSED");
  });

  test("a transaction that fails stops everything: no answer, then and ever after", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    store.failAt(1, "before");
    expect(() => rig.turn()).toThrowError(expect.objectContaining({ code: "STORE_CLOSED" }));
    expect(() => rig.turn()).toThrowError(expect.objectContaining({ code: "STORE_CLOSED" }));
    expect(rig.committer.hasWork()).toBe(false);
  });
});

describe("folding", () => {
  test("waits for a reason: idleness, age or bytes", () => {
    const rig = new StoreRig(new MemoryStore(), { foldAfterMs: 1_000, idleMs: 250 });
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: [state("a", 1)] })]);
    rig.turn();
    expect(rig.committer.dueInMs()).toBe(250);
    for (let seq = 2; rig.committer.figures.unfoldedBytes > 0; seq++) {
      rig.clock.advance(200);
      rig.commit(seq, [partitionRecord(1, incarnation, seq, { states: [state("a", seq)] })]);
      rig.turn();
      expect(seq).toBeLessThanOrEqual(6);
    }
    expect(rig.clock.monotonicMs()).toBe(1_000);
  });

  test("starts at once above the bound on unfolded bytes", () => {
    const rig = new StoreRig(new MemoryStore(), { unfoldedBytesMax: 500 });
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: [{ ...state("a", 1), bytes: new Uint8Array(600) }] })]);
    expect(answers(rig.turn(), "folded")).toMatchObject([{ folded: [{ partition: 1, commitSeq: 1 }] }]);
  });

  test("a reader that refreshes sees what was said to be folded, and saw nothing of it before", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const reader = store.reader();
    const { incarnation, generation } = rig.open(1, 4);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: [state("a", 9)] })], 4);
    rig.turn();
    reader.refresh();
    expect(reader.read(P(1), generation, "counter", "a", "")).toBeUndefined();
    rig.clock.advance(250);
    const folded = rig.turn();
    expect(folded).toMatchObject([
      { to: 4, message: { type: "folded", unfoldedBytes: 0, folded: [{ partition: 1, incarnation, commitSeq: 1 }] } },
    ]);
    reader.refresh();
    expect(reader.read(P(1), generation, "counter", "a", "")).toEqual(value(9));
  });

  test("a round goes on in slices beside new groups, which wait for the next round", () => {
    const rig = new StoreRig(new MemoryStore(), { slicePuts: 2, foldAfterMs: 10 });
    const { incarnation } = rig.open(1);
    const five = ["a", "b", "c", "d", "e"].map((key) => state(key, 1));
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: five })]);
    rig.turn();
    rig.clock.advance(10);
    const said: number[] = [];
    for (let seq = 2; seq <= 4; seq++) {
      rig.commit(seq, [partitionRecord(1, incarnation, seq, { states: [state("a", seq)] })]);
      said.push(...answers(rig.turn(), "folded").map(({ folded }) => only(folded).commitSeq));
    }
    // The first slice came with record 2, which was admitted before the rows were frozen.
    expect(said).toEqual([2]);
    expect(rig.committer.figures.unfoldedBytes).toBeGreaterThan(0);
  });

  test("far above the bound folding goes first and groups wait, then they are committed", () => {
    const rig = new StoreRig(new MemoryStore(), { unfoldedBytesMax: 300, slicePuts: 1, slicePutsMax: 1 });
    const { incarnation } = rig.open(1);
    const big = ["a", "b", "c"].map((key) => ({ ...state(key, 1), bytes: new Uint8Array(400) }));
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: big })]);
    rig.turn();
    rig.commit(2, [partitionRecord(1, incarnation, 2)]);
    expect(answers(rig.turn(), "committed")).toEqual([]);
    rig.turn();
    expect(answers(rig.turn(), "committed")).toMatchObject([{ group: 2, refused: [] }]);
  });
});

describe("keeping and deleting records", () => {
  test("a group value goes when all its records are folded, shipped and published, not before", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store, { idleMs: 10 });
    const [a, b] = [rig.open(1), rig.open(2)];
    rig.commit(1, [partitionRecord(1, a.incarnation, 1), partitionRecord(2, b.incarnation, 1)]);
    rig.turn();
    rig.progress(1, a.incarnation, 1);
    rig.progress(2, b.incarnation, 1, 0);
    rig.finish();
    expect(storedGroups(store)).toHaveLength(1);
    rig.progress(2, b.incarnation, 0, 1);
    rig.finish();
    expect(storedGroups(store)).toEqual([]);
    rig.restart();
    expect(rig.open(1)).toMatchObject({ commitSeq: 1, shipped: 1, published: 1, retained: [] });
  });

  test("progress of an older incarnation, or beyond what was committed, deletes nothing", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    rig.open(1);
    const { incarnation } = rig.open(1);
    rig.progress(1, incarnation, 50);
    rig.turn();
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    rig.progress(1, incarnation - 1, 1);
    rig.finish();
    expect(rig.open(1)).toMatchObject({ shipped: 0, published: 0, retained: [{ commitSeq: 1 }] });
    expect(storedGroups(store)).toHaveLength(1);
  });

  test("deletions alone wait for an idle moment instead of costing a flush for each piece of news", () => {
    const rig = new StoreRig(new MemoryStore(), { idleMs: 250 });
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    rig.finish();
    rig.progress(1, incarnation, 1);
    rig.turn();
    expect(rig.committer.hasWork()).toBe(false);
    expect(rig.committer.dueInMs()).toBeNull();
  });
});
