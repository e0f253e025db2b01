import { fnv1a32, mix32 } from "../../protocols/hash.ts";

/** A number from [0, 1) that depends on its names only, so that one more draw elsewhere shifts none (D13). */
export function draw(seed: string, purpose: string, about: string): number {
  return mix32(fnv1a32(`${seed}/${purpose}/${about}`)) / 2 ** 32;
}

/** The position that a draw falls on, by chances that add up to 1; a chance of 0 is never chosen. */
export function pick(chances: readonly number[], drawn: number): number {
  let left = drawn;
  let last = 0;
  for (let position = 0; position < chances.length; position++) {
    const chance = chances[position] ?? 0;
    if (chance <= 0) continue;
    last = position;
    if (left < chance) return position;
    left -= chance;
  }
  return last;
}
