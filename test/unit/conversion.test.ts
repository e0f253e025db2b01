import { expect, test } from "vitest";
import { orphanActor } from "../../actors/orphan/actor.ts";
import { ATTRIBUTION, lastContact, touchAt } from "../../protocols/attribution.ts";
import { DAY_MS, decisionIdAt, FeedbackWorld, HOUR_MS, MINUTE_MS, START_MS } from "../support/feedback-world.ts";
import { activate } from "../support/testkit.ts";

const billed = (changed: ConstructorParameters<typeof FeedbackWorld>[0] = {}): FeedbackWorld => {
  const world = new FeedbackWorld(changed);
  world.event("impression");
  return world;
};

test("a click after the playback window counts once, and corrects the outcome that is in the log already", () => {
  const world = billed();
  world.advance(20 * HOUR_MS);
  world.kit.crashAndRecover();
  expect([world.event("click"), world.event("click")]).toEqual(["accepted", "duplicate"]);
  expect(world.counts).toMatchObject({ impressions: 1, clicks: 1 });
  expect(world.rows("outcome")).toHaveLength(1);
  expect(world.rows("join")).toMatchObject([
    { event: "click", campaignId: "spring", creativeId: "spring-30", status: "accepted", arrivedAtMs: world.nowMs },
  ]);
  expect(world.kit.sent("Outcome").at(-1)?.payload).toMatchObject({ event: "click" });
});

test("what else comes after the playback window is late, and the impression a duplicate", () => {
  const world = billed();
  world.advance(2 * HOUR_MS);
  expect([world.event("complete"), world.event("impression"), world.event("bill")]).toEqual([
    "late",
    "duplicate",
    "duplicate",
  ]);
  expect(world.counts).toEqual({ impressions: 1 });
});

test("a click within the playback window is known after it", () => {
  const world = billed();
  world.event("click");
  world.advance(HOUR_MS);
  expect(world.event("click")).toBe("duplicate");
  expect(world.convert("order", { atMs: world.nowMs })).toBe("accepted");
  expect(world.rows("join")).toMatchObject([{ event: "conversion", through: "click", touchAtMs: START_MS }]);
});

test("an order converts once, and two orders twice", () => {
  const world = billed();
  expect([world.convert("one"), world.convert("one"), world.convert("two")]).toEqual([
    "accepted",
    "duplicate",
    "accepted",
  ]);
  world.kit.crashAndRecover();
  world.advance(HOUR_MS);
  expect(world.convert("one")).toBe("duplicate");
  expect(world.counts).toEqual({ impressions: 1, conversions: 2 });
  expect(world.rows("join")).toMatchObject([
    { event: "conversion", through: "listen", valueMicros: 5, atMs: START_MS, arrivedAtMs: START_MS },
    { event: "conversion" },
  ]);
});

test.each([
  ["heard", DAY_MS, "accepted"],
  ["heard", DAY_MS + 1, "late"],
  ["clicked", 30 * DAY_MS, "accepted"],
  ["clicked", 30 * DAY_MS + 1, "late"],
  ["clicked", 30 * DAY_MS + 2 * MINUTE_MS, "orphan"],
] as const)("an ad %s converts %d ms later: %s", (how, afterMs, status) => {
  const world = billed();
  if (how === "clicked") world.event("click");
  world.advance(afterMs);
  expect(world.convert("order")).toBe(status);
  expect(world.counts.conversions ?? 0).toBe(status === "accepted" ? 1 : 0);
});

test("the time of the order counts, not that of its arrival", () => {
  const world = billed();
  world.advance(DAY_MS + HOUR_MS / 4);
  expect(world.convert("order", { atMs: START_MS + DAY_MS })).toBe("accepted");
  expect(world.convert("older", { atMs: START_MS - HOUR_MS })).toBe("late");
  expect(world.convert("by another clock", { atMs: START_MS - 1_000 })).toBe("accepted");
});

test("an impression that claims to be from before its decision was heard when it was decided", () => {
  const world = new FeedbackWorld({ decisionId: decisionIdAt(START_MS) });
  world.event("impression", { atMs: START_MS - 20 * DAY_MS });
  expect(world.convert("order")).toBe("accepted");
  expect(world.rows("join")).toMatchObject([{ touchAtMs: START_MS }]);
});

test("a conversion before its impression waits for it", () => {
  const world = new FeedbackWorld();
  expect([world.convert("one"), world.convert("one")]).toEqual(["held", "held"]);
  expect(world.counts).toEqual({});
  world.kit.crashAndRecover();
  world.event("bill");
  expect(world.counts).toEqual({ impressions: 1, conversions: 1 });
  expect(world.convert("one")).toBe("duplicate");
});

