import { describe, expect, test } from "vitest";
import {
  ADS_PER_HOUR_MAX,
  cadenceChances,
  EPSILON,
  MIN_GAP_MS,
  repetitionFactor,
} from "../../actors/learning/fatigue/cadence.ts";
import { readHoldback } from "../../actors/learning/fatigue/holdback.ts";
import { fatigueMaturityCurve } from "../../actors/learning/fatigue/maturity.ts";
import { PRICE_CELLS, priceCellOf } from "../../actors/learning/fatigue/price-cells.ts";
import {
  effectiveAds,
  fatigueCostMicros,
  initialFatigueLevel,
  segmentPrices,
  updateFatigueLevel,
} from "../../actors/learning/fatigue/shadow-price.ts";
import {
  initialSlope,
  PRIOR_SD,
  PRIOR_SLOPE,
  slopeEstimate,
  type SlopeObservation,
  updateSlope,
} from "../../actors/learning/fatigue/slope.ts";
import { drawNormal } from "../../actors/learning/numerics/normal.ts";
import { NO_UNITS, withUnit } from "../../actors/learning/experiment/arm-sums.ts";
import { initialJoinedShare, judgeWindow, updateJoinedShare } from "../../actors/learning/feedback/joined-share.ts";
import { streamFor } from "../../bench/evaluate/worlds/chance.ts";

test("a listener's cell is drawn .1 holdback and .15/.7/.15 of the rest", () => {
  const counts = new Map<string, number>();
  for (let at = 0; at < 10_000; at++) {
    const { name } = priceCellOf(at / 10_000);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const { name, chance } of PRICE_CELLS)
    expect(Math.abs((counts.get(name) ?? 0) - 10_000 * chance)).toBeLessThanOrEqual(1);
});

test("the first month shows a quarter of the effect, two years more than nine tenths", () => {
  expect(fatigueMaturityCurve(30)).toBeCloseTo(0.25, 2);
  expect(fatigueMaturityCurve(30)).toBeLessThan(1 / 3);
  expect(fatigueMaturityCurve(730)).toBeGreaterThan(0.9);
});

/** Listeners who love the service listen more and hear more ads: the naive slope is a gain, the effect a loss. */
function listeners(count: number, slope: number): SlopeObservation[] {
  const random = streamFor(12, 1);
  return Array.from({ length: count }, () => {
    const love = drawNormal(random);
    const cell = random() < 0.15 ? 0 : random() < 0.7 / 0.85 ? 1 : 2;
    const load = 4 + [1.5, 0, -1.5][cell]! + 0.8 * love + 0.3 * drawNormal(random);
    const base = 20 + 6 * love;
    const hoursBefore = base + 2 * drawNormal(random);
    return { cell, load, hoursBefore, hours: base * (1 - slope * (load - 4)) + 2 * drawNormal(random) };
  });
}

describe("the slope", () => {
  const always = (): number => 1;

  test("is the effect of the cells, not what lovers of the service suggest (S1)", () => {
    let state = initialSlope();
    for (const each of listeners(40_000, 0.03)) state = updateSlope(state, each);
    const estimate = slopeEstimate(state, 365, always);
    expect(Math.abs((estimate.raw?.slope ?? 0) - 0.03)).toBeLessThan(4 * (estimate.raw?.se ?? 0));
    expect(estimate.raw?.se).toBeLessThan(0.003);
    expect(Math.abs(estimate.slope - 0.03)).toBeLessThan(0.006);
  });

  test("of listeners whom ads do not touch is not found", () => {
    let state = initialSlope();
    for (const each of listeners(40_000, 0)) state = updateSlope(state, each);
    const { raw } = slopeEstimate(state, 365, always);
    expect(Math.abs(raw?.slope ?? 1)).toBeLessThan(4 * (raw?.se ?? 0));
  });

  test("is the prior without data, and without a difference between cells (S2)", () => {
    let state = initialSlope();
    expect(slopeEstimate(state, 90)).toMatchObject({ slope: PRIOR_SLOPE, sd: PRIOR_SD, raw: null });
    for (let turn = 0; turn < 99; turn++)
      state = updateSlope(state, { cell: (turn % 3) as 0 | 1 | 2, hours: 5, load: 4, hoursBefore: 5 });
    expect(slopeEstimate(state, 90).slope).toBe(PRIOR_SLOPE);
  });

  test("a corrected observation is taken back exactly", () => {
    const [first, second] = listeners(2, 0.02) as [SlopeObservation, SlopeObservation];
    const once = updateSlope(initialSlope(), first);
    const back = updateSlope(updateSlope(once, second), second, -1);
    back.cells.forEach((cell, k) =>
      Object.entries(cell).forEach(([name, value]) =>
        expect(value).toBeCloseTo(Number(Object(once.cells[k])[name]), 9),
      ),
    );
  });

  test("early data counts for less: what a month shows is divided by its maturity, and so is its certainty", () => {
    let state = initialSlope();
    for (const each of listeners(5_000, 0.02)) state = updateSlope(state, each);
    expect(slopeEstimate(state, 30).sd).toBeGreaterThan(slopeEstimate(state, 365).sd);
  });
});

