import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import {
  afterPrefix,
  decodePartitionKey,
  decodeRecordKey,
  decodeStateKey,
  decodeTimerKey,
  isPath,
  partitionKey,
  recordKey,
  stateKey,
  statePath,
  timerKey,
  timerPath,
} from "../../runtime/core/store-keys.ts";

const partition = fc.integer({ min: 0, max: 65_535 }).map(asPartition);
const generation = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const name = fc
  .string({ maxLength: 12, unit: "grapheme" })
  .filter((text) => !text.includes("\0") && text.isWellFormed());
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const due = fc.maxSafeNat();
const timer = fc.record({ dueMs: due, kind: id, key: id, name: id });

describe("keys of the store", () => {
  test("a record's key gives its sequence back, and orders as the sequence does", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(decodeRecordKey(recordKey(a))).toBe(a);
        expect(Math.sign(Buffer.compare(recordKey(a), recordKey(b)))).toBe(Math.sign(a - b));
      }),
    );
  });

  test("a partition's key gives the partition back", () => {
    fc.assert(
      fc.property(partition, (p) => {
        expect(decodePartitionKey(partitionKey(p))).toBe(p);
      }),
    );
  });

  test("a state key gives partition, generation, kind, key and part back", () => {
    fc.assert(
      fc.property(partition, generation, name, name, name, (p, g, kind, key, part) => {
        const decoded = decodeStateKey(stateKey(p, g, statePath(kind, key, part)));
        expect(decoded).toEqual({ partition: p, generation: g, kind, key, part });
      }),
    );
  });

  test("a timer's key gives the timer back, and orders by due time first", () => {
    fc.assert(
      fc.property(partition, generation, timer, timer, (p, g, a, b) => {
        const [left, right] = [timerKey(p, g, timerPath(a)), timerKey(p, g, timerPath(b))];
        expect(decodeTimerKey(left)).toEqual(a);
        if (a.dueMs !== b.dueMs) expect(Math.sign(Buffer.compare(left, right))).toBe(Math.sign(a.dueMs - b.dueMs));
      }),
    );
  });

  test("paths of ids sort as their keys do, so that a fold in path order writes in tree order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(id, id, id)), partition, (actors, p) => {
        const paths = actors.map(([kind, key, part]) => statePath(kind, key, part)).sort();
        const keys = paths.map((path) => stateKey(p, 1, path));
        expect(keys).toEqual(keys.toSorted((a, b) => Buffer.compare(a, b)));
      }),
    );
  });

  test("the bound after a prefix is above every key with the prefix and not above any other key that is above them", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(bytes, bytes, (prefix, other) => {
        fc.pre(prefix.some((byte) => byte < 255));
        const bound = afterPrefix(prefix);
        const begins = Buffer.compare(other.subarray(0, prefix.length), prefix) === 0;
        const within = Buffer.compare(other, prefix) >= 0 && Buffer.compare(other, bound) < 0;
        expect(within).toBe(begins);
      }),
    );
  });

  test("a text that would name another actor's key is no path", () => {
    expect(isPath(statePath("listener", "a", "core"), 3)).toBe(true);
    expect(isPath(statePath("listener", "a\0b", "core"), 3)).toBe(false);
    expect(isPath(statePath("listener", "\ud800", "core"), 3)).toBe(false);
    expect(isPath(statePath("listener", "a".repeat(700), "core"), 3)).toBe(false);
  });
});
