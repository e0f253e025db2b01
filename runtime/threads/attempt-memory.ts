import type { Attempt, AttemptLog } from "../core/attempt.ts";

const BYTES = 512;
/** Of the text behind the words: kind, key and name; longer ones are cut, which suffices to tell them apart. */
const TEXT_AT = 64;
const WORD = {
  form: 0,
  partition: 1,
  sequenceHigh: 2,
  sequenceLow: 3,
  index: 4,
  kindEnd: 5,
  keyEnd: 6,
  nameEnd: 7,
  beat: 8,
} as const;
const FORMS = [null, "mail", "ask", "timer"] as const;
const HALF = 2 ** 31;

/**
 * What a shard is running, in memory that it shares with the daemon and that outlives it (D11). One thread writes. Costs some ten
 * nanoseconds for mail and sixty for asks and timers (measured). M1: the form is written last and cleared first.
 */
export class AttemptMemory implements AttemptLog {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #text: Buffer;

  /** @param buffer from another thread's `AttemptMemory`; default: new. */
  constructor(buffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, TEXT_AT / 4);
    this.#text = Buffer.from(buffer, TEXT_AT, BYTES - TEXT_AT);
  }

  mail(partition: number, sequence: number, index: number): void {
    const words = this.#words;
    this.#place(partition, sequence, index);
    words[WORD.nameEnd] = words[WORD.keyEnd] = words[WORD.kindEnd] = 0;
    words[WORD.form] = 1;
  }

  ask(partition: number, kind: string, key: string, type: string): void {
    this.#place(partition, 0, 0);
    this.#actor(kind, key, type);
    this.#words[WORD.form] = 2;
  }

  timer(partition: number, kind: string, key: string, name: string, dueMs: number, index: number): void {
    this.#place(partition, dueMs, index);
    this.#actor(kind, key, name);
    this.#words[WORD.form] = 3;
  }

  done(): void {
    this.#words[WORD.form] = 0;
  }

  /** The thread lives: its event loop turned. */
  beat(): void {
    Atomics.add(this.#words, WORD.beat, 1);
  }

  /** How often it turned; 0 = it has not begun. */
  get beats(): number {
    return Atomics.load(this.#words, WORD.beat);
  }

  /** What was being run; null = nothing. Whole only when the writer is dead, or hangs in it. */
  read(): Attempt | null {
    const words = Int32Array.from(this.#words);
    const at = (word: number): number => words[word] ?? 0;
    const of = FORMS[at(WORD.form)] ?? null;
    if (of === null) return null;
    const text = (from: number, to: number): string => this.#text.toString("latin1", from, to);
    return {
      partition: at(WORD.partition),
      of,
      sequence: at(WORD.sequenceHigh) * HALF + at(WORD.sequenceLow),
      index: at(WORD.index),
      kind: text(0, at(WORD.kindEnd)),
      key: text(at(WORD.kindEnd), at(WORD.keyEnd)),
      name: text(at(WORD.keyEnd), at(WORD.nameEnd)),
    };
  }

  #place(partition: number, sequence: number, index: number): void {
    const words = this.#words;
    words[WORD.form] = 0;
    words[WORD.partition] = partition;
    const high = sequence < HALF ? 0 : Math.floor(sequence / HALF);
    words[WORD.sequenceHigh] = high;
    words[WORD.sequenceLow] = sequence - high * HALF;
    words[WORD.index] = index;
  }

  #actor(kind: string, key: string, name: string): void {
    const words = this.#words;
    const kindEnd = this.#text.write(kind, 0, "latin1");
    const keyEnd = kindEnd + this.#text.write(key, kindEnd, "latin1");
    words[WORD.kindEnd] = kindEnd;
    words[WORD.keyEnd] = keyEnd;
    words[WORD.nameEnd] = keyEnd + this.#text.write(name, keyEnd, "latin1");
  }
}
