import { expect, test } from "vitest";
import { UNBOUNDED } from "../../actors/learning/experiment/effect.ts";
import { fatigueMaturity, maturedEffect } from "../../actors/learning/experiment/fatigue-maturity.ts";
import { type Guardrail, guardrailState, harmedGuardrails } from "../../actors/learning/experiment/guardrail.ts";
import { readOut, type ReadOutFacts } from "../../actors/learning/experiment/read-out.ts";

const hours: Guardrail = { metric: "hours", harm: "decrease", margin: 0.01 };
const errors: Guardrail = { metric: "errors", harm: "increase", margin: 0.05 };

const FACTS: ReadOutFacts = {
  experiment: "bolder-creative",
  metric: "conversions",
  wanted: "more",
  effect: 0.031,
  interval: { lower: 0.004, upper: 0.058 },
  confidence: 0.95,
  units: 20_123,
  unitName: "listeners",
  sampleRatio: { pValue: 0.41, mismatch: false },
  guardrails: [{ guardrail: hours, interval: { lower: -0.004, upper: 0.006 } }],
  maturity: null,
};

test("a guardrail breaks when its interval is beyond the margin as a whole, and is kept when it is within", () => {
  const state = (guardrail: Guardrail, lower: number, upper: number) =>
    guardrailState({ guardrail, interval: { lower, upper } });
  expect(state(hours, -0.03, -0.011)).toBe("harmed");
  expect(state(hours, -0.03, -0.009)).toBe("open"); // bad, and still possibly within 1 %
  expect(state(hours, -0.009, 0.02)).toBe("safe");
  expect(state(hours, 0.02, 0.5)).toBe("safe"); // a gain is no harm, however large
  expect(state(errors, 0.051, 0.2)).toBe("harmed");
  expect(state(errors, -0.2, 0.049)).toBe("safe");
  expect(state(errors, UNBOUNDED.lower, UNBOUNDED.upper)).toBe("open");
});

test("one broken guardrail is enough to roll back, and is named", () => {
  const readings = [
    { guardrail: errors, interval: { lower: -0.1, upper: 0 } },
    { guardrail: hours, interval: { lower: -0.05, upper: -0.02 } },
  ];
  expect(harmedGuardrails(readings)).toEqual([hours]);
});

test("a read-out says effect, interval, units, ratio, guardrails and verdict in words", () => {
  expect(readOut(FACTS)).toEqual({
    verdict: "better",
    text: [
      "bolder-creative: conversions, 20,123 listeners. Effect +3.10 %, 95 % interval +0.40 % to +5.80 % (valid whenever you look).",
      "The arms are of the sizes they were meant to be (p = 0.4100).",
      "Guardrail hours (decrease of at most 1.0 %): kept, −0.40 % to +0.60 %.",
      "Verdict: better: conversions improves.",
    ].join("\n"),
  });
});

test("with arms of the wrong size no effect is said, whatever else the figures show", () => {
  const harmed = [{ guardrail: hours, interval: { lower: -0.05, upper: -0.02 } }];
  const { verdict, text } = readOut({
    ...FACTS,
    guardrails: harmed,
    sampleRatio: { pValue: 0.000_02, mismatch: true },
  });
  expect(verdict).toBe("sample-ratio-mismatch");
  expect(text).toContain("No effect is shown.");
  expect(text).toContain("p < 0.0001");
  expect(text).not.toContain("3.10");
});

test("harm goes before gain, and before age", () => {
  const harmed = [{ guardrail: hours, interval: { lower: -0.05, upper: -0.02 } }];
  const { verdict, text } = readOut({ ...FACTS, guardrails: harmed, maturity: { kind: "immature", daysLeft: 60 } });
  expect(verdict).toBe("harmful");
  expect(text).toContain("Verdict: harmful to hours; roll back.");
});

test("the verdict follows the interval and what is wanted", () => {
  const verdict = (change: Partial<ReadOutFacts>) => readOut({ ...FACTS, ...change }).verdict;
  expect(verdict({ interval: { lower: -0.01, upper: 0.05 } })).toBe("no-difference-shown");
  expect(verdict({ interval: { lower: -0.05, upper: -0.01 } })).toBe("worse");
  expect(verdict({ interval: { lower: -0.05, upper: -0.01 }, wanted: "less" })).toBe("better");
  expect(verdict({ wanted: "less" })).toBe("worse");
  expect(verdict({ interval: UNBOUNDED })).toBe("too-few-units");
});

test("a fatigue test is not decided before twelve weeks, and says how long it still takes", () => {
  expect(fatigueMaturity(30, null)).toEqual({ kind: "immature", daysLeft: 54 });
  expect(fatigueMaturity(84, null)).toEqual({ kind: "mature" });
  const { verdict, text } = readOut({ ...FACTS, maturity: fatigueMaturity(30, null) });
  expect(verdict).toBe("immature");
  expect(text).toContain("not decided before 12 weeks, 54 days from now");
});

test("corrected for age, effect and interval are those of the end: both are divided by the share that shows", () => {
  const maturity = fatigueMaturity(30, (days) => Math.min(1, days / 120));
  expect(maturity).toEqual({ kind: "corrected", share: 0.25 });
  const effect = { estimate: -0.005, variance: 1e-6, units: 1_000, degrees: 998 };
  expect(maturedEffect(effect, maturity)).toEqual({ ...effect, estimate: -0.02, variance: 1.6e-5 });
  expect(readOut({ ...FACTS, maturity }).verdict).toBe("better");
  expect(readOut({ ...FACTS, maturity }).text).toContain("about 25 % of its final effect");
  expect(fatigueMaturity(200, (days) => Math.min(1, days / 120))).toEqual({ kind: "mature" });
  // A curve that knows nothing corrects nothing.
  expect(fatigueMaturity(30, () => 0)).toEqual({ kind: "immature", daysLeft: 54 });
});
