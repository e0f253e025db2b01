import type { BitmapWords } from "../../protocols/catalog-index.ts";

/** Bitmaps as plain arrays of signed 32-bit words: small integers, so that they cross as msgpack and stay fast to read. */

const WORD_BITS = 32;

export function emptyWords(size: number): number[] {
  return new Array<number>(Math.ceil(size / WORD_BITS)).fill(0);
}

export function setBit(words: number[], position: number): void {
  const at = position >>> 5;
  words[at] = (words[at] ?? 0) | (1 << (position & 31));
}

export function hasBit(words: BitmapWords, position: number): boolean {
  return ((words[position >>> 5] ?? 0) & (1 << (position & 31))) !== 0;
}

export function countBits(words: BitmapWords): number {
  let count = 0;
  for (let word of words) {
    for (; word !== 0; word &= word - 1) count += 1;
  }
  return count;
}

/** The first position from `from` on whose bit is set, or -1. */
export function nextBit(words: BitmapWords, from: number): number {
  let at = from >>> 5;
  let word = (words[at] ?? 0) & (-1 << (from & 31));
  while (word === 0) {
    at += 1;
    if (at >= words.length) return -1;
    word = words[at] ?? 0;
  }
  return (at << 5) + (31 - Math.clz32(word & -word));
}
