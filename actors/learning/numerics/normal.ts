/** Uniform draws from [0, 1); the caller's seeded stream, so that one seed replays a learner. */
export type Uniform = () => number;

/** One standard normal draw (Box and Muller 1958, the cosine half: a draw costs two uniforms and keeps no state). */
export function drawNormal(random: Uniform): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * The standard normal distribution function (Abramowitz and Stegun 7.1.26 for erf; absolute error below 1.5e-7).
 * @returns a probability in [0, 1].
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-z * z);
  return x >= 0 ? 1 - tail : tail;
}
