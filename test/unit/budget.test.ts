import { expect, test } from "vitest";
import { budgetActor } from "../../actors/budget/actor.ts";
import type { BudgetTerms } from "../../protocols/messages/budget.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const HOUR_MS = 3_600_000;
const noon = Date.parse("2026-11-24T12:00:00+01:00");
const today = "2026-11-24";
const tomorrow = "2026-11-25";
const base: BudgetTerms = {
  version: 1,
  campaign: "spring",
  live: true,
  timezone: "Europe/Berlin",
  startsAtMs: null,
  endsAtMs: null,
  lifetimeMicros: null,
  pacing: "asap",
  dailyMicros: 160_000,
  impressionNanosMax: 10_000_000, // 10 USD CPM: 10,000 micros an impression
};

const open = (terms: Partial<BudgetTerms> = {}, nowMs = noon): ActorKit => {
  const kit = activate(budgetActor, { key: "spring", partitions: 4, nowMs });
  kit.tell("Terms", { ...base, ...terms });
  return kit;
};
const mail = (kit: ActorKit, type: string, day = today): [partition: number, total: number][] =>
  kit
    .sent(type)
    .filter(({ payload }) => payload.day === day)
    .map(({ to, payload }) => [to.partition, payload.grantedMicros ?? payload.number]);
/** What each partition was granted in total. */
const granted = (kit: ActorKit, day = today): Record<number, number> => Object.fromEntries(mail(kit, "Grant", day));
const sum = (totals: Record<number, number>): number => Object.values(totals).reduce((all, one) => all + one, 0);

let number = 0;
const report = (kit: ActorKit, partition: number, fields: Record<string, unknown> = {}): void =>
  kit.tell("Report", {
    campaign: "spring",
    day: today,
    partition,
    number: ++number,
    grantedMicros: granted(kit, (fields.day as string | undefined) ?? today)[partition] ?? 0,
    recallNumber: 0,
    spentNanos: 0,
    reservedNanos: 0,
    returnedMicros: 0,
    wantedMicros: 0,
    counts: {},
    ...fields,
  });

test("going live grants half of what is free, in whole impressions, to every wallet", () => {
  const kit = open();
  expect(sum(granted(kit))).toBe(80_000);
  expect(Object.values(granted(kit))).toEqual([20_000, 20_000, 20_000, 20_000]);
});

test("few impressions go one each to as many partitions as they reach, at another place for another campaign", () => {
  const kit = open({ dailyMicros: 35_000 });
  expect(Object.values(granted(kit))).toEqual([10_000, 10_000, 10_000]);
  expect(Object.values(granted(open({ dailyMicros: 50_000 })))).toEqual([10_000, 10_000, 10_000, 10_000]);
  expect(granted(open({ dailyMicros: 9_999 }))).toEqual({});
});

test("older terms and repeated ones change nothing", () => {
  const kit = open({ version: 5 });
  const sent = kit.sent().length;
  kit.tell("Terms", { ...base, version: 5, live: false });
  kit.tell("Terms", { ...base, version: 4, live: false });
  expect(kit.sent()).toHaveLength(sent);
});

test("the rest goes to whoever wants, never more than the budget", () => {
  const kit = open();
  report(kit, 2, { wantedMicros: 31_000 });
  expect(granted(kit)[2]).toBe(20_000 + 40_000);
  report(kit, 1, { wantedMicros: 900_000 });
  expect(sum(granted(kit))).toBe(160_000);
});

test("a want that was written before a grant arrived is not granted twice", () => {
  const kit = open();
  report(kit, 2, { wantedMicros: 10_000 });
  report(kit, 2, { wantedMicros: 10_000, grantedMicros: 20_000 });
  expect(granted(kit)[2]).toBe(30_000);
});

test("the lifetime's and the day's budget both hold", () => {
  const kit = open({ lifetimeMicros: 90_000 });
  report(kit, 0, { wantedMicros: 500_000 });
  expect(sum(granted(kit))).toBe(90_000);
});

