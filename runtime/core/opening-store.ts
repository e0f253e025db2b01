import { Fault } from "../../protocols/errors.ts";
import { decodeGroup, type StoredRecord } from "../../protocols/stored-group.ts";
import type { Opening, RecordStore } from "./ports.ts";
import { recordKey } from "./store-keys.ts";
import type { StoreRetention } from "./store-retention.ts";

type Retained = Opening["retained"];

/**
 * Reads back the records that the openings of one turn still have to ship or publish; each group value is read once however many
 * partitions are opened.
 * @returns for each opening its records in commit order, or the fault of the group that could not be read.
 */
export function readRetained(
  store: RecordStore,
  retention: StoreRetention,
  openings: readonly Opening[],
): Map<Opening, Retained | Fault> {
  const wanted = new Map<number, Opening[]>();
  for (const opening of openings)
    for (const sequence of retention.groupsAbove(opening.partition, deliveredSeq(opening))) {
      const readers = wanted.get(sequence);
      if (readers === undefined) wanted.set(sequence, [opening]);
      else readers.push(opening);
    }
  const found = new Map<Opening, { commitSeq: number; bytes: Uint8Array }[] | Fault>();
  for (const opening of openings) found.set(opening, []);
  for (const sequence of Array.from(wanted.keys()).sort((a, b) => a - b)) {
    const group = readGroup(store, sequence);
    for (const opening of wanted.get(sequence) ?? []) {
      const records = found.get(opening);
      if (group instanceof Fault) found.set(opening, group);
      else if (Array.isArray(records)) records.push(...recordsOf(group, opening));
    }
  }
  return found;
}

function readGroup(store: RecordStore, sequence: number): StoredRecord[] | Fault {
  const value = store.get("records", recordKey(sequence));
  if (value === undefined)
    return new Fault("RECORD_CORRUPT", `group ${sequence} is not in the file`, { details: { sequence } });
  try {
    return decodeGroup(value, sequence);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** Copies: a view would take its whole group along to the shard's thread. */
function recordsOf(group: readonly StoredRecord[], opening: Opening): Retained {
  return group
    .filter((record) => record.partition === opening.partition && record.commitSeq > deliveredSeq(opening))
    .map(({ commitSeq, bytes }) => ({ commitSeq, bytes: new Uint8Array(bytes) }));
}

function deliveredSeq(opening: Opening): number {
  return Math.min(opening.shipped, opening.published);
}
