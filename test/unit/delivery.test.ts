import { expect, test } from "vitest";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { reserve } from "../../actors/wallet/calls.ts";
import { reservationMs, type DeliveryOpening } from "../../protocols/messages/delivery.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const MINUTE_MS = 60_000;
const nowMs = 1_795_518_000_000;
const price = 12_345_679;
const day = "2026-11-24";
const opening: DeliveryOpening = {
  decisionId: "d1",
  listener: "somebody",
  campaignId: "spring",
  adSetId: "spring-de",
  creativeId: "spring-30",
  advertiserId: "nordlicht",
  day,
  priceNanos: price,
  durationMs: 30_000,
  expiresAtMs: nowMs + 20 * MINUTE_MS,
  test: false,
  podcast: false,
};

/** A delivery whose price was reserved in the wallet of its partition. */
function open(changed: Partial<DeliveryOpening> = {}): ActorKit {
  const kit = activate(deliveryActor, { key: "d1", partition: 3, nowMs, others: [walletActor] });
  kit.tell("Grant", { campaign: "spring", day, grantedMicros: 20_000, number: 0 }, { kind: "wallet", key: "w3" });
  if (changed.test !== true) kit.call(reserve, { campaign: "spring", day, nanos: price, test: false }, "w3");
  kit.tell("Open", { ...opening, ...changed });
  return kit;
}
const event = (kit: ActorKit, name: TrackedEvent, atMs = kit.clock.now): string =>
  kit.ask("Event", { event: name, atMs });
const account = (kit: ActorKit): { spentNanos: number; reservedNanos: number; counts: Record<string, number> } =>
  kit.part(`account/spring/${day}`, { kind: "wallet", key: "w3" });
const outcomes = (kit: ActorKit): string[] => kit.sent("Outcome").map(({ payload }) => payload.event as string);

test("an impression bills once, whichever of its two triggers comes, and counts once", () => {
  const kit = open();
  expect(event(kit, "win")).toBe("accepted");
  expect(event(kit, "impression")).toBe("accepted");
  kit.crashAndRecover();
  expect(event(kit, "impression")).toBe("duplicate");
  expect(event(kit, "bill")).toBe("duplicate");
  expect(account(kit)).toMatchObject({ spentNanos: price, reservedNanos: 0, counts: { impressions: 1 } });
  expect(outcomes(kit)).toEqual(["billed"]);
});

test.each(["loss", "withdraw", "expiry"])("B4: %s gives back exactly what was reserved, once", (how) => {
  const kit = open();
  if (how === "loss") expect(event(kit, "loss")).toBe("accepted");
  if (how === "withdraw") kit.tell("Withdraw", {});
  if (how === "expiry") kit.advance(20 * MINUTE_MS);
  kit.tell("Withdraw", {});
  expect(account(kit)).toMatchObject({ spentNanos: 0, reservedNanos: 0 });
  expect(outcomes(kit)).toEqual(["released"]);
  expect(kit.ask("Describe", {}).stage).toBe(how === "expiry" ? "expired" : "lost");
});

test("B5: an impression after the end of the reservation is late, recorded and never billed", () => {
  const kit = open();
  kit.advance(20 * MINUTE_MS);
  expect([event(kit, "impression"), event(kit, "impression"), event(kit, "start")]).toEqual(["late", "late", "late"]);
  expect(account(kit)).toMatchObject({ spentNanos: 0, reservedNanos: 0, counts: {} });
  expect(kit.rows.filter((row) => row.t === "event")).toMatchObject([
    { event: "impression", status: "late" },
    { event: "start", status: "late" },
  ]);
});

test("a beacon that waited out a takeover counts from when it was sent, while its money is still reserved", () => {
  const kit = open();
  kit.clock.advance(21 * MINUTE_MS); // the timer has not fired yet
  kit.tell("LateEvent", { event: "impression", atMs: nowMs + MINUTE_MS });
  expect(account(kit)).toMatchObject({ spentNanos: price, reservedNanos: 0 });
});

test("a beacon of after the end ends the reservation even if the timer has not fired yet", () => {
  const kit = open();
  kit.clock.advance(21 * MINUTE_MS);
  expect(event(kit, "impression")).toBe("late");
  kit.advance(0);
  expect(account(kit)).toMatchObject({ spentNanos: 0, reservedNanos: 0 });
  expect(outcomes(kit)).toEqual(["released"]);
});

test("events before the impression are held, and count once it is billed", () => {
  const kit = open();
  expect([event(kit, "complete"), event(kit, "start"), event(kit, "start")]).toEqual([
    "accepted",
    "accepted",
    "duplicate",
  ]);
  expect(account(kit).counts).toEqual({});
  event(kit, "bill");
  expect(account(kit).counts).toEqual({ impressions: 1, starts: 1, completes: 1 });
  expect(outcomes(kit)).toEqual(["billed", "start", "complete"]);
});