test("with nothing free the idlest account is recalled, and what it returns goes to the one who wants", () => {
  const kit = open({ dailyMicros: 80_000, impressionNanosMax: 20_000_000 });
  expect(sum(granted(kit))).toBe(80_000);
  kit.advance(10_000);
  for (const partition of [0, 1, 3]) report(kit, partition, { reservedNanos: 1_000 });
  kit.advance(10_000);
  report(kit, 0, { reservedNanos: 20_000_000, wantedMicros: 20_000 });
  expect(mail(kit, "Recall")).toEqual([[2, 1]]);
  report(kit, 2, { recallNumber: 1, returnedMicros: 20_000 });
  expect(granted(kit)[0]).toBe(40_000);
  expect(mail(kit, "Recall")).toHaveLength(1);
});

test("an account recalled as idle is revived when it wants", () => {
  const kit = open({ dailyMicros: 80_000, impressionNanosMax: 20_000_000 });
  report(kit, 0, { wantedMicros: 20_000 });
  const [[recalled = -1] = []] = mail(kit, "Recall");
  report(kit, recalled, { recallNumber: 1, returnedMicros: 20_000 });
  kit.advance(5_000);
  report(kit, recalled, { recallNumber: 1, returnedMicros: 20_000, wantedMicros: 20_000 });
  const second = mail(kit, "Recall")[1]?.[0] ?? -1;
  report(kit, second, { recallNumber: 1, returnedMicros: 20_000 });
  const revival = kit.sent("Grant").at(-1);
  expect(revival?.to.partition).toBe(recalled);
  expect(revival?.payload).toMatchObject({ grantedMicros: 40_000, number: 1 });
});

test("busy accounts are not robbed", () => {
  const kit = open({ dailyMicros: 40_000 });
  for (const partition of [0, 1, 2, 3]) report(kit, partition, { reservedNanos: 5_000_000 });
  report(kit, 0, { reservedNanos: 10_000_000, wantedMicros: 10_000 });
  expect(mail(kit, "Recall")).toEqual([]);
});

test("a pause recalls every account; going on grants again what came back", () => {
  const kit = open();
  kit.tell("Terms", { ...base, version: 2, live: false });
  expect(mail(kit, "Recall")).toHaveLength(4);
  for (const partition of [0, 1, 2, 3]) report(kit, partition, { recallNumber: 1, returnedMicros: 20_000 });
  kit.tell("Terms", { ...base, version: 3 });
  expect(granted(kit)).toEqual({ 0: 40_000, 1: 40_000, 2: 40_000, 3: 40_000 });
  expect(kit.sent("Grant").at(-1)?.payload.number).toBe(1);
});

test("B1: a cut below what is committed is accepted; all is recalled and nothing granted until enough came back", () => {
  const kit = open();
  report(kit, 0, { spentNanos: 15_000_000 });
  kit.tell("Terms", { ...base, version: 2, dailyMicros: 30_000 });
  expect(mail(kit, "Recall")).toHaveLength(4);
  report(kit, 1, { recallNumber: 1, returnedMicros: 20_000, wantedMicros: 10_000 });
  expect(sum(granted(kit))).toBe(80_000);
  report(kit, 2, { recallNumber: 1, returnedMicros: 20_000 });
  report(kit, 3, { recallNumber: 1, returnedMicros: 20_000 });
  expect(granted(kit)[1]).toBe(30_000);
  expect(kit.ask("Balance", {})).toMatchObject({ spentMicros: 15_000, grantedMicros: 15_000 });
});

test("T1: tomorrow's grants leave a minute before midnight in the campaign's zone, yesterday's are recalled after it", () => {
  const eve = Date.parse("2026-10-24T23:58:00+02:00");
  const kit = open({}, eve);
  kit.advance(59_000);
  expect(sum(granted(kit, "2026-10-25"))).toBe(0);
  kit.advance(1_000);
  expect(sum(granted(kit, "2026-10-25"))).toBe(80_000);
  kit.advance(60_000);
  expect(mail(kit, "Recall", "2026-10-24")).toEqual([]);
  kit.advance(5_000);
  expect(mail(kit, "Recall", "2026-10-24")).toHaveLength(4);
  kit.crashAndRecover();
  kit.advance(25 * HOUR_MS - 66_000); // the day of 25 hours
  expect(sum(granted(kit, "2026-10-26"))).toBe(0);
  kit.advance(1_000);
  expect(sum(granted(kit, "2026-10-26"))).toBe(80_000);
});

