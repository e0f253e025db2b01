import { DEAD_LETTER_KIND } from "./dead-letter.ts";
import type { RowWriter } from "./suspensions.ts";

/** Dead letters a partition keeps as rows; the oldest leaves for a new one, and only its copy in `CHORUS_DLQ` stays. */
export const DEAD_LETTERS_MAX = 1_000;

/** The rows of one partition's dead letters, oldest first. L1: there are never more than the bound, and what left is counted. */
export class DeadLetters {
  readonly #ids: Set<string>;
  dropped = 0;

  /** @param ids as stored. */
  constructor(ids: readonly string[]) {
    this.#ids = new Set([...ids].sort((one, other) => compare(placeOf(one), placeOf(other))));
  }

  get size(): number {
    return this.#ids.size;
  }

  get ids(): Iterable<string> {
    return this.#ids;
  }

  /** @returns the one that had to leave. */
  add(id: string, writer: RowWriter): string | undefined {
    this.#ids.add(id);
    if (this.#ids.size <= DEAD_LETTERS_MAX) return undefined;
    const [oldest] = this.#ids;
    if (oldest === undefined) return undefined;
    this.remove(oldest, writer);
    this.dropped++;
    return oldest;
  }

  remove(id: string, writer: RowWriter): void {
    this.#ids.delete(id);
    writer.row({ kind: DEAD_LETTER_KIND, key: id, part: "", bytes: null });
  }
}

/** Commit and place in it. */
function placeOf(id: string): readonly [number, number] {
  const [commitSeq = "0", index = "0"] = id.split("-");
  return [Number(commitSeq), Number(index)];
}

function compare(one: readonly [number, number], other: readonly [number, number]): number {
  return one[0] - other[0] || one[1] - other[1];
}
