import { expect, test } from "vitest";
import { walletActor } from "../../actors/wallet/actor.ts";
import { count, freeNanos, release, reserve, settle } from "../../actors/wallet/calls.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const account = { campaign: "spring", day: "2026-11-24" };
const price = 12_345_679;
const open = (): ActorKit => activate(walletActor, { key: "w3", partition: 3, nowMs: 1_000_000 });
const grant = (kit: ActorKit, grantedMicros: number, number = 0): void =>
  kit.tell("Grant", { ...account, grantedMicros, number });
const reserveOne = (kit: ActorKit, nanos = price): boolean => kit.call(reserve, { ...account, nanos, test: false }).ok;
const free = (kit: ActorKit): number => kit.call(freeNanos, { ...account, nanos: 0 });

test("an account gives exactly what was granted, and keeps the rest of a micro", () => {
  const kit = open();
  grant(kit, 30_000);
  expect([reserveOne(kit), reserveOne(kit), reserveOne(kit)]).toEqual([true, true, false]);
  kit.crashAndRecover();
  expect(free(kit)).toBe(30_000_000 - 2 * price);
});

test("a grant that is repeated or comes late changes nothing", () => {
  const kit = open();
  grant(kit, 20_000);
  grant(kit, 20_000);
  grant(kit, 10_000);
  expect(free(kit)).toBe(20_000_000);
});

test("B4: what is released or not billed is free again; B3: a reservation ends once", () => {
  const kit = open();
  grant(kit, 40_000);
  for (let bid = 0; bid < 3; bid++) reserveOne(kit);
  kit.call(release, { ...account, nanos: price });
  kit.call(settle, { ...account, nanos: price - 679, reservedNanos: price });
  expect(free(kit)).toBe(40_000_000 - price - (price - 679));
  kit.call(release, { ...account, nanos: price });
  expect(() => kit.call(release, { ...account, nanos: price })).toThrow(/B3/);
  expect(() => kit.call(settle, { ...account, nanos: 2, reservedNanos: 1 })).toThrow(/B4/);
});

test("a dry account asks once, again after a growing while, and at once after a grant", () => {
  const kit = open();
  const wants = (): number[] =>
    kit
      .sent("Report")
      .map(({ payload }) => payload.wantedMicros as number)
      .filter((wanted) => wanted > 0);
  expect(reserveOne(kit)).toBe(false);
  expect(reserveOne(kit)).toBe(false);
  expect(wants()).toEqual([12_346]);
  kit.advance(2_000);
  reserveOne(kit);
  kit.advance(2_000);
  reserveOne(kit);
  expect(wants()).toHaveLength(2);
  grant(kit, 12_346);
  expect([reserveOne(kit), reserveOne(kit)]).toEqual([true, false]);
  expect(wants()).toHaveLength(3);
});

test("looking at a dry account for a price asks too, with the next report", () => {
  const kit = open();
  expect(kit.call(freeNanos, { ...account, nanos: price })).toBe(0);
  expect(kit.sent("Report")).toEqual([]);
  kit.advance(0);
  expect(kit.sent("Report")).toMatchObject([{ payload: { partition: 3, wantedMicros: 12_346 } }]);
});

test("a test decision sees the wallet and leaves it as it is", () => {
  const kit = open();
  expect(kit.call(reserve, { ...account, nanos: price, test: true })).toEqual({ ok: false, reason: "budget" });
  grant(kit, 20_000);
  expect(kit.call(reserve, { ...account, nanos: price, test: true })).toEqual({ ok: true });
  expect(free(kit)).toBe(20_000_000);
  kit.advance(10_000);
  expect(kit.sent("Report").every(({ payload }) => payload.wantedMicros === 0)).toBe(true);
});

test("a busy account reports every two seconds at most, and asks ahead before it is dry", () => {
  const kit = open();
  grant(kit, 1_000_000);
  kit.advance(2_000);
  const before = kit.sent("Report").length;
  for (let bid = 0; bid < 60; bid++) {
    reserveOne(kit);
    kit.advance(100);
  }
  const reports = kit.sent("Report").slice(before);
  expect(reports).toHaveLength(4); // after 0, 2, 4 and 6 seconds
  expect(reports.at(-1)?.payload).toMatchObject({ spentNanos: 0, grantedMicros: 1_000_000 });
  expect(reports.some(({ payload }) => payload.wantedMicros > 0)).toBe(true);
});

