import { expect, test } from "vitest";
import { FencedAppend, type FencedAction, type SubjectTail } from "../../runtime/core/fenced-append.ts";
import { KitClock } from "../support/testkit.ts";

const row = (text: string): Uint8Array => new TextEncoder().encode(text);

function appender(tail: SubjectTail | null, strict = true, epoch = 5): { append: FencedAppend; clock: KitClock } {
  const clock = new KitClock(0);
  return { append: new FencedAppend({ clock, epoch, paceMs: 10, bytesMax: 1_000, packed: true, strict }, tail), clock };
}

const tail = (sequence: number, epoch: number, last: number): SubjectTail => ({ sequence, epoch, last });
const sent = (action: FencedAction | null): unknown =>
  action?.type === "append"
    ? { last: action.last, expects: action.expectedSequence, rows: action.rows.length }
    : action;

test("what queues while one message is in flight goes into the next", () => {
  const { append, clock } = appender(tail(7, 5, 2));
  append.push({ last: 3, rows: [row("a")] });
  expect(sent(append.poll())).toEqual({ last: 3, expects: 7, rows: 1 });
  append.push({ last: 4, rows: [row("b")] });
  append.push({ last: 5, rows: [row("c")] });
  expect(append.poll()).toBeNull();
  append.appended({ outcome: "stored", sequence: 9 });
  expect(append.done).toBe(3);
  expect(append.poll()).toBeNull();
  clock.advance(10);
  expect(sent(append.poll())).toEqual({ last: 5, expects: 9, rows: 2 });
});

test("an urgent item does not wait for the pace", () => {
  const { append } = appender(tail(0, 5, 0));
  append.push({ last: 1, rows: [row("a")] });
  append.poll();
  append.appended({ outcome: "stored", sequence: 1 });
  append.push({ last: 2, rows: [row("b")] }, true);
  expect(sent(append.poll())).toEqual({ last: 2, expects: 1, rows: 1 });
});

test("after a lost acknowledgement the tail says that it was stored, and it is not sent again", () => {
  const { append, clock } = appender(tail(0, 5, 0));
  append.push({ last: 1, rows: [row("a")] });
  append.poll();
  append.appended({ outcome: "unknown", reason: "timeout" });
  expect(append.poll()).toBeNull();
  clock.advance(300);
  expect(append.poll()).toEqual({ type: "read-tail" });
  append.tailRead(tail(1, 5, 1));
  expect(append.done).toBe(1);
  expect(append.idle).toBe(true);
});

test("after a fence with an older tail of my epoch it is sent again behind that tail", () => {
  const { append } = appender(tail(0, 5, 0));
  append.push({ last: 1, rows: [row("a")] });
  append.poll();
  expect(append.appended({ outcome: "fenced" })).toEqual({ type: "read-tail" });
  append.tailRead(tail(4, 4, 0));
  expect(sent(append.poll())).toEqual({ last: 1, expects: 4, rows: 1 });
});

test("a higher epoch at the tail means that the partition is lost: nothing leaves any more", () => {
  const { append, clock } = appender(tail(0, 5, 0));
  append.push({ last: 1, rows: [row("a")] });
  append.poll();
  append.appended({ outcome: "fenced" });
  append.tailRead(tail(4, 6, 1));
  expect(append.lost).toBe(true);
  clock.advance(10_000);
  expect(append.poll()).toBeNull();
});

test("a partition log trusts only its own epoch, rows of decisions any epoch that reaches as far", () => {
  const log = appender(tail(0, 5, 0), true).append;
  log.push({ last: 1, rows: [row("a")] });
  log.poll();
  log.appended({ outcome: "fenced" });
  log.tailRead(tail(4, 4, 1));
  expect(log.done).toBe(0);

  const rows = appender(null, false).append;
  rows.push({ last: 3, rows: [row("a")] });
  rows.push({ last: 4, rows: [row("b")] });
  expect(rows.poll()).toEqual({ type: "read-tail" });
  rows.tailRead(tail(8, 4, 3));
  expect(rows.done).toBe(3);
  expect(sent(rows.poll())).toEqual({ last: 4, expects: 8, rows: 1 });
});

test("a tail that cannot be read is asked for again, not taken for empty", () => {
  const { append, clock } = appender(null);
  append.push({ last: 1, rows: [row("a")] });
  expect(append.poll()).toEqual({ type: "read-tail" });
  append.tailRead(null);
  expect(append.poll()).toBeNull();
  clock.advance(300);
  expect(append.poll()).toEqual({ type: "read-tail" });
});

test("a marker moves the tail without rows and without moving what is done", () => {
  const { append } = appender(tail(7, 5, 2));
  append.mark();
  expect(sent(append.poll())).toEqual({ last: 2, expects: 7, rows: 0 });
  append.appended({ outcome: "stored", sequence: 20 });
  expect(append.done).toBe(2);
  append.push({ last: 3, rows: [row("a")] }, true);
  expect(sent(append.poll())).toEqual({ last: 3, expects: 20, rows: 1 });
});
