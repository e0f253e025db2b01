import { describe, expect, test } from "vitest";
import { creativeChances, creativeSnapshot, FLOOR, mixed } from "../../actors/learning/creative/allocation.ts";
import { CONVERSION_DELAY, maturity, PLAYBACK_DELAY } from "../../actors/learning/creative/delay.ts";
import { creativePosterior } from "../../actors/learning/creative/posterior.ts";
import {
  closeWindow,
  type CreativeState,
  GENRES,
  initialCreative,
  updateCreative,
  withCreatives,
} from "../../actors/learning/creative/state.ts";
import { epsilonGreedy, temperedThompson } from "../../bench/evaluate/baselines/creative.ts";
import { streamFor } from "../../bench/evaluate/worlds/chance.ts";
import { type CreativePolicy, playCampaign } from "../../bench/evaluate/worlds/creative-world.ts";
import { decode, encode } from "../../protocols/codec.ts";

const HOUR = 3_600_000;
const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

/** Shows each creative `shown` times over ten days, converts as told, and lets everything ripen. */
function played(conversions: Readonly<Record<string, number>>, shown = 1_000): CreativeState {
  let state = withCreatives(initialCreative(), Object.keys(conversions), 0);
  for (const [creativeId, converted] of Object.entries(conversions)) {
    for (let turn = 0; turn < shown; turn++) {
      const observation = { creativeId, genre: turn % GENRES, atMs: turn * 1_000 };
      state = updateCreative(state, { kind: "shown", ...observation });
      if (turn < converted) state = updateCreative(state, { kind: "converted", ...observation });
    }
  }
  return closeWindow(state, 200 * 24 * HOUR, true);
}

test("the delay curve passes the published points", () => {
  const at = (hours: number): number => maturity(CONVERSION_DELAY, hours);
  expect(Math.abs(at(1) - 0.35)).toBeLessThan(0.02);
  expect(Math.abs(at(24) - 0.5)).toBeLessThan(0.02);
  expect(Math.abs(at(14 * 24) - 0.87)).toBeLessThan(0.02);
});

test("feedback that comes with the ad itself is known within a quarter of an hour", () => {
  expect(maturity(PLAYBACK_DELAY, 0.25)).toBeGreaterThan(0.99);
});

test("an impression counts for the share of its conversions that can have come (C1)", () => {
  let state = withCreatives(initialCreative(), ["a"], 0);
  for (let turn = 0; turn < 100; turn++)
    state = updateCreative(state, { kind: "shown", creativeId: "a", genre: 0, atMs: 0 });
  for (const hours of [1, 24, 14 * 24]) {
    state = closeWindow(state, hours * HOUR, true);
    expect(state.arms[0]?.nEff).toBeCloseTo(100 * maturity(CONVERSION_DELAY, hours), 6);
  }
});

test("a day without feedback changes no estimate; what comes after it counts (C2)", () => {
  const before = played({ a: 30, b: 12 });
  let during = before;
  for (let hour = 0; hour < 24; hour++) {
    const atMs = 200 * 24 * HOUR + hour * HOUR;
    for (const creativeId of ["a", "b"]) {
      // Conversions stopped coming, impressions did not.
      for (let turn = 0; turn < 5; turn++)
        during = updateCreative(during, { kind: "shown", creativeId, genre: 0, atMs });
    }
    during = closeWindow(during, atMs + HOUR, false);
  }
  during.arms.forEach((arm, k) => {
    expect(arm.nEff).toBe(before.arms[k]?.nEff);
    expect(arm.converted).toEqual(before.arms[k]?.converted);
  });
  expect(during.windowsDropped).toBe(24);
  const healthy = closeWindow(during, 230 * 24 * HOUR, true);
  expect(healthy.arms[0]?.nEff).toBeGreaterThan(during.arms[0]?.nEff ?? Infinity);
});

test("a conversion that turns out invalid is taken back", () => {
  const observation = { creativeId: "a", genre: 2, atMs: 201 * 24 * HOUR };
  const before = played({ a: 30, b: 12 });
  let after = updateCreative(before, { kind: "retracted", ...observation });
  after = closeWindow(after, observation.atMs, true);
  expect(sum(after.arms[0]?.converted ?? [])).toBe(29);
});

test("the posterior finds the better creative, shrinks it to the campaign, and rests on equal creatives, not on equal impressions", () => {
  const { effects, campaignRate } = creativePosterior(played({ a: 40, b: 20, c: 20, d: 20 }));
  const means = effects.map(({ shape, rate }) => shape / rate);
  expect(means[0]).toBeGreaterThan(1.3);
  expect(means[0]).toBeLessThan(40 / 25); // the raw ratio
  expect(campaignRate).toBeGreaterThan(0.022);
  expect(campaignRate).toBeLessThan(0.03);
});