test("a recalled account gives back what is free at once, and later what its reservations free", () => {
  const kit = open();
  grant(kit, 30_000);
  reserveOne(kit);
  reserveOne(kit);
  kit.tell("Recall", { ...account, number: 1 });
  expect(kit.sent("Report").at(-1)?.payload).toMatchObject({ returnedMicros: 5_308, recallNumber: 1 });
  expect(reserveOne(kit, 1)).toBe(false);
  kit.call(settle, { ...account, nanos: price, reservedNanos: price });
  kit.call(release, { ...account, nanos: price });
  kit.advance(2_000);
  expect(kit.sent("Report").at(-1)?.payload).toMatchObject({
    spentNanos: price,
    reservedNanos: 0,
    returnedMicros: 17_654,
  });
});

test("a grant of before a recall goes back; one of after it revives; the recall repeated does not undo that", () => {
  const kit = open();
  kit.tell("Recall", { ...account, number: 1 });
  grant(kit, 10_000, 0);
  expect(free(kit)).toBe(0);
  expect(kit.sent("Report").at(-1)?.payload).toMatchObject({ grantedMicros: 10_000, returnedMicros: 10_000 });
  grant(kit, 25_000, 1);
  kit.tell("Recall", { ...account, number: 1 });
  expect(free(kit)).toBe(15_000_000);
});

test("figures travel with the reports, and the accounts can be listed", () => {
  const kit = open();
  kit.call(count, { ...account, event: "impressions" });
  kit.call(count, { ...account, event: "impressions" });
  kit.call(count, { ...account, event: "clicks" });
  kit.advance(2_000);
  expect(kit.sent("Report").at(-1)?.payload.counts).toEqual({ impressions: 2, clicks: 1 });
  expect(kit.ask("Accounts", {})).toEqual([{ ...account, freeNanos: 0, reservedNanos: 0, spentNanos: 0 }]);
});

test("many accounts are reported over several firings, none of them lost", () => {
  const kit = open();
  for (let campaign = 0; campaign < 100; campaign++)
    kit.call(count, { campaign: `c${campaign}`, day: account.day, event: "starts" });
  kit.advance(2_000);
  expect(new Set(kit.sent("Report").map(({ to }) => to.key)).size).toBe(100);
  expect(kit.timers).toEqual({});
});

test("a closed day stays closed: no message brings its account back", () => {
  const kit = open();
  grant(kit, 20_000);
  kit.tell("Recall", { ...account, number: 1 });
  kit.tell("Close", account);
  expect(kit.partNames("account/")).toEqual([]);
  grant(kit, 40_000, 2);
  kit.tell("Recall", { ...account, number: 3 });
  kit.call(count, { ...account, event: "clicks" });
  expect(reserveOne(kit)).toBe(false);
  expect(kit.partNames("account/")).toEqual([]);
  kit.tell("Grant", { campaign: "spring", day: "2026-11-25", grantedMicros: 5, number: 0 });
  expect(kit.partNames("account/")).toEqual(["account/spring/2026-11-25"]);
});

test("figures of a closed day are told to the budget as totals with a rising number", () => {
  const kit = open();
  kit.tell("Close", account);
  kit.call(count, { ...account, event: "clicks" });
  kit.crashAndRecover();
  kit.call(count, { ...account, day: "2026-11-20", event: "clicks" });
  kit.call(count, { ...account, event: "conversions" });
  expect(kit.sent("LaterCounts").map(({ to, payload }) => ({ key: to.key, ...payload }))).toEqual([
    { key: "spring", partition: 3, number: 1, counts: { clicks: 1 } },
    { key: "spring", partition: 3, number: 2, counts: { clicks: 2 } },
    { key: "spring", partition: 3, number: 3, counts: { clicks: 2, conversions: 1 } },
  ]);
});

test.each([
  [{ clicks: 1 }, { clicks: 1, conversions: 1 }],
  [{ clicks: 2, conversions: 1 }, undefined],
  [undefined, { clicks: 2, conversions: 1 }],
])("a close that books %j loses none of what was counted: %j comes later", (booked, later) => {
  const kit = open();
  for (const event of ["clicks", "clicks", "conversions"] as const) kit.call(count, { ...account, event });
  const close = booked === undefined ? account : { ...account, counts: booked };
  kit.tell("Close", close);
  kit.tell("Close", close);
  expect(kit.sent("LaterCounts").map(({ payload }) => payload.counts as unknown)).toEqual(
    later === undefined ? [] : [later],
  );
});
