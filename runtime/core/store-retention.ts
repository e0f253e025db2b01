import type { Partition } from "../../protocols/ids.ts";
import type { StorePartition } from "./store-partition.ts";

/** A group value in the file. It goes when every record in it is folded, shipped and published (D2). */
export interface KeptGroup {
  readonly sequence: number;
  readonly members: readonly KeptRecord[];
}

export interface KeptRecord {
  readonly partition: StorePartition;
  readonly commitSeq: number;
}

interface Kept extends KeptGroup {
  unsettled: number;
}

/** A partition's records in commit order; those before `first` are settled. */
interface Line {
  first: number;
  entries: { readonly commitSeq: number; readonly group: Kept }[];
}

/** Knows which group values the file holds and which of them may go; never the bytes. */
export class StoreRetention {
  readonly #lines = new Map<Partition, Line>();
  #done: KeptGroup[] = [];
  #groups = 0;

  /** Group values in the file. */
  get groups(): number {
    return this.#groups;
  }

  /** Group values that may be deleted. */
  get done(): number {
    return this.#done.length;
  }

  /** A group value was written; call `settle` for its partitions when their watermarks move. */
  add(sequence: number, members: readonly KeptRecord[]): void {
    const group: Kept = { sequence, members, unsettled: members.length };
    this.#groups++;
    for (const { partition, commitSeq } of members) {
      let line = this.#lines.get(partition.id);
      if (line === undefined) this.#lines.set(partition.id, (line = { first: 0, entries: [] }));
      line.entries.push({ commitSeq, group });
    }
  }

  /** A partition was folded, shipped or published further. */
  settle(partition: StorePartition): void {
    const line = this.#lines.get(partition.id);
    if (line === undefined) return;
    let entry = line.entries[line.first];
    while (entry !== undefined && entry.commitSeq <= partition.settledSeq) {
      if (--entry.group.unsettled === 0) this.#done.push(entry.group);
      entry = line.entries[++line.first];
    }
    if (line.first * 2 < line.entries.length) return;
    line.entries = line.entries.slice(line.first);
    line.first = 0;
  }

  /** Takes out at most `limit` groups to be deleted. */
  takeDone(limit: number): KeptGroup[] {
    const taken = this.#done.splice(0, limit);
    this.#groups -= taken.length;
    return taken;
  }

  /** Sequences of the groups that hold a partition's records above `commitSeq`, in order. */
  groupsAbove(partition: Partition, commitSeq: number): number[] {
    const line = this.#lines.get(partition);
    if (line === undefined) return [];
    const sequences: number[] = [];
    for (let index = line.first; index < line.entries.length; index++) {
      const entry = line.entries[index];
      if (entry !== undefined && entry.commitSeq > commitSeq && sequences.at(-1) !== entry.group.sequence)
        sequences.push(entry.group.sequence);
    }
    return sequences;
  }
}