test("held events of a bid that is never billed count nowhere", () => {
  const kit = open();
  event(kit, "start");
  kit.advance(30 * MINUTE_MS);
  expect(account(kit).counts).toEqual({});
  expect(outcomes(kit)).toEqual(["released"]);
  expect(kit.rows.at(-1)).toMatchObject({ t: "outcome", stage: "expired", events: [{ event: "start" }] });
});

test("N2: a later quartile implies the earlier ones, which do not count again when they come", () => {
  const kit = open();
  event(kit, "impression");
  kit.advance(MINUTE_MS);
  event(kit, "complete");
  expect(event(kit, "start", nowMs)).toBe("accepted");
  expect(account(kit).counts).toEqual({ impressions: 1, starts: 1, completes: 1 });
  expect(outcomes(kit)).toEqual(["billed", "start", "complete"]);
});

test("N2: complete before nine tenths of the ad can have played is marked invalid", () => {
  const kit = open();
  event(kit, "impression");
  event(kit, "start");
  kit.advance(26_999);
  event(kit, "complete");
  expect(kit.rows.at(-1)).toMatchObject({ event: "complete", invalid: "complete-too-soon" });
  const patient = open();
  event(patient, "impression");
  event(patient, "start");
  patient.advance(27_000);
  event(patient, "complete");
  expect(patient.rows.at(-1)).not.toHaveProperty("invalid");
});

test("a test delivery answers, and never bills, counts, tells or records", () => {
  const kit = open({ test: true });
  expect([event(kit, "impression"), event(kit, "complete"), event(kit, "loss")]).toEqual(["test", "test", "test"]);
  kit.advance(60 * MINUTE_MS);
  expect(account(kit)).toMatchObject({ spentNanos: 0, reservedNanos: 0, counts: {} });
  expect([outcomes(kit), kit.rows, kit.state]).toEqual([[], [], undefined]);
});

test.each([
  [false, 30],
  [true, 240],
])("billed (podcast: %s), its playback is over after %s minutes, leaving one outcome row", (podcast, minutes) => {
  const kit = open({ podcast });
  event(kit, "impression");
  kit.advance(minutes * MINUTE_MS - 1);
  expect(event(kit, "complete")).toBe("accepted");
  kit.advance(1);
  expect(event(kit, "skip")).toBe("late");
  expect(kit.state.stage).toBe("over");
  expect(kit.rows.filter((row) => row.t === "outcome")).toMatchObject([
    { decisionId: "d1", campaignId: "spring", creativeId: "spring-30", stage: "billed", priceNanos: price },
  ]);
});

test("N4: an unbilled delivery outlives its tokens, so that a slow clock's beacon finds it late, then it is forgotten", () => {
  const kit = open();
  event(kit, "loss");
  kit.advance(20 * MINUTE_MS + 59_000);
  expect(event(kit, "impression")).toBe("late");
  kit.advance(1_000);
  expect(kit.state).toBeUndefined();
  expect(kit.timers).toEqual({});
});

test("a delivery that nobody opened takes no events, and a second opening changes nothing", () => {
  const kit = activate(deliveryActor, { key: "d2", partition: 3, nowMs, others: [walletActor] });
  expect(() => event(kit, "impression")).toThrow(expect.objectContaining({ code: "ACTOR_ABSENT" }));
  const opened = open();
  event(opened, "impression");
  opened.tell("Open", opening);
  expect(opened.ask("Describe", {})).toEqual({
    stage: "billed",
    priceNanos: price,
    events: [{ event: "impression", atMs: nowMs }],
    over: false,
  });
});

test("a bid that nothing is remembered of tells no listener", () => {
  const kit = open({ listener: null });
  event(kit, "impression");
  expect(outcomes(kit)).toEqual([]);
});

test("a reservation lives as long as the bid may play, and ten minutes for the beacon", () => {
  expect(reservationMs(3, undefined)).toBe(70 * MINUTE_MS);
  expect(reservationMs(1, undefined)).toBe(20 * MINUTE_MS);
  expect(reservationMs(undefined, undefined)).toBe(20 * MINUTE_MS);
  expect(reservationMs(3, 5 * MINUTE_MS)).toBe(15 * MINUTE_MS);
  expect(reservationMs(1, 0)).toBe(10 * MINUTE_MS);
  expect(reservationMs(1, 1e12)).toBe(24 * 60 * MINUTE_MS + 10 * MINUTE_MS);
});
