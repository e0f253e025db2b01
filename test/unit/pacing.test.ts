import { describe, expect, test } from "vitest";
import { budgetActor } from "../../actors/budget/actor.ts";
import { releasedOfDay, releasedOfLife } from "../../actors/budget/curve.ts";
import type { BudgetTerms } from "../../protocols/messages/budget.ts";
import { activate } from "../support/testkit.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const AHEAD = 10 / (24 * 60);
const DAILY = 1_440_000;
const IMPRESSION = 10_000;
const base: BudgetTerms = {
  version: 1,
  campaign: "spring",
  live: true,
  timezone: "Europe/Berlin",
  startsAtMs: null,
  endsAtMs: null,
  lifetimeMicros: null,
  pacing: "even",
  dailyMicros: DAILY,
  impressionNanosMax: IMPRESSION * 1_000,
};
const midnight = Date.parse("2026-11-24T00:00:00+01:00");
const at = (hours: number, terms: Partial<BudgetTerms> = {}): number =>
  releasedOfDay({ ...base, ...terms }, "2026-11-24", midnight + hours * HOUR_MS) / DAILY;

describe("the curve of a day", () => {
  test("even lets out as much as the day has gone, ten minutes ahead, and all by its end", () => {
    expect(at(0)).toBeCloseTo(AHEAD, 5);
    expect(at(6)).toBeCloseTo(0.25 + AHEAD, 5);
    expect(at(12)).toBeCloseTo(0.5 + AHEAD, 5);
    expect(at(23.9)).toBe(1);
  });

  test("front-loaded begins at twice the rate, traffic follows the hours of listening, asap holds nothing back", () => {
    expect(at(6, { pacing: "front-loaded" })).toBeGreaterThan(0.42);
    expect(at(12, { pacing: "front-loaded" })).toBeCloseTo(0.75, 1);
    expect(at(5, { pacing: "traffic" })).toBeLessThan(0.06);
    expect(at(18, { pacing: "traffic" })).toBeGreaterThan(0.68);
    expect(at(0, { pacing: "asap" })).toBe(1);
    for (const pacing of ["even", "front-loaded", "traffic"] as const) {
      const points = Array.from({ length: 97 }, (_, quarter) => at(quarter / 4, { pacing }));
      expect(points).toEqual([...points].sort((one, other) => one - other));
      expect(points.at(-1)).toBe(1);
    }
  });

  test.each([
    ["23 hours", "2026-03-29", 23],
    ["25 hours", "2026-10-25", 25],
  ])("is as long as the day: %s", (_length, day, hours) => {
    const startMs = Date.parse(`${day}T00:00:00${hours === 23 ? "+01:00" : "+02:00"}`);
    const half = releasedOfDay(base, day, startMs + (hours / 2) * HOUR_MS - 10 * MINUTE_MS);
    expect(half / DAILY).toBeCloseTo(0.5, 5);
    expect(releasedOfDay(base, day, startMs + hours * HOUR_MS)).toBe(DAILY);
  });

  test("lets a budget of a few impressions begin with one", () => {
    expect(releasedOfDay({ ...base, dailyMicros: 3 * IMPRESSION }, "2026-11-24", midnight)).toBe(IMPRESSION);
  });

  test("runs over the flight where there is no daily budget, and not at all without its ends", () => {
    const life = { ...base, dailyMicros: null, lifetimeMicros: DAILY };
    const flight = { ...life, startsAtMs: midnight, endsAtMs: midnight + 10 * 24 * HOUR_MS };
    expect(releasedOfLife(flight, midnight + 5 * 24 * HOUR_MS) / DAILY).toBeCloseTo(0.5, 2);
    expect(releasedOfLife(life, midnight)).toBe(DAILY);
  });
});

/** A wallet of one partition that wants more whenever it is dry and spends what it gets at once; asked each minute. */
function spendingDay(pacing: BudgetTerms["pacing"], from = 0): { readonly spent: number; readonly share: number }[] {
  const kit = activate(budgetActor, { key: "spring", partitions: 4, nowMs: midnight + from * HOUR_MS });
  kit.tell("Terms", { ...base, pacing });
  const grantedTo = (partition: number): number =>
    kit
      .sent("Grant")
      .filter(({ to, payload }) => Number(to.partition) === partition && payload.day === "2026-11-24")
      .reduce((most, { payload }) => Math.max(most, payload.grantedMicros as number), 0);
  const days: { spent: number; share: number }[] = [];
  for (let minute = from * 60 + 1; minute < 24 * 60 - 6; minute++) {
    kit.advance(MINUTE_MS);
    let spent = 0;
    for (let partition = 0; partition < 4; partition++) {
      const grantedMicros = grantedTo(partition);
      spent += grantedMicros;
      kit.tell("Report", {
        campaign: "spring",
        day: "2026-11-24",
        partition,
        number: minute,
        grantedMicros,
        recallNumber: 0,
        spentNanos: grantedMicros * 1_000,
        reservedNanos: 0,
        returnedMicros: 0,
        wantedMicros: IMPRESSION,
        counts: {},
      });
    }
    days.push({ spent, share: minute / (24 * 60) });
  }
  return days;
}

test("P1: with steady demand an even budget is spent within one grant and two hundredths of its target, and nearly all of it", () => {
  const day = spendingDay("even");
  for (const { spent, share } of day) {
    expect(spent).toBeLessThanOrEqual(DAILY * Math.min(1, share + AHEAD + 0.02) + IMPRESSION);
    expect(spent).toBeGreaterThanOrEqual(DAILY * (share - 0.02) - 4 * IMPRESSION);
  }
  expect(day.at(-1)?.spent).toBeGreaterThanOrEqual(0.98 * DAILY);
  expect(day.at(-1)?.spent).toBeLessThanOrEqual(DAILY);
});

test("P1: a campaign that goes live at noon catches up with its target and no further", () => {
  const day = spendingDay("even", 12);
  for (const { spent, share } of day)
    expect(spent).toBeLessThanOrEqual(DAILY * Math.min(1, share + AHEAD + 0.02) + IMPRESSION);
  expect(day.at(-1)?.spent).toBeGreaterThanOrEqual(0.98 * DAILY);
});
