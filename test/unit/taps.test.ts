import { expect, test } from "vitest";
import { redacted } from "../../runtime/core/redaction.ts";
import { Taps, TAPS_MAX, type TapOrder, type TapReport } from "../../runtime/core/taps.ts";
import { TapDesk } from "../../runtime/host/tap-desk.ts";

const actor = { partition: 3, kind: "budget", key: "spring" };
const order: TapOrder = { ...actor, tap: "tap-1", countMax: 1_000, forMs: 10_000, payloads: false };
const message = { form: "tell" as const, message: "Report", micros: 12.4, fault: null, payload: { by: 3, key: "abc" } };

test("a tap tells of its actor's messages by type and size, and of no other's", () => {
  const taps = new Taps();
  taps.handled(actor, message, 0, 0);
  expect(taps.start(order, 0)).toBe(true);
  taps.handled(actor, message, 5, 1_000);
  taps.handled({ ...actor, key: "autumn" }, message, 5, 1_000);
  taps.handled({ ...actor, partition: 4 }, message, 5, 1_000);
  expect(taps.take(6)).toEqual([
    {
      tap: "tap-1",
      message: { atMs: 1_000, form: "tell", message: "Report", bytes: 13, micros: 12, fault: null, dropped: 0 },
    },
  ]);
  expect(taps.take(6)).toEqual([]);
});

test("a tap shows a hundred messages a second, and says how many it left out", () => {
  const taps = new Taps();
  taps.start(order, 0);
  for (let number = 0; number < 250; number++) taps.handled(actor, message, 500, 0);
  expect(taps.take(500)).toHaveLength(100);
  taps.handled(actor, message, 1_000, 0);
  expect(taps.take(1_000)).toMatchObject([{ message: { dropped: 150 } }]);
  taps.take(10_000);
});

test("a tap ends after its messages or its time, and says what it saw", () => {
  const taps = new Taps();
  taps.start({ ...order, countMax: 2 }, 0);
  for (let number = 0; number < 5; number++) taps.handled(actor, message, number, 0);
  expect(taps.take(10).at(-1)).toEqual({ tap: "tap-1", ended: { why: "count", seen: 2, dropped: 0 } });
  taps.start({ ...order, tap: "tap-2" }, 0);
  expect(taps.take(9_999)).toEqual([]);
  expect(taps.take(10_000)).toEqual([{ tap: "tap-2", ended: { why: "time", seen: 0, dropped: 0 } }]);
  expect(taps.size).toBe(0);
});

test("a shard has eight taps at most, and an actor one", () => {
  const taps = new Taps();
  for (let number = 0; number < TAPS_MAX; number++) expect(taps.start({ ...order, key: `k${number}` }, 0)).toBe(true);
  expect(taps.start({ ...order, key: "one-more" }, 0)).toBe(false);
  expect(taps.start({ ...order, key: "k0", tap: "tap-2" }, 0)).toBe(true);
  expect(taps.take(0)).toMatchObject([{ tap: "tap-1", ended: {} }]);
  expect(taps.start({ ...order, key: "one-more" }, 10_000)).toBe(true);
});

test("payloads are shown where that was ordered, without what may be personal", () => {
  const taps = new Taps();
  taps.start({ ...order, payloads: true }, 0);
  taps.handled(actor, message, 0, 0);
  expect(taps.take(0)).toMatchObject([{ message: { payload: { by: 3, key: "[redacted]" } } }]);
});

test("redaction finds what is personal by its name and by its looks, and keeps what explains", () => {
  const payload = {
    listener: "abc",
    userAgent: "Mozilla/5.0",
    from: "203.0.113.9",
    v6: "2001:db8::1",
    mail: "some one@example.org someone@example.org",
    contact: "someone@example.org",
    opaque: "eyJhbGciOiJIUzI1NiJ9abc",
    nested: { deep: [{ session_id: "s", genre: "rock" }] },
    decisionId: "018f1e2a-0000-7000-8000-000000000000",
    campaignId: "spring",
    bytes: new Uint8Array(3),
    amountMicros: 5,
    empty: null,
    note: "x ".repeat(200),
    list: Array.from({ length: 40 }, (_, index) => index),
  };
  const shown = redacted(payload) as Record<string, unknown>;
  expect(shown).toMatchObject({
    listener: "[redacted]",
    userAgent: "[redacted]",
    from: "[redacted]",
    v6: "[redacted]",
    contact: "[redacted]",
    opaque: "[redacted]",
    nested: { deep: [{ session_id: "[redacted]", genre: "rock" }] },
    decisionId: payload.decisionId,
    campaignId: "spring",
    bytes: "[3 bytes]",
    amountMicros: 5,
    empty: null,
  });
  expect(String(shown["note"])).toHaveLength(129);
  expect(shown["list"]).toHaveLength(33);
});

function desk(): { desk: TapDesk; published: [string, Record<string, unknown>][]; now: { ms: number } } {
  const published: [string, Record<string, unknown>][] = [];
  const now = { ms: 0 };
  const made = new TapDesk({
    nowMs: () => now.ms,
    publish: (event, details) => void published.push([event, details]),
  });
  return { desk: made, published, now };
}

const report = (tap: string, number: number): TapReport => ({
  tap,
  message: { atMs: number, form: "ask", message: "M", bytes: 1, micros: 1, fault: null, dropped: 0, payload: { n: 1 } },
});

test("what a tap tells is published without payloads, and kept with them for whoever asks page by page", () => {
  const { desk: taps, published } = desk();
  const tap = taps.open(actor, 1_000);
  taps.take(report(tap, 1));
  taps.take(report(tap, 2));
  expect(published).toHaveLength(2);
  expect(published[0]).toEqual([tap, expect.not.objectContaining({ payload: expect.anything() })]);
  expect(taps.page(tap, 0)).toMatchObject({ messages: [{ payload: { n: 1 } }, {}], next: 2, ended: null });
  taps.take(report(tap, 3));
  taps.take({ tap, ended: { why: "count", seen: 3, dropped: 0 } });
  expect(taps.page(tap, 2)).toMatchObject({ messages: [{ atMs: 3 }], next: 3, ended: { why: "count" } });
  expect(published.at(-1)?.[1]).toMatchObject({ of: "budget", key: "spring", ended: { seen: 3 } });
  expect(taps.page("tap-9", 0)).toBeUndefined();
});

test("the desk keeps a thousand messages of a tap and sixteen taps, and gives one up whose shard died", () => {
  const { desk: taps, now } = desk();
  const first = taps.open(actor, 1_000);
  for (let number = 0; number < 1_500; number++) taps.take(report(first, number));
  expect(taps.page(first, 0)).toMatchObject({ next: 1_500 });
  expect(taps.page(first, 0)?.messages).toHaveLength(1_000);
  expect(taps.page(first, 1_499)?.messages).toMatchObject([{ atMs: 1_499 }]);
  now.ms = 11_001;
  expect(taps.page(first, 0)?.ended).toEqual({ why: "lost" });
  for (let number = 0; number < 16; number++) taps.open(actor, 1_000);
  expect(taps.page(first, 0)).toBeUndefined();
});
