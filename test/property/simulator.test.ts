import fc from "fast-check";
import { expect, test } from "vitest";
import { total } from "../../bench/simulator/outcomes.ts";
import { fixedCadence } from "../../bench/simulator/policies/fixed-cadence.ts";
import { runPolicy } from "../../bench/simulator/run.ts";
import { drawScenario } from "../../bench/simulator/scenario.ts";
import { TimeQueue } from "../../bench/simulator/time-queue.ts";
import { bundledWorld } from "../../bench/simulator/world-file.ts";
import { anything, silence, watched } from "../support/simulator-policies.ts";

const DAY_MS = 86_400_000;
const base = await bundledWorld("campaigns");
const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const settings = { listeners: 12, days: 30 };

test("any seed draws a world that is one, the same each time, with its disturbances inside the run", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 10, max: 700 }), (seed, days) => {
      const scenario = drawScenario(base, seed, days);
      expect(drawScenario(base, seed, days)).toEqual(scenario);
      const { population, tracking, tracks, campaigns } = scenario.world;
      const when = [
        ...population.platforms.map((platform) => platform.launchDay),
        ...tracking.outages.map((outage) => outage.fromDay),
        ...tracks.recommenderChanges.map((change) => change.day),
        ...campaigns.flatMap((campaign) => campaign.budgetChanges.slice(0, 1).map((change) => change.day)),
      ];
      for (const day of when) expect(day).toBeLessThan(days);
      expect(base.name).toBe("campaigns");
    }),
  );
});

test("over many seeds every disturbance happens, and a scenario without any", () => {
  const drawn = Array.from({ length: 300 }, (_, seed) => drawScenario(base, seed, 100));
  const kinds = [/^seasons/, /launches/, /creatives live/, /^budgets/, /^tracking/, /bots/, /^above/, /recommender/];
  for (const kind of kinds) {
    const share =
      drawn.filter(({ disturbances }) => disturbances.some((each) => kind.test(each))).length / drawn.length;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.55);
  }
  expect(drawn.some(({ disturbances }) => disturbances.length === 0)).toBe(true);
});

test("in any drawn world, under any decisions, the facts are those of one clock and the books agree", () => {
  fc.assert(
    fc.property(seeds, fc.integer(), (seed, salt) => {
      const { world } = drawScenario(base, seed, settings.days);
      const { policy, slots, feedback } = watched(anything(salt, base.campaigns.length));
      const outcomes = runPolicy(world, policy, { ...settings, seed });
      expect(runPolicy(world, anything(salt, base.campaigns.length), { ...settings, seed }).hash).toBe(outcomes.hash);
      expect(slots.map((slot) => slot.slot)).toEqual(slots.map((_, at) => at));
      for (const [at, slot] of slots.entries()) {
        expect(slot.nowMs).toBeGreaterThanOrEqual(slots[at - 1]?.nowMs ?? 0);
        expect(slot.day).toBe(Math.floor(slot.nowMs / DAY_MS));
        expect(slot.minuteOfDay).toBe(Math.floor((slot.nowMs % DAY_MS) / 60_000));
        expect(slot.sinceBreakMs).toBeGreaterThanOrEqual(0);
        expect(slot.tracks).toBeGreaterThanOrEqual(1);
        expect(Number.isInteger(slot.priceMicros) && slot.priceMicros >= 0).toBe(true);
      }
      for (const each of feedback) expect(Number.isInteger(each.nowMs)).toBe(true);
      expect(total(outcomes.musicHoursByDay)).toBeCloseTo(total(outcomes.musicHours), 6);
      expect(total(outcomes.revenueMicrosByDay)).toBeCloseTo(total(outcomes.revenueMicros), 3);
      expect(total(outcomes.effectiveAds)).toBeLessThanOrEqual(total(outcomes.ads) * 1.45 + 1e-6);
    }),
    { numRuns: 40 },
  );
});

test("ads bring no listener more music, more days or a smaller chance of leaving", () => {
  fc.assert(
    fc.property(seeds, fc.double({ min: 3, max: 40, noNaN: true }), (seed, everyMinutes) => {
      const { world } = drawScenario(base, seed, settings.days);
      const run = { ...settings, seed, survival: "weighted" } as const;
      const quiet = runPolicy(world, silence, run);
      const busy = runPolicy(world, fixedCadence({ everyMinutes, podAds: [1, 2] }), run);
      for (let listener = 0; listener < settings.listeners; listener++) {
        expect(busy.activeDays[listener]).toBeLessThanOrEqual(quiet.activeDays[listener]! + 1e-9);
        expect(busy.left[listener]).toBeGreaterThanOrEqual(quiet.left[listener]! - 1e-9);
        // An hour's grace: a session that breaks push over the run's end, or past midnight, is counted elsewhere.
        expect(busy.musicHours[listener]).toBeLessThanOrEqual(quiet.musicHours[listener]! + 1);
      }
    }),
    { numRuns: 40 },
  );
});

test("the queue gives things back by time, and by tie where times are equal", () => {
  const entry = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_000 }));
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const queue = new TimeQueue<readonly [number, number]>();
      for (const each of entries) queue.push(each[0], each[1], each);
      const out: (readonly [number, number])[] = [];
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) out.push(next);
      expect(queue.nextMs).toBe(Infinity);
      expect(out).toEqual(entries.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    }),
  );
});
