import { hashNumbers } from "../../../protocols/hash.ts";
import { randomStream } from "../../../runtime/core/random-stream.ts";
import { drawNormal, type Uniform } from "../../../actors/learning/numerics/normal.ts";

/** A stream that depends on a seed and the purposes it is for; two policies that meet the same purpose meet the same world. */
export const streamFor = (seed: number, ...purpose: number[]): Uniform => randomStream(hashNumbers(seed, ...purpose));

/** A draw with median 1 and the given standard deviation of its logarithm. */
export const drawLognormal = (sd: number, random: Uniform): number => Math.exp(sd * drawNormal(random));
