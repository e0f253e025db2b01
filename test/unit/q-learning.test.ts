import { expect, test } from "vitest";
import { type BreakAction, QLearning, type SessionMoment } from "../../bench/evaluate/baselines/q-learning.ts";
import { streamFor } from "../../bench/evaluate/worlds/chance.ts";

const MOMENT: SessionMoment = { minutesSinceBreak: 12, adsInSession: 0, skipRate: 0.1, valueRatio: 1 };
const ADS: Record<BreakAction, number> = { none: 0, short: 0.6, full: 1 };
const EARNS: Record<BreakAction, number> = { none: 0, short: 9_000, full: 15_000 };

/** What it plays in the end, in sessions of a single slot. */
function favourite(retentionPriceMicros: number): BreakAction | undefined {
  const learner = new QLearning(
    { learningRate: 0.1, discount: 0.9, epsilon: 0.3, retentionPriceMicros },
    streamFor(1, 140),
  );
  const counts = new Map<BreakAction, number>();
  for (let turn = 0; turn < 3_000; turn++) {
    const { action, chance } = learner.choose(MOMENT);
    expect(Math.min(Math.abs(chance - 0.1), Math.abs(chance - 0.8)) < 1e-9).toBe(true);
    learner.learn(MOMENT, action, EARNS[action], ADS[action], null);
    if (turn >= 2_000) counts.set(action, (counts.get(action) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

test("on what a session earns it learns to play every ad, with a price on retention to play none", () => {
  expect(favourite(0)).toBe("full");
  expect(favourite(20_000)).toBe("none");
});

test("what comes later counts in what is done now, by the discount", () => {
  const learner = new QLearning(
    { learningRate: 1, discount: 0.5, epsilon: 0, retentionPriceMicros: 0 },
    streamFor(1, 141),
  );
  const later = { ...MOMENT, adsInSession: 3 };
  learner.learn(later, "full", 8_000, 1, null);
  learner.learn(MOMENT, "short", 1_000, 0.6, later); // worth 1,000 + .5 · 8,000 = 5,000
  learner.learn(MOMENT, "full", 4_999, 1, null);
  expect(learner.choose(MOMENT)).toEqual({ action: "short", chance: 1 });
});