describe("the shadow price", () => {
  test("starts at what an ad costs in hours, follows the load, and stays within a quarter and four times that (F1)", () => {
    let state = initialFatigueLevel(750_000);
    expect(state.phiMicros).toBeCloseTo(15_600, 6);
    expect(updateFatigueLevel(state, { load: 5, target: 4 }).phiMicros).toBeCloseTo(15_600 * Math.exp(0.6 * 0.25), 6);
    for (let turn = 0; turn < 50; turn++) state = updateFatigueLevel(state, { load: 40, target: 4 });
    expect(state.phiMicros).toBe(4 * state.priorMicros);
    for (let turn = 0; turn < 50; turn++) state = updateFatigueLevel(state, { load: 0, target: 4 });
    expect(state.phiMicros).toBe(state.priorMicros / 4);
  });

  test("stands still when held", () => {
    const state = initialFatigueLevel(750_000);
    expect(updateFatigueLevel(state, { load: 9, target: 4 }, true)).toMatchObject({
      phiMicros: state.phiMicros,
      held: 1,
    });
  });

  test("is dearer in a segment that suffers more, by the ratio of slopes", () => {
    const level = initialFatigueLevel(750_000);
    const prices = segmentPrices(level, [
      { segment: "18-24", slope: 0.03, hours: 100 },
      { segment: "45+", slope: 0.015, hours: 200 },
    ]);
    expect((prices.get("18-24") ?? 0) / (prices.get("45+") ?? 1)).toBeCloseTo(2, 9);
    expect(((prices.get("18-24") ?? 0) * 100 + (prices.get("45+") ?? 0) * 200) / 300).toBeCloseTo(level.phiMicros, 6);
  });

  test("counts a 15 s ad as .62 of one and a pod of two as 2.1", () => {
    expect(effectiveAds(30_000)).toBe(1);
    expect(effectiveAds(15_000)).toBeCloseTo(0.616, 3);
    expect(effectiveAds(30_000, 2)).toBeCloseTo(2.1, 9);
    expect(fatigueCostMicros(15_600, 2.5, effectiveAds(30_000))).toBe(39_000);
  });
});

describe("the holdback", () => {
  const arm = (mean: number, purpose: number, count = 20_000) => {
    const random = streamFor(13, purpose);
    let sums = NO_UNITS;
    for (let unit = 0; unit < count; unit++) {
      const own = 3 * drawNormal(random);
      sums = withUnit(sums, mean + own + drawNormal(random), 10 + own);
    }
    return sums;
  };

  test("calls for a rollback at −3 % of hours, not at −0.3 %, and not before there are listeners", () => {
    expect(readHoldback(arm(10, 1), arm(9.7, 2), 40_000).state).toBe("harmed");
    expect(readHoldback(arm(10, 1), arm(9.97, 2), 40_000).state).not.toBe("harmed");
    expect(readHoldback(arm(10, 1, 50), arm(5, 2, 50), 40_000).state).toBe("open");
  });
});

describe("cadence", () => {
  const context = { nowMs: 10_000_000, lastBreakMs: 10_000_000 - MIN_GAP_MS, adsLastHour: 0 };
  const [full, short] = [
    { ads: 1, scoreMicros: 300 },
    { ads: 1, scoreMicros: 500 },
  ];

  test("the best score above 0 wins, all others share epsilon, and chances add up to 1", () => {
    const { options, none, best } = cadenceChances(context, [full, short]);
    expect(best).toBe(1);
    expect(options).toEqual([EPSILON / 2, 1 - EPSILON]);
    expect(none).toBe(EPSILON / 2);
  });

  test("no ad is best when no score is above 0", () => {
    const { options, none, best } = cadenceChances(context, [{ ads: 1, scoreMicros: -1 }]);
    expect({ options, none, best }).toEqual({ options: [EPSILON], none: 1 - EPSILON, best: -1 });
  });

  test("limits hold when exploring too: 3 minutes between breaks, 12 ads an hour (Q1)", () => {
    for (const limited of [
      { ...context, lastBreakMs: context.nowMs - MIN_GAP_MS + 1 },
      { ...context, adsLastHour: ADS_PER_HOUR_MAX },
    ]) {
      expect(cadenceChances(limited, [full, short])).toEqual({ options: [0, 0], none: 1, best: -1, isForced: true });
    }
    const lastOne = cadenceChances({ ...context, adsLastHour: ADS_PER_HOUR_MAX - 1 }, [
      { ads: 2, scoreMicros: 900 },
      full,
    ]);
    expect(lastOne).toEqual({ options: [0, 1 - EPSILON], none: EPSILON, best: 1, isForced: false });
  });

  test("a bid is worth (1 + n)^−.29 after n exposures", () => {
    expect(repetitionFactor(0)).toBe(1);
    expect(repetitionFactor(3)).toBeCloseTo(0.669, 3);
  });
});

describe("joined feedback", () => {
  const windows = (shares: readonly number[], size = 500) => {
    let state = initialJoinedShare();
    return shares.map((share) => {
      const judged = judgeWindow(updateJoinedShare(state, size, size * share));
      state = judged.state;
      return judged.verdict;
    });
  };

  test("a fall of the joined share is missing feedback for as long as it lasts, and no new normal (J2)", () => {
    expect(windows([0.9, 0.92, 0.2, 0, 0.1, 0.1, 0.91])).toEqual([
      "joined",
      "joined",
      "missing",
      "missing",
      "missing",
      "missing",
      "joined",
    ]);
  });

  test("a little less is no fall, and a few impressions are no window", () => {
    expect(windows([0.9, 0.8, 0.85])).toEqual(["joined", "joined", "joined"]);
    expect(windows([0.9], 10)).toEqual(["open"]);
  });

  test("an outage at the very start is not taken for the usual", () => {
    expect(windows([0, 0.9, 0.1])).toEqual(["missing", "joined", "missing"]);
  });
});
