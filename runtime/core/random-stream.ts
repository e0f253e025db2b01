import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A stream of draws from [0, 1) that depends on nothing but its seed (xoroshiro128+; Blackman and Vigna 2018). Seeded at the first draw. */
export function randomStream(seed: number): () => number {
  let generator: ReturnType<typeof xoroshiro128plus> | undefined;
  return () => {
    generator ??= xoroshiro128plus(seed | 0);
    return uniformFloat64(generator);
  };
}
