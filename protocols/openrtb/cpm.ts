import type { Micros } from "../quantities.ts";

/**
 * A CPM of the wire in micros, rounded up, so that a floor is never undercut. The tolerance swallows what binary fractions add
 * (1.1 × 1e6 is a hair above 1,100,000). Above what a safe integer holds it stays at that bound, which no bid reaches.
 */
export function floorMicros(cpm: number): Micros {
  if (cpm <= 0) return 0;
  return Math.min(Math.ceil(cpm * 1e6 - 1e-4), Number.MAX_SAFE_INTEGER);
}

/** Micros as the decimal CPM of the wire. */
export function cpmOf(micros: Micros): number {
  return micros / 1e6;
}
