import type { CommitRecord } from "../../protocols/commit-record.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import type { PartitionRecord } from "../../runtime/core/ports.ts";
import { partitionRecord } from "./records.ts";

const KEYS = ["a", "b", "c", "d"];

export interface Change {
  readonly partition: number;
  /** 0 to 3. */
  readonly key: number;
  /** 0 deletes. */
  readonly value: number;
  readonly timer: number;
}

interface Row {
  readonly record: PartitionRecord;
  readonly fields: Partial<CommitRecord>;
}

/** What a partition's owner knows: every record it sent and the store did not refuse, and how far it delivered them. */
export class Owner {
  readonly id: Partition;
  incarnation = 0;
  sent: Row[] = [];
  acknowledged = 0;
  shipped = 0;
  published = 0;
  /** The store was sent a record that it must refuse: nothing after it may be admitted. */
  ended = false;

  constructor(id: number) {
    this.id = asPartition(id);
  }

  record(changes: readonly Change[]): PartitionRecord {
    const commitSeq = this.sent.length + 1;
    const fields: Partial<CommitRecord> = {
      states: changes.map(({ key, value }) => ({
        kind: "counter",
        key: KEYS[key] ?? "",
        part: "",
        bytes: value === 0 ? null : Uint8Array.of(value),
      })),
      timers: changes.map(({ key, value, timer }) => ({
        dueMs: timer,
        kind: "counter",
        key: KEYS[key] ?? "",
        name: "t",
        set: value % 2 === 1,
      })),
      sent: [[asPartition(0), commitSeq]],
      published: this.published,
      nowMs: commitSeq,
    };
    const record = partitionRecord(this.id, this.incarnation, commitSeq, fields);
    if (!this.ended) this.sent.push({ record, fields });
    return record;
  }

  /** State and timers after all records, by last write. */
  folded(): { state: Record<string, number>; timers: string[] } {
    const state: Record<string, number> = {};
    const timers = new Set<string>();
    for (const { fields } of this.sent) {
      for (const { key, bytes } of fields.states ?? [])
        if (bytes === null) delete state[key];
        else state[key] = bytes[0] ?? 0;
      for (const { dueMs, key, set } of fields.timers ?? [])
        if (set) timers.add(`${dueMs}/${key}`);
        else timers.delete(`${dueMs}/${key}`);
    }
    return { state, timers: Array.from(timers).sort() };
  }
}
