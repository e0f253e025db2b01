import { normalQuantile, studentCritical } from "../../actors/learning/numerics/distributions.ts";

const ALPHA = 0.05;

export interface Measured {
  readonly figure: number;
  /** 95 %. */
  readonly interval: readonly [number, number];
}

/** The mean over seeds with Student's interval; a single seed has none but itself. */
export function overSeeds(values: readonly number[]): Measured {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { figure: mean, interval: [mean, mean] };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const half = studentCritical(ALPHA, values.length - 1) * Math.sqrt(variance / values.length);
  return { figure: mean, interval: [mean - half, mean + half] };
}

/** A share of independent repetitions with Wilson's interval (JASA 22, 1927). */
export function shareOf(count: number, repetitions: number): Measured {
  const z = normalQuantile(1 - ALPHA / 2);
  const figure = count / repetitions;
  const shrink = 1 + (z * z) / repetitions;
  const middle = (figure + (z * z) / (2 * repetitions)) / shrink;
  const half =
    (z / shrink) * Math.sqrt((figure * (1 - figure)) / repetitions + (z * z) / (4 * repetitions * repetitions));
  return { figure, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
}
