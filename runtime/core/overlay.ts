import type { StateChange } from "../../protocols/commit-record.ts";

interface Entry {
  readonly name: string;
  bytes: Uint8Array | null;
  readonly commitSeq: number;
  /** Those of its kind. */
  readonly entries: Map<string, Entry>;
}

/**
 * State parts of one partition that were sent to the store and are not yet folded (D8): reads go here first, then to LMDB.
 * O1: an entry leaves only when the store said that its record is folded, and then the reader is refreshed before its next read.
 */
export class Overlay {
  /** By kind, then key and part. */
  readonly #kinds = new Map<string, Map<string, Entry>>();
  readonly #order: Entry[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns undefined when nothing newer than LMDB is known, null for a deleted part. */
  get(kind: string, key: string, part: string): Uint8Array | null | undefined {
    return this.#kinds.get(kind)?.get(nameOf(key, part))?.bytes;
  }

  put(change: StateChange, commitSeq: number): void {
    let entries = this.#kinds.get(change.kind);
    if (entries === undefined) this.#kinds.set(change.kind, (entries = new Map<string, Entry>()));
    const name = nameOf(change.key, change.part);
    const older = entries.get(name);
    this.#bytes += (change.bytes?.byteLength ?? 0) - (older?.bytes?.byteLength ?? 0);
    // It stays in the order until it is folded, but nobody reads it any more.
    if (older !== undefined) older.bytes = null;
    const entry: Entry = { name, bytes: change.bytes, commitSeq, entries };
    entries.set(name, entry);
    this.#order.push(entry);
  }

  /** Forgets what LMDB has by now. */
  folded(commitSeq: number): void {
    while (this.#head < this.#order.length) {
      const next = this.#order[this.#head];
      if (next === undefined || next.commitSeq > commitSeq) break;
      this.#head++;
      // A newer one has taken its place already.
      if (next.entries.get(next.name) !== next) continue;
      this.#bytes -= next.bytes?.byteLength ?? 0;
      next.entries.delete(next.name);
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#order.length) {
      this.#order.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Applies what is newer to a sorted list of part names read from LMDB. */
  mergeParts(kind: string, key: string, prefix: string, stored: readonly string[]): string[] {
    const names = new Set(stored);
    for (const [name, entry] of this.#kinds.get(kind) ?? []) {
      const part = partOf(name, key);
      if (part?.startsWith(prefix) !== true) continue;
      if (entry.bytes === null) names.delete(part);
      else names.add(part);
    }
    return [...names].sort();
  }

  /** Keys of a kind that have a part here, sorted. */
  newKeys(kind: string): string[] {
    const keys = new Set<string>();
    for (const [name, entry] of this.#kinds.get(kind) ?? []) {
      if (entry.bytes !== null) keys.add(name.split(SEPARATOR, 1)[0] ?? "");
    }
    return [...keys].sort();
  }
}

/** Not part of a key or a part's name. */
const SEPARATOR = "\u0000";

/** The one part of an actor with one value goes by the key alone: no name has to be put together for it. */
function nameOf(key: string, part: string): string {
  return part === "" ? key : `${key}${SEPARATOR}${part}`;
}

/** The part's name in a name of `nameOf`; undefined when that is of another key. */
function partOf(name: string, key: string): string | undefined {
  if (name === key) return "";
  return name.startsWith(key) && name[key.length] === SEPARATOR ? name.slice(key.length + 1) : undefined;
}
