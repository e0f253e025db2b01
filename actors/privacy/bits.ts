/**
 * Characters of the longest consent string that is read; more counts as malformed. A TCF string of today has some hundred to two thousand;
 * the bound keeps small what a stranger's string costs, whatever is in it (bench/micro/consent.bench.ts).
 */
export const CONSENT_CHARS_MAX = 8_192;

/** Padding is not part of either format, but some CMPs leave it on. */
const BASE64URL = /^[\w-]*={0,3}$/;

/** Wherever they begin, as many bits touch no more than five characters. */
const SHORT_BITS_MAX = 24;

/** The 6 bits of each base64url character. */
const SIX_BITS = sixBits();

function sixBits(): Uint8Array {
  const table = new Uint8Array(128);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let index = 0; index < 64; index += 1) table[alphabet.charCodeAt(index)] = index;
  return table;
}

/**
 * Reads numbers out of a base64url string at any bit, without decoding the rest: a consent string of 500 characters is asked for
 * some 30 bits (privacy.md). Bits go from the highest down, as in TCF and GPP. A text with a character of another alphabet, also
 * where nobody looks, is malformed from the start, as for the official libraries; past the end it reads 0 and is malformed from then
 * on: readers run to their end and look once.
 */
export class Bits {
  private readonly text: string;
  /** Reading goes on from here. */
  position = 0;
  private broken: boolean;

  constructor(text: string) {
    this.broken = !BASE64URL.test(text);
    this.text = text.endsWith("=") ? text.slice(0, text.indexOf("=")) : text;
  }

  get malformed(): boolean {
    return this.broken;
  }

  /** Says that what was read makes no sense. */
  reject(): void {
    this.broken = true;
  }

  /** The number of `count` bits (1 to 36) at `offset`. */
  at(offset: number, count: number): number {
    const end = offset + count;
    if (this.broken || end > this.text.length * 6) return this.break();
    // Shifts end at 32 bits, and five characters are 30.
    if (count > SHORT_BITS_MAX) return this.at(offset, count - 18) * 2 ** 18 + this.at(end - 18, 18);
    const last = Math.floor((end - 1) / 6);
    let value = 0;
    for (let index = Math.floor(offset / 6); index <= last; index += 1) {
      value = (value << 6) | (SIX_BITS[this.text.charCodeAt(index)] ?? 0);
    }
    return (value >> ((last + 1) * 6 - end)) & ((1 << count) - 1);
  }

  next(count: number): number {
    const value = this.at(this.position, count);
    this.position += count;
    return value;
  }

  skip(count: number): void {
    this.position += count;
    if (this.position > this.text.length * 6) this.reject();
  }

  /** A Fibonacci-coded integer, as in the header of GPP: bits weigh 1, 2, 3, 5, 8, … and end at the first "11". */
  nextFibonacci(): number {
    let weight = 1;
    let following = 2;
    let value = 0;
    let last = 0;
    // 30 bits reach 1.3 million; no section id comes near.
    for (let count = 0; count < 30; count += 1) {
      const bit = this.next(1);
      if (bit === 1 && last === 1) return value;
      if (bit === 1) value += weight;
      [weight, following] = [following, weight + following];
      last = bit;
    }
    return this.break();
  }

  private break(): 0 {
    this.broken = true;
    return 0;
  }
}
