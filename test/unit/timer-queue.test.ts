import { expect, test } from "vitest";
import type { TimerRow } from "../../runtime/core/ports.ts";
import { TimerQueue } from "../../runtime/core/timer-queue.ts";

function rows(count: number, dueMs: (index: number) => number): TimerRow[] {
  return Array.from({ length: count }, (_, index) => ({ dueMs: dueMs(index), kind: "k", key: `a${index}`, name: "t" }));
}

function firedOf(stored: readonly TimerRow[], nowMs: number): Set<string> {
  const queue = new TimerQueue();
  const read = (fromMs: number, untilMs: number, limit: number): TimerRow[] =>
    stored.filter(({ dueMs }) => dueMs >= fromMs && dueMs <= untilMs).slice(0, limit);
  const fired = new Set<string>();
  for (let scan = 0; scan < 10; scan++) {
    queue.scan(nowMs, read);
    for (let row = queue.take(nowMs); row !== undefined; row = queue.take(nowMs)) fired.add(row.key);
  }
  return fired;
}

test("timers beyond what one scan takes come with the next", () => {
  expect(
    firedOf(
      rows(10_000, (index) => index >> 2),
      5_000,
    ).size,
  ).toBe(10_000);
});

test("timers due in one millisecond all fire, however many they are", () => {
  expect(
    firedOf(
      rows(10_000, () => 7),
      5_000,
    ).size,
  ).toBe(10_000);
});

test("a timer that was held back is found again by a new look, whether its record is folded or not", () => {
  const queue = new TimerQueue();
  const row = { dueMs: 50, kind: "alarm", key: "a", name: "ring" };
  const stored: TimerRow[] = [];
  const read = (): TimerRow[] => stored;
  queue.scan(0, read);
  queue.set({ ...row, set: true }, 7);
  expect(queue.take(60)).toMatchObject(row);
  queue.hold(row, 8);
  expect(queue.take(60)).toBeUndefined();
  queue.rescan();
  queue.scan(60, read);
  expect(queue.take(60)).toMatchObject(row);

  queue.hold(row, 8);
  stored.push(row);
  queue.folded(8);
  queue.rescan();
  queue.scan(60, read);
  expect([queue.take(60), queue.take(60)]).toMatchObject([row, undefined]);
});
