import { expect, test } from "vitest";
import { Overlay } from "../../runtime/core/overlay.ts";

const change = (kind: string, key: string, part: string, bytes: number[] | null) => ({
  kind,
  key,
  part,
  bytes: bytes === null ? null : Uint8Array.from(bytes),
});

test("what was sent last is read until it is folded; an older fold leaves it", () => {
  const overlay = new Overlay();
  overlay.put(change("counter", "a", "", [1]), 1);
  overlay.put(change("counter", "a", "", [2, 2]), 2);
  expect([overlay.get("counter", "a", ""), overlay.bytes]).toEqual([Uint8Array.from([2, 2]), 2]);
  overlay.folded(1);
  expect([overlay.get("counter", "a", ""), overlay.bytes]).toEqual([Uint8Array.from([2, 2]), 2]);
  overlay.folded(2);
  expect([overlay.get("counter", "a", ""), overlay.bytes]).toEqual([undefined, 0]);
});

test("a deleted part is known as deleted until its fold", () => {
  const overlay = new Overlay();
  overlay.put(change("counter", "a", "x", null), 1);
  expect(overlay.get("counter", "a", "x")).toBeNull();
  overlay.folded(1);
  expect(overlay.get("counter", "a", "x")).toBeUndefined();
});

test("kinds, keys and parts of which one begins like another are told apart", () => {
  const overlay = new Overlay();
  overlay.put(change("counter", "a", "", [1]), 1);
  overlay.put(change("counter", "ab", "", [2]), 1);
  overlay.put(change("counter", "a", "b", [3]), 1);
  overlay.put(change("count", "a", "", [4]), 1);
  const read = (kind: string, key: string, part: string): unknown => overlay.get(kind, key, part)?.[0];
  expect([
    read("counter", "a", ""),
    read("counter", "ab", ""),
    read("counter", "a", "b"),
    read("count", "a", ""),
  ]).toEqual([1, 2, 3, 4]);
  expect(overlay.mergeParts("counter", "a", "", [])).toEqual(["", "b"]);
  expect(overlay.newKeys("counter")).toEqual(["a", "ab"]);
});

test("a list of parts or keys is what LMDB has, with what is newer", () => {
  const overlay = new Overlay();
  overlay.put(change("listener", "a", "cap/2", [1]), 1);
  overlay.put(change("listener", "a", "cap/1", null), 1);
  overlay.put(change("listener", "b", "cap/9", [1]), 1);
  overlay.put(change("listener", "a", "core", [1]), 1);
  expect(overlay.mergeParts("listener", "a", "cap/", ["cap/1", "cap/3"])).toEqual(["cap/2", "cap/3"]);
  overlay.put(change("listener", "b", "cap/9", null), 2);
  expect(overlay.newKeys("listener")).toEqual(["a"]);
});
