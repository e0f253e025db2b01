/** Uniform draws from [0, 1); the caller's seeded stream, so that one seed replays a learner. */
export type Uniform = () => number;

/** One standard normal draw (Box and Muller 1958, the cosine half: a draw costs two uniforms and keeps no state). */
export function drawNormal(random: Uniform): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
