import { drawNormal, type Uniform } from "../numerics/normal.ts";

/* The log odds of a response as a normal: what one logistic observation makes of it, its probability, and a draw of it. */

export interface Margin {
  /** Log odds, mean and variance over what the weights may be. */
  readonly mean: number;
  readonly variance: number;
}

/** Nodes (for the standard normal) and weights of Gauss–Hermite quadrature of order 20, upper half; the rule is symmetric. */
const NODES: readonly (readonly [node: number, weight: number])[] = [
  [0.346964157081, 0.26079306345],
  [1.0429453488, 0.161739333984],
  [1.74524732081, 0.061506372064],
  [2.45866361117, 0.0139978374471],
  [3.18901481655, 0.00183010313108],
  [3.94396735066, 0.000128826279962],
  [4.73458133405, 4.40212109023e-6],
  [5.57873880589, 6.12749025998e-8],
  [6.51059015701, 2.48206236232e-10],
  [7.61904854168, 1.25780067244e-13],
];

/** Mean and variance of a normal margin after one logistic observation, by quadrature. */
export function tiltedMoments(mean: number, variance: number, responded: boolean): Margin {
  const sd = Math.sqrt(variance);
  const sign = responded ? -1 : 1;
  let mass = 0;
  let first = 0;
  let second = 0;
  for (const [node, weight] of NODES) {
    for (const z of [node, -node]) {
      const likelihood = weight / (1 + Math.exp(sign * (mean + sd * z)));
      mass += likelihood;
      first += likelihood * z;
      second += likelihood * z * z;
    }
  }
  if (!(mass > 1e-300)) return { mean, variance };
  const shift = first / mass;
  return { mean: mean + sd * shift, variance: variance * Math.max(1e-6, second / mass - shift * shift) };
}

/** The response's probability, the weights averaged out (MacKay 1992: logistic(mean / √(1 + π·variance/8))). */
export const responseProbability = ({ mean, variance }: Margin): number =>
  logistic(mean / Math.sqrt(1 + (Math.PI * variance) / 8));

/**
 * A draw of the log odds for Thompson sampling on the weights. One draw of the margin is distributed as the margin of one draw of
 * the weights, at O(d²) once and no matrix root.
 * @param temper share of the posterior's deviation, 0 to 1.
 */
export const sampledMargin = ({ mean, variance }: Margin, random: Uniform, temper = 1): number =>
  mean + temper * Math.sqrt(variance) * drawNormal(random);

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
