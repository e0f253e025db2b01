import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { creativeChances, creativeSnapshot } from "../../actors/learning/creative/allocation.ts";
import {
  closeWindow,
  creativeState,
  GENRES,
  initialCreative,
  updateCreative,
  withCreatives,
} from "../../actors/learning/creative/state.ts";
import {
  fatigueLevelState,
  initialFatigueLevel,
  updateFatigueLevel,
} from "../../actors/learning/fatigue/shadow-price.ts";
import { initialSlope, slopeEstimate, slopeState, updateSlope } from "../../actors/learning/fatigue/slope.ts";
import {
  initialJoinedShare,
  joinedShareState,
  judgeWindow,
  updateJoinedShare,
} from "../../actors/learning/feedback/joined-share.ts";
import { initialPacing, pacingState, updatePacing } from "../../actors/learning/pacing/dual-price.ts";
import { evenPlan } from "../../actors/learning/pacing/spend-plan.ts";
import {
  hashedFeatures,
  hashedResponseState,
  initialHashedResponse,
  updateHashedResponse,
} from "../../actors/learning/response/hashed-logistic.ts";
import { initialResponse, responseState, updateResponse } from "../../actors/learning/response/logistic.ts";
import {
  initialTransfer,
  PLATFORMS,
  transferredPriors,
  transferState,
  updateTransfer,
} from "../../actors/learning/transfer/platform-effects.ts";
import { streamFor } from "../../bench/evaluate/worlds/chance.ts";
import { decode, encode } from "../../protocols/codec.ts";

/** Whatever was observed: the state fits its schema, survives msgpack, and is within 5 KB. */
function expectSound(definition: { readonly schema: z.ZodType }, state: unknown): void {
  expect(definition.schema.safeParse(state).error).toBeUndefined();
  const bytes = encode(state);
  expect(decode(bytes)).toEqual(state);
  expect(bytes.byteLength).toBeLessThanOrEqual(5 * 1024);
}

const amount = fc.double({ min: 0, max: 1e12, noNaN: true });

test("pacing stays sound under any spend and supply", () => {
  const observation = fc.record({
    opportunities: amount,
    spentMicros: amount,
    dayShare: fc.double({ min: -1, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(amount, fc.array(fc.tuple(observation, fc.boolean()), { maxLength: 60 }), (budget, observations) => {
      let state = initialPacing(budget, evenPlan(1_000));
      for (const [each, isHeld] of observations) state = updatePacing(state, each, isHeld);
      expectSound(pacingState, state);
    }),
  );
});

test("creative learners stay sound, and their chances add up to 1, under any order of events", () => {
  const event = fc.record({
    kind: fc.constantFrom(
      "shown" as const,
      "shown" as const,
      "converted" as const,
      "retracted" as const,
      "close" as const,
      "lose" as const,
    ),
    creativeId: fc.constantFrom("a", "b", "c", "gone"),
    genre: fc.integer({ min: 0, max: GENRES - 1 }),
    atMs: fc.integer({ min: 0, max: 1e10 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), fc.integer(), (events, seed) => {
      let state = withCreatives(initialCreative(), ["a", "b", "c"], 0);
      for (const { kind, ...each } of events) {
        if (kind === "close" || kind === "lose") state = closeWindow(state, each.atMs, kind === "close");
        else state = updateCreative(state, { kind, ...each });
      }
      expectSound(creativeState, state);
      const snapshot = creativeSnapshot(state, streamFor(seed, 1));
      for (let genre = 0; genre < GENRES; genre++) {
        const chances = creativeChances(snapshot, genre, ["b", "c", "new"]);
        expect(chances.every((chance) => chance >= 0 && chance <= 1)).toBe(true);
        expect(chances.reduce((all, each) => all + each, 0)).toBeCloseTo(1, 9);
      }
    }),
    { numRuns: 60 },
  );
});

test("transferred priors stay within their bounds under any evidence", () => {
  const cell = fc.record({
    creativeId: fc.constantFrom("a", "b", "c"),
    platform: fc.constantFrom(...PLATFORMS),
    expected: fc.double({ min: 0, max: 1e6, noNaN: true }),
    conversions: fc.integer({ min: 0, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(cell, { maxLength: 12 }), { maxLength: 40 }), (campaigns) => {
      let state = initialTransfer();
      campaigns.forEach((evidence, k) => (state = updateTransfer(state, `c${k}`, evidence)));
      expectSound(transferState, state);
      for (const { mean, shape } of transferredPriors(state, campaigns[0] ?? [], "smart").values()) {
        expect(mean).toBeGreaterThanOrEqual(0.2);
        expect(mean).toBeLessThanOrEqual(5);
        expect(shape).toBeGreaterThanOrEqual(0.5);
        expect(shape).toBeLessThanOrEqual(100);
      }
    }),
    { numRuns: 60 },
  );
});

test("response learners stay sound under any features and responses", () => {
  const row = fc.tuple(
    fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 6, maxLength: 6 }),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), fc.array(fc.string(), { maxLength: 20 }), (rows, words) => {
      let state = initialResponse(6);
      let hashed = initialHashedResponse();
      for (const [features, responded] of rows) {
        state = updateResponse(state, features, responded);
        hashed = updateHashedResponse(hashed, hashedFeatures(words), responded, responded ? 1 : -1);
      }
      expectSound(responseState, state);
      expectSound(hashedResponseState, hashed);
    }),
  );
});

test("fatigue's learners and the detector stay sound", () => {
  const hours = fc.double({ min: 0, max: 1_000, noNaN: true });
  const listener = fc.record({
    cell: fc.constantFrom(0 as const, 1 as const, 2 as const),
    hours,
    load: hours,
    hoursBefore: hours,
  });
  fc.assert(
    fc.property(
      fc.array(listener, { maxLength: 60 }),
      fc.array(fc.tuple(amount, amount), { maxLength: 40 }),
      (listeners, pairs) => {
        let slope = initialSlope();
        for (const each of listeners) slope = updateSlope(slope, each);
        expectSound(slopeState, slope);
        const { slope: figure, sd } = slopeEstimate(slope, 90);
        expect(Number.isFinite(figure) && sd > 0).toBe(true);
        let level = initialFatigueLevel(750_000);
        let joined = initialJoinedShare();
        for (const [a, b] of pairs) {
          level = updateFatigueLevel(level, { load: a, target: b });
          joined = judgeWindow(updateJoinedShare(joined, a, b)).state;
        }
        expectSound(fatigueLevelState, level);
        expect(level.phiMicros).toBeGreaterThanOrEqual(level.priorMicros / 4);
        expect(level.phiMicros).toBeLessThanOrEqual(level.priorMicros * 4);
        expectSound(joinedShareState, joined);
      },
    ),
  );
});