test("equal states and seeds give equal tables, also after a crash: state → msgpack → state", () => {
  const state = played({ a: 30, b: 12, c: 20 });
  const restored = decode(encode(state)) as CreativeState;
  const table = (of: CreativeState) => creativeSnapshot(of, streamFor(5, 1));
  expect(table(restored)).toEqual(table(state));
  expect(table(state)).not.toEqual(creativeSnapshot(state, streamFor(6, 1)));
});

describe("chances", () => {
  const floors = (count: number) => Array.from({ length: count }, () => ({ chance: FLOOR, isOwed: false }));

  test("are the chance to be the best mixed with the floor; a creative below 1 % is stopped", () => {
    expect(mixed([0.75, 0.25, 0.005], floors(3))).toEqual([
      expect.closeTo(0.02 + 0.96 * 0.75, 9),
      expect.closeTo(0.02 + 0.96 * 0.25, 9),
      0,
    ]);
  });

  test("an owed creative keeps its floor however bad it looks", () => {
    const chances = mixed(
      [1, 0],
      [
        { chance: 0.02, isOwed: false },
        { chance: 0.1, isOwed: true },
      ],
    );
    expect(chances).toEqual([expect.closeTo(0.9, 9), expect.closeTo(0.1, 9)]);
  });

  test("add up to 1 over what vetoes left, and what is drawn by them comes out as often as logged", () => {
    const snapshot = creativeSnapshot(played({ a: 30, b: 24, c: 22, d: 10 }), streamFor(3, 1));
    const subsets = [["a", "b", "c", "d"], ["b", "d"], ["c", "a"], ["d"]];
    const random = streamFor(3, 2);
    for (const ids of subsets) {
      const chances = creativeChances(snapshot, 3, ids);
      expect(sum(chances)).toBeCloseTo(1, 9);
      const draws = 40_000;
      const counts = ids.map(() => 0);
      for (let draw = 0; draw < draws; draw++) {
        let left = random();
        const chosen = chances.findIndex((chance) => (left -= chance) < 0);
        counts[chosen] = (counts[chosen] ?? 0) + 1;
      }
      counts.forEach((count, k) => {
        const chance = chances[k] ?? 0;
        const error = Math.sqrt((chance * (1 - chance)) / draws);
        expect(Math.abs(count / draws - chance)).toBeLessThanOrEqual(4.5 * error + 1e-12);
      });
    }
  });

  test("a creative that the table does not know yet gets the floor's share", () => {
    const snapshot = creativeSnapshot(played({ a: 30, b: 24 }), streamFor(3, 1));
    const chances = creativeChances(snapshot, 0, ["a", "b", "new"]);
    expect(chances[2]).toBeCloseTo(FLOOR / (1 + FLOOR), 9);
  });

  test("an upload to a running campaign gets a tenth until it had 200 impressions", () => {
    const running = played({ a: 60, b: 50 }, 2_500);
    const uploaded = withCreatives(running, ["a", "b", "new"], running.updatedMs);
    const row = creativeSnapshot(uploaded, streamFor(4, 1)).chances[0];
    expect(row?.[2]).toBeGreaterThanOrEqual(0.1);
    expect(sum(row ?? [])).toBeCloseTo(1, 9);
  });
});

/** Share of the gap that campaigns of one seed close together. */
function closed(policyOf: (creatives: number, seed: number) => CreativePolicy, isShuffled = false): number {
  let [gained, possible] = [0, 0];
  for (let seed = 0; seed < 24; seed++) {
    const options = {
      seed: 900 + seed,
      responseRate: 0.05,
      impressions: 6_000,
      impressionsPerDay: 1_000,
      creatives: 5,
    };
    const [gap] = playCampaign(
      { ...options, effectLogSd: 0.4, genreLogSd: 0.25, isShuffled },
      (count) => policyOf(count, seed),
      [6_000],
    );
    gained += gap?.gained ?? 0;
    possible += gap?.possible ?? 0;
  }
  return gained / possible;
}

test("the learner closes more of the gap than ε-greedy in the same worlds", () => {
  expect(closed(temperedThompson)).toBeGreaterThan(closed((count) => epsilonGreedy(count)));
});

test("with feedback dealt at random nothing is gained", () => {
  expect(Math.abs(closed(temperedThompson, true))).toBeLessThan(0.12);
});
