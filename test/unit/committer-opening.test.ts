import { describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { Committer } from "../../runtime/core/committer.ts";
import { recordKey } from "../../runtime/core/store-keys.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { partitionRecord } from "../support/records.ts";
import { answers, only, StoreRig } from "../support/store-rig.ts";

const P = asPartition;
const value = (byte: number): Uint8Array => Uint8Array.of(byte);
const state = (key: string, byte: number) => ({ kind: "counter", key, part: "", bytes: value(byte) });

describe("opening a partition", () => {
  test("answers where it stands: counters, position, time and the records not yet delivered", () => {
    const rig = new StoreRig(new MemoryStore());
    const { incarnation } = rig.open(1);
    const records = [
      partitionRecord(1, incarnation, 1, { received: [[P(3), 10]], sent: [[P(4), 1]], nowMs: 50 }),
      partitionRecord(1, incarnation, 2, {
        received: [
          [P(3), 12],
          ["feeder", 7],
        ],
        position: { stream: "CHORUS_P@1", sequence: 44, index: 2 },
        nowMs: 40,
        published: 1,
      }),
    ];
    rig.commit(1, records.slice(0, 1));
    rig.commit(2, records.slice(1));
    rig.turn();
    rig.progress(1, incarnation, 2, 0);
    expect(rig.open(1)).toEqual({
      partition: 1,
      incarnation: 2,
      generation: 1,
      epoch: 1,
      commitSeq: 2,
      position: { stream: "CHORUS_P@1", sequence: 44, index: 2 },
      received: [
        [3, 12],
        ["feeder", 7],
      ],
      sent: [[4, 1]],
      shipped: 2,
      published: 1,
      nowMs: 50,
      retained: [{ commitSeq: 2, bytes: records[1]?.bytes }],
    });
  });

  test("folds what was committed before it, in the middle of a round too, and refuses the old incarnation after it", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store, { slicePutsMax: 1, idleMs: 10 });
    const reader = store.reader();
    const first = rig.open(1);
    const states = ["a", "b", "c"].map((key) => state(key, 1));
    rig.commit(1, [partitionRecord(1, first.incarnation, 1, { states })]);
    rig.turn();
    rig.clock.advance(10);
    rig.turn(); // one row of three
    rig.commit(2, [partitionRecord(1, first.incarnation, 2, { states: [state("a", 2)] })]);
    const second = rig.open(1, 1);
    reader.refresh();
    const read = (key: string) => reader.read(P(1), second.generation, "counter", key, "")?.[0];
    expect([read("a"), read("b"), read("c")]).toEqual([2, 1, 1]);
    expect(second).toMatchObject({ commitSeq: 2, incarnation: 2 });
    expect(rig.committer.figures.unfoldedBytes).toBe(0);
    rig.commit(3, [partitionRecord(1, first.incarnation, 3)]);
    expect(only(answers(rig.turn(), "committed")).refused).toHaveLength(1);
  });

  test("two openings in one turn get one incarnation each", () => {
    const rig = new StoreRig(new MemoryStore());
    rig.committer.receive(0, { type: "open", request: 1, partition: P(1) });
    rig.committer.receive(1, { type: "open", request: 2, partition: P(1) });
    expect(answers(rig.turn(), "opened").map(({ opening }) => opening.incarnation)).toEqual([1, 2]);
  });

  test("incarnations go on growing after a restart", () => {
    const rig = new StoreRig(new MemoryStore());
    rig.open(1);
    rig.restart();
    expect(rig.open(1).incarnation).toBe(2);
  });
});

describe("starting from what the last process left", () => {
  test("unfolded records are folded again, and their partition stands where it stood", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1, { states: [state("a", 7)] })]);
    rig.turn();
    rig.restart();
    expect(rig.committer.figures.unfoldedBytes).toBeGreaterThan(0);
    expect(rig.open(1)).toMatchObject({ commitSeq: 1, retained: [{ commitSeq: 1 }] });
    expect(store.reader().read(P(1), 1, "counter", "a", "")).toEqual(value(7));
  });

  test("a damaged group is named, not skipped", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    rig.turn();
    const damaged = store.get("records", recordKey(1)) ?? new Uint8Array();
    damaged[12] = (damaged[12] ?? 0) ^ 4;
    store.transaction([{ table: "records", key: recordKey(1), value: damaged }]);
    expect(() => new Committer(store, rig.clock)).toThrowError(
      expect.objectContaining({ code: "RECORD_CORRUPT", message: expect.stringContaining("group 1") }),
    );
  });

  test("a group that is missing below another is named, not skipped", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const { incarnation } = rig.open(1);
    rig.commit(1, [partitionRecord(1, incarnation, 1)]);
    rig.commit(2, [partitionRecord(1, incarnation, 2)]);
    rig.turn();
    store.transaction([{ table: "records", key: recordKey(1), value: null }]);
    expect(() => new Committer(store, rig.clock)).toThrowError(
      expect.objectContaining({ code: "RECORD_CORRUPT", details: expect.objectContaining({ commitSeq: 2 }) }),
    );
  });

  test("a retained group that is damaged meanwhile fails the opening by name and nothing else", () => {
    const store = new MemoryStore();
    const rig = new StoreRig(store);
    const [a] = [rig.open(1), rig.open(2)];
    rig.commit(1, [partitionRecord(1, a.incarnation, 1)]);
    rig.finish();
    store.transaction([{ table: "records", key: recordKey(1), value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7) }]);
    rig.committer.receive(0, { type: "open", request: 9, partition: P(1) });
    expect(only(answers(rig.turn(), "open-failed"))).toMatchObject({ request: 9, fault: { code: "RECORD_CORRUPT" } });
    expect(rig.open(2).commitSeq).toBe(0);
  });
});
