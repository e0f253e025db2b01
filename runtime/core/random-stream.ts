import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { fnv1a32 } from "../../protocols/hash.ts";

/** The draws of one role in the decision of that seed: a new role shifts nobody's (D13). */
export const roleStream = (role: string, seed: string): (() => number) => randomStream(fnv1a32(role, fnv1a32(seed)));

/** A stream of draws from [0, 1) that depends on nothing but its seed (xoroshiro128+; Blackman and Vigna 2018). Seeded at the first draw. */
export function randomStream(seed: number): () => number {
  let generator: ReturnType<typeof xoroshiro128plus> | undefined;
  return () => {
    generator ??= xoroshiro128plus(seed | 0);
    return uniformFloat64(generator);
  };
}
