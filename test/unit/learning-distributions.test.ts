import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as distributions from "../../actors/learning/numerics/distributions.ts";

/** Made by scipy-distributions.py beside it. */
const scipy = JSON.parse(
  readFileSync(new URL("../fixtures/scipy-distributions.json", import.meta.url), "utf8"),
) as Record<string, number[][]>;

/** Of the value itself, so that small tails are as right as large ones. */
const RELATIVE = 1e-8;

const functions = { ...distributions } as Record<string, (...args: number[]) => number>;

test.each(Object.keys(scipy).filter((name) => name !== "tool"))("%s equals SciPy's", (name) => {
  const rows = scipy[name] ?? [];
  expect(rows.length).toBeGreaterThan(9);
  for (const row of rows) {
    const args = row.slice(0, -1);
    const expected = row.at(-1) ?? Number.NaN;
    const actual = functions[name]?.(...args) ?? Number.NaN;
    expect(
      Math.abs(actual - expected),
      `${name}(${args.join(", ")}) is ${actual}, SciPy says ${expected}`,
    ).toBeLessThan(RELATIVE * Math.abs(expected) + 1e-300);
  }
});

test("a quantile outside the open interval is infinite, and no distance is no surprise", () => {
  expect(distributions.normalQuantile(0)).toBe(-Infinity);
  expect(distributions.normalQuantile(1)).toBe(Infinity);
  expect(distributions.studentTwoSided(0, 5)).toBe(1);
  expect(distributions.chiSquareTail(0, 3)).toBe(1);
});
