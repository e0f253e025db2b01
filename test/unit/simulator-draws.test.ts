import { expect, test } from "vitest";
import { childKey, lognormal, normal, pick, rootKey, uniform } from "../../bench/simulator/counter-draws.ts";

const SAMPLES = 40_000;
const CELLS = 64;
const samples = <T>(draw: (at: number) => T): T[] => Array.from({ length: SAMPLES }, (_, at) => draw(at));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function chiSquare(values: readonly number[]): number {
  const counts = new Array<number>(CELLS).fill(0);
  for (const value of values) counts[Math.floor(value * CELLS)]!++;
  const expected = values.length / CELLS;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** 63 degrees of freedom: mean 63, sd 11.2; five sd above is beyond one in a million. */
const CHI_SQUARE_MAX = 63 + 5 * Math.sqrt(2 * 63);

test.each([
  ["counters", (at: number) => uniform(rootKey(7), at, 1)],
  ["purposes", (at: number) => uniform(rootKey(7), 3, at)],
  ["children", (at: number) => uniform(childKey(rootKey(7), at), 0, 1)],
  ["grandchildren", (at: number) => uniform(childKey(childKey(rootKey(7), at >> 4), at & 15), 0, 1)],
  ["seeds", (at: number) => uniform(rootKey(at), 0, 1)],
  ["seeds above 2^32", (at: number) => uniform(rootKey(at * 2 ** 32), 0, 1)],
])("draws over neighbouring %s are uniform and not correlated with the next", (_name, draw) => {
  const values = samples(draw);
  expect(chiSquare(values)).toBeLessThan(CHI_SQUARE_MAX);
  const products = values.slice(1).map((value, at) => (value - 0.5) * (values[at]! - 0.5) * 12);
  expect(Math.abs(mean(products))).toBeLessThan(5 / Math.sqrt(SAMPLES));
  expect(new Set(values).size).toBeGreaterThan(SAMPLES - 20);
});

test("normals have mean 0 and variance 1, and lognormals mean 1 whatever their spread", () => {
  const key = rootKey(3);
  const normals = samples((at) => normal(key, at, 4));
  expect(Math.abs(mean(normals))).toBeLessThan(5 / Math.sqrt(SAMPLES));
  expect(Math.abs(mean(normals.map((value) => value * value)) - 1)).toBeLessThan((5 * Math.SQRT2) / Math.sqrt(SAMPLES));
  expect(mean(samples((at) => lognormal(key, at, 4, 0.5)))).toBeCloseTo(1, 1);
  expect(lognormal(key, 1, 4, 0)).toBe(1);
});

test("a uniform number picks the share it falls on, the last where rounding left a gap", () => {
  expect([0, 0.24, 0.25, 0.69, 0.7, 0.9999].map((at) => pick([0.25, 0.7, 0.999], at))).toEqual([0, 0, 1, 1, 2, 2]);
});
