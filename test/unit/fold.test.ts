import { describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { keyChanges, type KeyedChanges, Unfolded } from "../../runtime/core/fold.ts";
import type { Put } from "../../runtime/core/ports.ts";
import { decodeStateKey, decodeTimerKey } from "../../runtime/core/store-keys.ts";
import { commitRecord } from "../support/records.ts";

const bytes = (value: number): Uint8Array => Uint8Array.of(value);
const state = (key: string, value: number | null) => ({
  kind: "counter",
  key,
  part: "",
  bytes: value === null ? null : bytes(value),
});

function changes(fields: Parameters<typeof commitRecord>[2]): KeyedChanges {
  const keyed = keyChanges(commitRecord(3, 1, fields));
  if ("unfit" in keyed) throw new Error(`unfit: ${keyed.unfit}`);
  return keyed;
}

describe("the fold of one partition", () => {
  test("writes each key once, with the value of the last record", () => {
    const unfolded = new Unfolded();
    unfolded.add(changes({ states: [state("b", 1), state("a", 1)] }), 10);
    unfolded.add(changes({ states: [state("b", 2), state("c", null)] }), 10);
    const puts: Put[] = [];
    unfolded.freeze(asPartition(3), 1).take(100, puts);
    expect(puts.map(({ key, value }) => [decodeStateKey(key).key, value])).toEqual([
      ["a", bytes(1)],
      ["b", bytes(2)],
      ["c", null],
    ]);
  });

  test("writes in key order, slice by slice, and never a row twice", () => {
    const unfolded = new Unfolded();
    const keys = Array.from({ length: 10 }, (_, index) => `k${(index * 7) % 10}`);
    unfolded.add(changes({ states: keys.map((key, index) => state(key, index)) }), 10);
    const run = unfolded.freeze(asPartition(3), 1);
    const slices: string[][] = [];
    while (!run.done) {
      const puts: Put[] = [];
      run.take(4, puts);
      slices.push(puts.map(({ key }) => decodeStateKey(key).key));
    }
    expect(slices).toEqual([
      ["k0", "k1", "k2", "k3"],
      ["k4", "k5", "k6", "k7"],
      ["k8", "k9"],
    ]);
  });

  test("a timer set and removed between two folds leaves a removal, which no reader ever sees as a timer", () => {
    const unfolded = new Unfolded();
    const timer = { dueMs: 5_000, kind: "counter", key: "a", name: "flush" };
    unfolded.add(changes({ timers: [{ ...timer, set: true }] }), 10);
    unfolded.add(
      changes({
        timers: [
          { ...timer, set: false },
          { ...timer, dueMs: 300, set: true },
        ],
      }),
      10,
    );
    const puts: Put[] = [];
    unfolded.freeze(asPartition(3), 1).take(100, puts);
    expect(puts.map(({ key, value }) => [decodeTimerKey(key).dueMs, value === null])).toEqual([
      [300, false],
      [5_000, true],
    ]);
  });

  test("a record that changes no key still counts as unfolded: its standing has to reach the file", () => {
    const unfolded = new Unfolded();
    expect(unfolded.isEmpty).toBe(true);
    unfolded.add(changes({}), 42);
    expect(unfolded.isEmpty).toBe(false);
    expect(unfolded.freeze(asPartition(3), 1)).toMatchObject({ done: true, bytes: 42 });
  });

  test("a key or due time that the file cannot hold is named, not written", () => {
    expect(keyChanges(commitRecord(3, 1, { states: [state("a\0b", 1)] }))).toHaveProperty("unfit");
    const timer = { dueMs: -1, kind: "counter", key: "a", name: "flush", set: true };
    expect(keyChanges(commitRecord(3, 1, { timers: [timer] }))).toHaveProperty("unfit");
  });
});
