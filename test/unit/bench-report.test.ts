import { histogramDifference, quantileOf } from "../../bench/load/server-latency.ts";
import { expect, test } from "vitest";
import { readCommandLine, UsageError } from "../../bench/load/command-line.ts";
import type { LoadResult } from "../../bench/load/load-plan.ts";
import { highestRate, whyNotHeld } from "../../bench/load/rate-search.ts";
import { decimal, scenarioTables } from "../../bench/load/result-tables.ts";
import { scenarioReport } from "../../bench/load/scenario-report.ts";
import { floorFigure, type Goal, type Run } from "../../bench/load/scenarios/scenario.ts";
import { median, medians, spreads } from "../../bench/load/statistics.ts";

const run = (p99Ms: number, flushP99Ms: number, eventsPerSecond: number): Run => ({
  figures: { eventsPerSecond, p99Ms },
  ceiling: { name: "http-parse", figures: { eventsPerSecond: 10_000 } },
  ratio: eventsPerSecond / 10_000,
  floors: [{ name: "bare-flush", figures: { p99Ms: flushP99Ms } }],
});

const latencyGoal: Goal = {
  id: "4e",
  text: "p99 ≤ 3 × bare flush + 5 ms",
  figure: ({ figures }) => figures["p99Ms"] ?? Number.NaN,
  bound: (each) => 3 * floorFigure(each, "bare-flush", "p99Ms") + 5,
  better: "below",
};

const result = (changes: Partial<LoadResult>): LoadResult => ({
  p50Ms: 1,
  p90Ms: 2,
  p99Ms: 3,
  p999Ms: 4,
  maxMs: 5,
  offered: 1_000,
  answered: 1_000,
  achievedPerSecond: 1_000,
  statuses: { "200": 1_000 },
  lost: 0,
  sendLagP99Ms: 1,
  beacons: [],
  ...changes,
});

test("median and spread are of each figure over the runs", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  const runs = [{ p99Ms: 9, onlyHere: 1 }, { p99Ms: 4 }, { p99Ms: 5 }];
  expect(medians(runs)).toEqual({ p99Ms: 5 });
  expect(spreads(runs)).toEqual({ p99Ms: [4, 9] });
});

test("a goal is judged by the ratio inside each run, not by the ratio of medians", () => {
  // Medians alone would say 20 ms against a bound of 11 ms: missed. Two of three runs met their own bound.
  const runs = [run(20, 6, 500), run(30, 10, 900), run(9, 1, 700)];
  const { goals, median: middle, spread } = scenarioReport({ name: "x", goals: [latencyGoal] }, { seconds: 1 }, runs);
  expect(goals[0]).toMatchObject({ figure: 20, bound: 23, met: true });
  expect(goals[0]?.share).toBeCloseTo(20 / 23);
  expect(middle).toMatchObject({ eventsPerSecond: 700, p99Ms: 20, ratio: 0.07 });
  expect(spread).toMatchObject({ eventsPerSecond: [500, 900], p99Ms: [9, 30] });
});

test("a goal whose floor is missing is not met", () => {
  const without: Run = { ...run(1, 1, 1), floors: [] };
  expect(scenarioReport({ name: "x", goals: [latencyGoal] }, {}, [without]).goals[0]?.met).toBe(false);
});

test("the table shows medians with spread beside every floor", () => {
  const runs = [run(9, 1, 500), run(10, 1, 700), run(12, 2, 900)];
  const text = scenarioTables(scenarioReport({ name: "x", goals: [latencyGoal] }, { seconds: 1 }, runs));
  expect(text).toContain("### x: 3 runs, seconds 1");
  expect(text).toMatch(/the highest rate held +\| 700 \[500–900\] +\| 10,000 /);
  expect(text).toMatch(/p99, ms +\| 10 \[9–12\] +\| +\| 1 \[1–2\]/);
  expect(text).toContain("**missed**");
  expect([decimal(1234.5), decimal(12.345), decimal(0.01234), decimal(Number.NaN)]).toEqual([
    "1,235",
    "12.3",
    "0.0123",
    "–",
  ]);
});

