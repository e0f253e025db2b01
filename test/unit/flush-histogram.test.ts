import { expect, test } from "vitest";
import { FlushHistogram } from "../../runtime/core/flush-histogram.ts";

test("a quantile is within a bucket's width above the true one", () => {
  const histogram = new FlushHistogram();
  for (let flush = 1; flush <= 1_000; flush++) histogram.record(flush / 10);
  for (const [share, trueMs] of [
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ] as const) {
    expect(histogram.quantileMs(share)).toBeGreaterThanOrEqual(trueMs);
    expect(histogram.quantileMs(share)).toBeLessThan(trueMs * 1.16);
  }
});

test("an old stall is forgotten after two windows of flushes", () => {
  const histogram = new FlushHistogram();
  for (let flush = 0; flush < 100; flush++) histogram.record(5_000);
  expect(histogram.quantileMs(0.99)).toBeGreaterThan(4_000);
  for (let flush = 0; flush < 4_096; flush++) histogram.record(1);
  expect(histogram.quantileMs(1)).toBeLessThan(2);
});

test("says 0 before the first flush", () => {
  expect(new FlushHistogram().quantileMs(0.99)).toBe(0);
});
