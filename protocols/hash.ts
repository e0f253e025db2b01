const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a over the UTF-16 code units of ids, which are ASCII: equal to the 32-bit FNV-1a that nats-server's `partition(N,1)` uses
 * (facts/nats.md, 0 of 2001 mismatches).
 * @returns an unsigned 32-bit integer.
 */
export function fnv1a32(text: string, seed: number = FNV_OFFSET): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, FNV_PRIME);
  }
  return hash >>> 0;
}

/** Murmur3's finaliser: spreads every input bit over all 32 output bits (Appleby, MurmurHash3, public domain). */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Folds a list of numbers below 2^53 into 32 bits; the same numbers in another order give another hash. */
export function hashNumbers(...values: number[]): number {
  let hash = FNV_OFFSET;
  for (const value of values) {
    hash = mix32(hash ^ (value >>> 0));
    hash = mix32(hash ^ Math.floor(value / 2 ** 32));
  }
  return hash >>> 0;
}
