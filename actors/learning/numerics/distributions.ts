import { chdtrc, compiled, incbet, incbi, ndtr, ndtri } from "cephes";

/*
 * Distributions for tests and intervals. The numbers come from Cephes (Moshier, "Methods and Programs for Mathematical Functions", 1989),
 * the library behind SciPy's own, as WebAssembly, so that every machine gets the same bits. test/fixtures/scipy-distributions.json
 * holds SciPy's values for them.
 */

// Compiling is asynchronous in the package's module form; it reads no file and waits for no clock.
await compiled;

/** P(Z ≤ z) for a standard normal Z. */
export function normalCdf(z: number): number {
  return ndtr(z);
}

/** The z with P(Z ≤ z) = `probability`, for a probability from (0, 1); ±Infinity at 0 and 1. */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return -Infinity;
  if (probability >= 1) return Infinity;
  return ndtri(probability);
}

/** P(|Z| ≥ |z|) for a standard normal Z: the two-sided p-value of a z statistic. */
export function normalTwoSided(z: number): number {
  return 2 * ndtr(-Math.abs(z));
}

/**
 * P(|T| ≥ |t|) for Student's t: the two-sided p-value, by the incomplete beta function (Abramowitz and Stegun 26.7.1).
 * @param degrees of freedom, above 0; need not be whole.
 */
export function studentTwoSided(t: number, degrees: number): number {
  if (t === 0) return 1;
  return incbet(degrees / 2, 0.5, degrees / (degrees + t * t));
}

/**
 * The t ≥ 0 with P(|T| ≥ t) = `alpha`: the factor of a two-sided interval of confidence 1 − alpha.
 * @param alpha from (0, 1).
 * @param degrees of freedom, above 0.
 */
export function studentCritical(alpha: number, degrees: number): number {
  const ratio = incbi(degrees / 2, 0.5, alpha);
  return Math.sqrt(degrees * (1 / ratio - 1));
}

/** P(X ≥ statistic) for a chi-square X with that many degrees of freedom. */
export function chiSquareTail(statistic: number, degrees: number): number {
  return statistic <= 0 ? 1 : chdtrc(degrees, statistic);
}