test("a rate is held without shedding, errors, losses, backlog and long waits only", () => {
  expect(whyNotHeld(result({}), 1_000)).toBeNull();
  expect(whyNotHeld(result({ statuses: { "200": 990, "204/501": 10 } }), 1_000)).toBeNull();
  expect(whyNotHeld(result({ statuses: { "200": 999, "204/508": 1 } }), 1_000)).toMatch("shed");
  expect(whyNotHeld(result({ statuses: { "204": 999, "429": 1 } }), 1_000)).toMatch("shed");
  expect(whyNotHeld(result({ statuses: { "200": 999, "500": 1 } }), 1_000)).toMatch("errors");
  expect(whyNotHeld(result({ lost: 1 }), 1_000)).toMatch("lost");
  expect(whyNotHeld(result({ achievedPerSecond: 979 }), 1_000)).toMatch("979 of 1000");
  expect(whyNotHeld(result({ p99Ms: 200 }), 1_000)).toMatch("p99");
});

test.each([3_333, 500, 61, 40_000])("the search finds a limit of %i a second within its resolution", async (limit) => {
  let steps = 0;
  const attempt = (rate: number): Promise<LoadResult> => {
    steps += 1;
    return Promise.resolve(result({ achievedPerSecond: rate <= limit ? rate : limit * 0.9 }));
  };
  const { ratePerSecond } = await highestRate(500, attempt);
  expect(ratePerSecond).toBeLessThanOrEqual(limit);
  expect(ratePerSecond).toBeGreaterThan(limit / 1.1);
  expect(steps).toBeLessThanOrEqual(28);
});

test("one failure of a rate does not decide, two do", async () => {
  const seen = new Map<number, number>();
  const attempt = (rate: number): Promise<LoadResult> => {
    const times = (seen.get(rate) ?? 0) + 1;
    seen.set(rate, times);
    const isHiccup = rate === 500 && times === 1;
    return Promise.resolve(result({ achievedPerSecond: rate, lost: isHiccup || rate > 600 ? 1 : 0 }));
  };
  const { ratePerSecond, limit } = await highestRate(500, attempt);
  expect(ratePerSecond).toBeGreaterThan(550);
  expect(limit).toMatch("lost");
});

test("a rate that nothing holds ends as 0", async () => {
  const nothing = await highestRate(500, () => Promise.resolve(result({ lost: 1 })));
  expect(nothing.ratePerSecond).toBe(0);
});

test("the command line has the documented defaults and refuses what it does not know", () => {
  const { runs, scenarios, json, settings } = readCommandLine([]);
  expect({ runs, scenarios, json }).toEqual({ runs: 5, scenarios: [], json: null });
  expect(settings).toMatchObject({ ratePerSecond: 500, listeners: 10_000, campaigns: 100 });
  const given = readCommandLine(["--scenario", "a", "--scenario", "b", "--runs", "1", "--seconds", "2", "--json", "f"]);
  expect(given).toMatchObject({ scenarios: ["a", "b"], runs: 1, json: "f", settings: { seconds: 2 } });
  for (const wrong of [["--runs", "0"], ["--seconds", "x"], ["--rate", ""], ["--nope"]]) {
    expect(() => readCommandLine(wrong)).toThrow(UsageError);
  }
});

test("a server's quantile is read between two looks at its histogram", () => {
  const before = new Map([
    [1, 10],
    [2, 10],
    [5, 10],
    [Infinity, 10],
  ]);
  const after = new Map([
    [1, 10],
    [2, 60],
    [5, 110],
    [Infinity, 110],
  ]);
  const counts = histogramDifference(before, after);
  expect(quantileOf(counts, 0.5)).toBe(2);
  expect(quantileOf(counts, 0.75)).toBeCloseTo(3.5);
  expect(
    quantileOf(
      new Map([
        [1, 0],
        [Infinity, 4],
      ]),
      0.5,
    ),
  ).toBe(1);
  expect(quantileOf(new Map([[1, 0]]), 0.5)).toBeNaN();
});