test("a conversion that only a click explains waits for the click, which may come late", () => {
  const world = billed();
  world.advance(DAY_MS + 10 * MINUTE_MS);
  const soldAtMs = world.nowMs;
  expect(world.convert("order")).toBe("late");
  expect(world.event("click", { atMs: START_MS + HOUR_MS })).toBe("accepted");
  expect(world.counts).toEqual({ impressions: 1, clicks: 1, conversions: 1 });
  expect(world.rows("join").at(-1)).toMatchObject({ through: "click", touchAtMs: START_MS + HOUR_MS, atMs: soldAtMs });
});

test("the click's token tells of the click, whose own beacon may be lost", () => {
  const world = billed();
  world.advance(DAY_MS + 10 * MINUTE_MS);
  expect(world.convert("order", { clicked: true })).toBe("accepted");
  expect(world.rows("join")).toMatchObject([{ through: "click" }]);
});

test("what was never billed converts nothing, and at most eight orders wait for one impression", () => {
  const world = new FeedbackWorld();
  const answers = Array.from({ length: 9 }, (_, order) => world.convert(`order ${order}`));
  expect(answers).toEqual([...Array<string>(8).fill("held"), "late"]);
  world.event("loss");
  expect(world.convert("one more")).toBe("late");
  world.advance(HOUR_MS);
  expect(world.convert("one more")).toBe("orphan");
  expect(world.counts).toEqual({});
});

test("a test converts nothing", () => {
  const world = new FeedbackWorld({ test: true });
  expect(world.convert("order")).toBe("test");
  expect(world.rows("join")).toEqual([]);
});

test("a bot's events are recorded as invalid once a kind, bill and count nothing, and stand in nobody's way", () => {
  const world = new FeedbackWorld();
  expect([world.event("impression", { bot: true }), world.event("impression", { bot: true })]).toEqual([
    "invalid",
    "duplicate",
  ]);
  expect([world.spentNanos, world.counts]).toEqual([0, {}]);
  expect(world.event("impression")).toBe("accepted");
  expect([world.event("click", { bot: true }), world.event("click")]).toEqual(["invalid", "accepted"]);
  expect(world.counts).toEqual({ impressions: 1, clicks: 1 });
  expect(world.rows("event").filter((row) => row["invalid"] !== undefined)).toMatchObject([
    { event: "impression", status: "invalid", invalid: "bot" },
    { event: "click", status: "invalid", invalid: "bot" },
  ]);
  const later = billed();
  later.advance(2 * HOUR_MS);
  const clicks = [true, true, false].map((bot) => later.event("click", { bot }));
  expect(clicks).toEqual(["invalid", "duplicate", "accepted"]);
  expect(later.counts.clicks).toBe(1);
});

test("the last touch is the latest in its window; by last-click, a click goes before what was only heard", () => {
  const contacts = [
    { id: "heard long ago, clicked", heardAtMs: 0, clickedAtMs: 2 * DAY_MS },
    { id: "heard lately", heardAtMs: 3 * DAY_MS, clickedAtMs: null },
    { id: "heard after the order", heardAtMs: 5 * DAY_MS, clickedAtMs: null },
  ];
  const lastAt = (atMs: number, model: "last-touch" | "last-click" = "last-touch") =>
    lastContact(contacts, atMs, { ...ATTRIBUTION, model })?.id ?? null;
  expect(lastAt(3.5 * DAY_MS)).toBe("heard lately");
  expect(lastAt(3.5 * DAY_MS, "last-click")).toBe("heard long ago, clicked");
  expect(lastAt(4.5 * DAY_MS)).toBe("heard long ago, clicked");
  expect(lastAt(40 * DAY_MS)).toBeNull();
  expect(touchAt({ heardAtMs: 0, clickedAtMs: null }, 1, { ...ATTRIBUTION, listenThroughMs: 0 })).toBeNull();
});

test("events without a delivery are written down, at most 600 a minute", () => {
  const kit = activate(orphanActor, { key: "o3", partition: 3, nowMs: START_MS });
  const stray = { decisionId: "d1", event: "click", atMs: START_MS + 5, status: "orphan" };
  const answers = Array.from({ length: 601 }, () => kit.ask("Record", stray) as string);
  expect(answers.filter((answer) => answer === "recorded")).toHaveLength(600);
  expect(kit.rows[0]).toEqual({
    t: "event",
    decisionId: "d1",
    slot: 0,
    event: "click",
    atMs: START_MS,
    arrivedAtMs: START_MS,
    status: "orphan",
  });
  kit.advance(MINUTE_MS);
  expect(kit.ask("Record", { ...stray, decisionId: null, status: "invalid" })).toBe("recorded");
  expect(kit.rows.at(-1)).toMatchObject({ status: "invalid", invalid: "bot" });
});
