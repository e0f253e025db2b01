import { drawNormal, type Uniform } from "./normal.ts";

/**
 * One draw from Gamma(shape, rate 1) (Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; shapes below 1
 * by their boost).
 * @param shape above 0.
 */
export function drawGamma(shape: number, random: Uniform): number {
  if (shape < 1) return drawGamma(shape + 1, random) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(random);
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    const u = 1 - random();
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
