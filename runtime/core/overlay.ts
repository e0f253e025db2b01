import type { StateChange } from "../../protocols/commit-record.ts";

/**
 * State parts of one partition that were sent to the store and are not yet folded (D8): reads go here first, then to LMDB.
 * O1: an entry leaves only when the store said that its record is folded, and then the reader is refreshed before its next read.
 */
export class Overlay {
  readonly #entries = new Map<string, { bytes: Uint8Array | null; commitSeq: number }>();
  readonly #order: { key: string; commitSeq: number }[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns undefined when nothing newer than LMDB is known, null for a deleted part. */
  get(kind: string, key: string, part: string): Uint8Array | null | undefined {
    return this.#entries.get(overlayKey(kind, key, part))?.bytes;
  }

  put(change: StateChange, commitSeq: number): void {
    const key = overlayKey(change.kind, change.key, change.part);
    this.#bytes += (change.bytes?.byteLength ?? 0) - (this.#entries.get(key)?.bytes?.byteLength ?? 0);
    this.#entries.set(key, { bytes: change.bytes, commitSeq });
    this.#order.push({ key, commitSeq });
  }

  /** Forgets what LMDB has by now. */
  folded(commitSeq: number): void {
    while (this.#head < this.#order.length) {
      const next = this.#order[this.#head];
      if (next === undefined || next.commitSeq > commitSeq) break;
      this.#head++;
      const entry = this.#entries.get(next.key);
      if (entry !== undefined && entry.commitSeq <= commitSeq) {
        this.#bytes -= entry.bytes?.byteLength ?? 0;
        this.#entries.delete(next.key);
      }
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#order.length) {
      this.#order.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Applies what is newer to a sorted list of part names read from LMDB. */
  mergeParts(kind: string, key: string, prefix: string, stored: readonly string[]): string[] {
    return this.#merge(overlayKey(kind, key, prefix), overlayKey(kind, key, ""), stored);
  }

  /** Applies what is newer to a sorted list of keys of a kind; a key stays listed while any of its parts is left in LMDB. */
  newKeys(kind: string): string[] {
    const start = `${kind}\u0000`;
    const keys = new Set<string>();
    for (const [entryKey, entry] of this.#entries) {
      if (entry.bytes === null || !entryKey.startsWith(start)) continue;
      keys.add(entryKey.slice(start.length, entryKey.indexOf("\u0000", start.length)));
    }
    return [...keys].sort();
  }

  #merge(start: string, cut: string, stored: readonly string[]): string[] {
    const names = new Set(stored);
    for (const [entryKey, entry] of this.#entries) {
      if (!entryKey.startsWith(start)) continue;
      const name = entryKey.slice(cut.length);
      if (entry.bytes === null) names.delete(name);
      else names.add(name);
    }
    return [...names].sort();
  }
}

function overlayKey(kind: string, key: string, part: string): string {
  return `${kind}\u0000${key}\u0000${part}`;
}
