import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Attempt } from "../../runtime/core/attempt.ts";
import { DeathRecord } from "../../runtime/core/death-record.ts";
import { ShardWatchdog } from "../../runtime/host/shard-watchdog.ts";
import { AttemptMemory } from "../../runtime/threads/attempt-memory.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const mail = (sequence: number, partition = 1): Attempt => ({
  partition,
  of: "mail",
  sequence,
  index: 2,
  kind: "",
  key: "",
  name: "",
});
const asked: Attempt = { ...mail(0), of: "ask", index: 0, kind: "listener", key: "k", name: "Decide" };

test("what a thread was handling is read by another from the memory they share, for mail, asks and timers", () => {
  const memory = new AttemptMemory();
  const reader = new AttemptMemory(memory.buffer);
  expect(reader.read()).toBeNull();
  memory.mail(65_535, 2 ** 45 + 3, 4_095);
  expect(reader.read()).toEqual({ ...mail(2 ** 45 + 3, 65_535), index: 4_095 });
  memory.ask(7, "listener", "a".repeat(64), "Decide");
  expect(reader.read()).toEqual({ ...asked, partition: 7, key: "a".repeat(64) });
  memory.timer(7, "alarm", "b", "$retry", 1_900_000_000_123, 5);
  const timer = { of: "timer", sequence: 1_900_000_000_123, index: 5, kind: "alarm", key: "b", name: "$retry" };
  expect(reader.read()).toEqual({ ...timer, partition: 7 });
  memory.mail(1, 9, 2);
  expect(reader.read()).toEqual(mail(9));
  memory.done();
  expect(reader.read()).toBeNull();
});

test("texts that are too long for the memory are cut, and nothing else is written over", () => {
  const memory = new AttemptMemory();
  memory.beat();
  memory.ask(1, "k".repeat(300), "y".repeat(300), "Type");
  expect(memory.read()).toMatchObject({ kind: "k".repeat(300), key: "y".repeat(148), name: "" });
  expect(memory.beats).toBe(1);
});

test("deaths count against what was handled, whatever else dies in between", () => {
  const record = new DeathRecord(3);
  for (const [attempt, deaths] of [
    [mail(1), 1],
    [mail(2), 1],
    [mail(1), 2],
    [mail(2, 4), 1],
    [mail(1), 3],
  ] as const)
    expect(record.died(attempt, "hang", 0)).toMatchObject({ deaths, cause: "hang" });
  expect(record.deadly(1)).toEqual([{ ...mail(1), deaths: 3, cause: "hang" }]);
  expect(record.deadly(1)).toHaveLength(1);
  expect(record.deadly(4)).toEqual([]);
});

test("a deadly ask is named to one owner only: an operator who restarts its actor means it", () => {
  const record = new DeathRecord(1);
  record.died(asked, "oom", 0);
  expect(record.deadly(1)).toMatchObject([{ of: "ask", cause: "oom" }]);
  expect(record.deadly(1)).toEqual([]);
});

test("suspects are forgotten after ten minutes, and the least recent above 256", () => {
  const record = new DeathRecord(3);
  record.died(mail(1), "crash", 0);
  expect(record.died(mail(1), "crash", 599_000)).toMatchObject({ deaths: 2 });
  expect(record.died(mail(2), "crash", 1_199_000)).toMatchObject({ deaths: 1 });
  expect(record.suspects).toHaveLength(1);
  for (let sequence = 3; sequence < 400; sequence++) record.died(mail(sequence), "crash", 1_199_000);
  expect(record.suspects).toHaveLength(256);
  expect(record.died(mail(2), "crash", 1_199_000)).toMatchObject({ deaths: 1 });
});

function watched(heapBytes = 0): { watchdog: ShardWatchdog; hung: number[]; full: number[]; memory: AttemptMemory } {
  const hung: number[] = [];
  const full: number[] = [];
  const watchdog = new ShardWatchdog({
    hangAfterMs: 2_000,
    heapBytesMax: 1_000,
    heapOf: () => Promise.resolve(heapBytes),
    onHang: (shard) => void hung.push(shard),
    onFull: (_shard, bytes) => void full.push(bytes),
  });
  // Only the test looks.
  vi.clearAllTimers();
  const memory = new AttemptMemory();
  watchdog.watch(4, memory);
  return { watchdog, hung, full, memory };
}

test("a thread whose event loop does not turn for ten looks is hung, once; one that turns is not", () => {
  const { watchdog, hung, memory } = watched();
  memory.beat();
  for (let look = 0; look < 30; look++) {
    if (look % 9 === 0) memory.beat();
    watchdog.look();
  }
  expect(hung).toEqual([]);
  for (let look = 0; look < 30; look++) watchdog.look();
  expect(hung).toEqual([4]);
  watchdog.stop();
});

test("a thread whose handler does not return and whose heap is full is ended before it hangs; an idle one is not", async () => {
  for (const [heapBytes, runs, ended] of [
    [1_001, true, [1_001]],
    [1_000, true, []],
    [1_001, false, []],
  ] as const) {
    const { watchdog, hung, full, memory } = watched(heapBytes);
    memory.beat();
    if (runs) memory.ask(1, "listener", "k", "Decide");
    for (let look = 0; look < 9; look++) {
      watchdog.look();
      await Promise.resolve().then(() => undefined);
    }
    expect([full, hung]).toEqual([ended, []]);
    watchdog.stop();
  }
});

test("a thread that has not begun is not hung, nor is one that ended", () => {
  const { watchdog, hung, memory } = watched();
  for (let look = 0; look < 30; look++) watchdog.look();
  memory.beat();
  watchdog.look();
  watchdog.forget(4);
  for (let look = 0; look < 30; look++) watchdog.look();
  expect(hung).toEqual([]);
  watchdog.stop();
});
