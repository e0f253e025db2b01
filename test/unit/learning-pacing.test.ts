import { expect, test } from "vitest";
import {
  initialPacing,
  pacingSnapshot,
  type PacingState,
  shadowPrice,
  targetRateMicros,
  updatePacing,
} from "../../actors/learning/pacing/dual-price.ts";
import { evenPlan, planFrom, plannedShare } from "../../actors/learning/pacing/spend-plan.ts";
import { playDay } from "../../bench/evaluate/baselines/paced-day.ts";
import { dualBoundMicros } from "../../bench/evaluate/baselines/dual-bound.ts";
import { dualPacing, greedyPacing } from "../../bench/evaluate/baselines/pacing.ts";
import { drawPacingWorld } from "../../bench/evaluate/worlds/pacing-world.ts";

const start = (): PacingState => initialPacing(1_000_000, evenPlan(1_000));

test("spending above the target raises the price, spending nothing lowers it, spending the target keeps it (P2)", () => {
  const state = start();
  const rate = targetRateMicros(state);
  const after = (spentMicros: number): number =>
    shadowPrice(updatePacing(state, { opportunities: 1, spentMicros, dayShare: 0 }));
  expect(after(2 * rate)).toBeGreaterThan(shadowPrice(state));
  expect(after(0)).toBeLessThan(shadowPrice(state));
  expect(after(rate)).toBeCloseTo(shadowPrice(state), 9);
});

test("the step is the published one: (mu + .05) · exp(−eta · (rho − spend) / rho0) − .05", () => {
  const next = updatePacing(start(), { opportunities: 1, spentMicros: 3_000, dayShare: 0 });
  const eta = 0.35 / Math.sqrt(1_000);
  expect(next.mu).toBeCloseTo(1.05 * Math.exp((-eta * (1_000 - 3_000)) / 1_000) - 0.05, 12);
});

test("the price can rise again from 0", () => {
  let state = { ...start(), mu: 0 };
  for (let turn = 0; turn < 200; turn++)
    state = updatePacing(state, { opportunities: 1, spentMicros: 5_000, dayShare: 0 });
  expect(state.mu).toBeGreaterThan(0.1);
});

test("a campaign whose slots are worth more than four times their cost changes its unit, and the price goes on rising", () => {
  let state = start();
  for (let turn = 0; turn < 400; turn++) {
    const before = shadowPrice(state);
    state = updatePacing(state, { opportunities: 1, spentMicros: 5_000, dayShare: 0 });
    expect(shadowPrice(state)).toBeGreaterThanOrEqual(before - 1e-9);
  }
  expect(shadowPrice(state)).toBeGreaterThan(8);
  expect(state.mu).toBeLessThanOrEqual(4);
});

test("a held learner counts the spend and keeps its price", () => {
  const held = updatePacing(start(), { opportunities: 10, spentMicros: 50_000, dayShare: 0.1 }, true);
  expect(held).toMatchObject({ mu: 1, spentMicros: 50_000, seen: 10, held: 10 });
});

test("a plan reads back the historic day, also between its parts", () => {
  const plan = planFrom(Array.from({ length: 24 }, (_, part) => (part < 12 ? 100 : 300)));
  expect(plan.opportunities).toBe(4_800);
  expect(plannedShare(plan, 0.5)).toBeCloseTo(0.25, 9);
  expect(plannedShare(plan, 1)).toBeCloseTo(1, 9);
  expect(plannedShare(plan, 0.75)).toBeCloseTo(0.625, 9);
});

test("less supply than planned raises what may be spent an opportunity", () => {
  let state = start();
  const usual = targetRateMicros(state);
  state = updatePacing(state, { opportunities: 50, spentMicros: 100_000, dayShare: 0.2 });
  expect(targetRateMicros(state)).toBeGreaterThan(1.2 * usual);
});

test("the snapshot says how far the campaign is ahead of its plan", () => {
  const state = updatePacing(start(), { opportunities: 250, spentMicros: 400_000, dayShare: 0.25 });
  expect(pacingSnapshot(state).aheadOfPlan).toBeCloseTo(0.15, 9);
});

test("on a shared day the learner earns more than greedy, never more than the dual bound, and no budget is overspent", () => {
  const world = drawPacingWorld({ seed: 71, campaigns: 20, slots: 8_000, supply: "supply-shift" });
  const bound = dualBoundMicros(world, 120);
  const ours = playDay(world, dualPacing(world), (_, at) => at);
  const greedy = playDay(world, greedyPacing(), (_, at) => at);
  expect(ours.valueMicros).toBeLessThanOrEqual(bound);
  expect(ours.valueMicros).toBeGreaterThan(1.15 * greedy.valueMicros);
  world.campaigns.forEach(({ budgetMicros }, k) => expect(ours.spentMicros[k]).toBeLessThanOrEqual(budgetMicros));
});