test("a flight is granted a minute before it starts, on its first day only, and recalled when it ends", () => {
  const kit = open({ startsAtMs: Date.parse(`${tomorrow}T00:00:00+01:00`), endsAtMs: noon + 30 * HOUR_MS });
  expect(kit.sent("Grant")).toEqual([]);
  kit.advance(12 * HOUR_MS - 60_001);
  expect(kit.sent("Grant")).toEqual([]);
  kit.advance(1);
  expect([sum(granted(kit)), sum(granted(kit, tomorrow))]).toEqual([0, 80_000]);
  kit.advance(18 * HOUR_MS + 60_000);
  expect(mail(kit, "Recall", tomorrow)).toEqual([]);
  report(kit, 1, { day: tomorrow, wantedMicros: 10_000 });
  expect(granted(kit, tomorrow)[1]).toBe(20_000);
  kit.advance(5_000);
  expect(mail(kit, "Recall", tomorrow)).toHaveLength(4);
});

test("a campaign without budget has a bounded amount out at a time, refilled as it is spent", () => {
  const kit = open({ dailyMicros: null });
  expect(sum(granted(kit))).toBe(2_000 * 10_000);
  report(kit, 0, { wantedMicros: 9_000_000_000 });
  expect(sum(granted(kit))).toBe(4_000 * 10_000);
  report(kit, 0, { spentNanos: 5_000_000_000, wantedMicros: 9_000_000_000 });
  expect(sum(granted(kit))).toBe(4_000 * 10_000 + 5_000_000);
});

test("figures add up over days and partitions, also when a day is closed", () => {
  const kit = open();
  report(kit, 0, { spentNanos: 10_000_499, counts: { impressions: 1, starts: 1 } });
  report(kit, 3, { reservedNanos: 500, counts: { impressions: 2 } });
  const figures = { spentMicros: 10_000, reservedMicros: 0, counts: { impressions: 3, starts: 1 }, asOfMs: noon };
  expect(kit.ask("Balance", {})).toEqual({ ...figures, grantedMicros: 70_000 });
  kit.tell("Terms", { ...base, version: 2, live: false });
  const back = { recallNumber: 1, grantedMicros: 20_000 };
  report(kit, 0, { ...back, spentNanos: 10_000_499, returnedMicros: 9_999, counts: { impressions: 1, starts: 1 } });
  for (const partition of [1, 2]) report(kit, partition, { ...back, returnedMicros: 20_000 });
  report(kit, 3, { ...back, returnedMicros: 20_000, counts: { impressions: 2 } });
  kit.advance(96 * HOUR_MS);
  expect(kit.sent("Close")).toHaveLength(4);
  expect(kit.partNames("day/")).toEqual([]);
  expect(kit.ask("Balance", {})).toEqual({ ...figures, grantedMicros: 1 });
  expect(kit.sent("Close").map(({ payload }) => payload.counts as unknown)).toEqual([
    { impressions: 1, starts: 1 },
    {},
    {},
    { impressions: 2 },
  ]);
  report(kit, 3, { counts: { impressions: 9 } });
  expect(kit.sent("Close")).toHaveLength(5);
  expect(kit.ask("Balance", {})).toMatchObject(figures);
  expect(kit.timers).toEqual({});
});

test("reports that come before the terms are kept, and their wants met when the campaign goes live", () => {
  const kit = activate(budgetActor, { key: "spring", partitions: 4, nowMs: noon });
  report(kit, 1, { wantedMicros: 40_000 });
  expect(kit.sent()).toEqual([]);
  kit.tell("Terms", base);
  expect(granted(kit)[1]).toBeGreaterThanOrEqual(40_000);
});

test("what wallets counted after a day was closed is in the figures once, whatever is repeated or comes late", () => {
  const kit = open();
  const told = (partition: number, number: number, counts: Record<string, number>): void =>
    kit.tell("LaterCounts", { partition, number, counts });
  told(0, 1, { clicks: 1 });
  told(0, 2, { clicks: 2, conversions: 1 });
  told(0, 1, { clicks: 1 });
  told(3, 1, { conversions: 4 });
  kit.crashAndRecover();
  told(3, 1, { conversions: 4 });
  report(kit, 0, { counts: { impressions: 5, clicks: 1 } });
  const counts = { impressions: 5, clicks: 3, conversions: 5 };
  expect(kit.ask("Balance", {})).toMatchObject({ counts, asOfMs: kit.clock.now });
});
