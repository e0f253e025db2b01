import fc from "fast-check";
import { expect, test } from "vitest";
import type { Partition } from "../../protocols/ids.ts";
import { decodePartitionMeta } from "../../protocols/partition-meta.ts";
import { decodeGroup } from "../../protocols/stored-group.ts";
import type { Sent } from "../../runtime/core/committer.ts";
import type { Opening, PartitionRecord } from "../../runtime/core/ports.ts";
import { decodeRecordKey, partitionKey } from "../../runtime/core/store-keys.ts";
import { type FailurePoint, MemoryStore } from "../support/memory-store.ts";
import { partitionRecord } from "../support/records.ts";
import { type Change, Owner } from "../support/store-owner.ts";
import { StoreRig } from "../support/store-rig.ts";

/*
 * Random histories of groups, folds, progress, openings and crashes over the committer, against a reference that only keeps lists.
 */

const PARTITIONS = 3;
const EVERY = new Uint8Array(9).fill(0xff);

type Step =
  | { readonly do: "group"; readonly changes: readonly Change[] }
  | { readonly do: "stray"; readonly partition: number; readonly by: number }
  | { readonly do: "progress"; readonly partition: number; readonly shipped: number; readonly published: number }
  | { readonly do: "open"; readonly partition: number }
  | { readonly do: "turn"; readonly advanceMs: number }
  | { readonly do: "fail"; readonly at: number; readonly point: FailurePoint }
  | { readonly do: "crash" };

const partition = fc.nat({ max: PARTITIONS - 1 });
const change = fc.record({ partition, key: fc.nat({ max: 3 }), value: fc.nat({ max: 9 }), timer: fc.nat({ max: 3 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("group"), changes: fc.array(change, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stray"), partition, by: fc.integer({ min: -2, max: 2 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("progress"),
      partition,
      shipped: fc.nat({ max: 3 }),
      published: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("open"), partition }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("turn"), advanceMs: fc.constantFrom(0, 0, 5, 30, 200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("fail"),
      at: fc.integer({ min: 1, max: 4 }),
      point: fc.constantFrom<FailurePoint>("before", "after"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash") }) },
);

class History {
  readonly store = new MemoryStore();
  readonly rig = new StoreRig(this.store, {
    unfoldedBytesMax: 2_000,
    foldAfterMs: 100,
    idleMs: 20,
    busyMs: 2,
    slicePuts: 2,
    slicePutsMax: 5,
  });
  readonly owners = Array.from({ length: PARTITIONS }, (_, id) => new Owner(id));
  readonly waiting = new Map<number, PartitionRecord[]>();
  readonly opening = new Map<number, Owner>();
  requests = 0;

  run(steps: readonly Step[]): void {
    for (const owner of this.owners) this.open(owner);
    this.turn();
    for (const one of steps) this.step(one);
    this.rest();
    this.restart();
    for (const owner of this.owners) this.deliver(owner, Infinity, Infinity);
    this.rig.finish();
    expect(this.store.scan("records", Uint8Array.of(0), EVERY, Infinity)).toEqual([]);
  }

  /** Time passes and no message comes: everything gets folded by itself. */
  rest(): void {
    for (let turns = 0; this.rig.committer.dueInMs() !== null; turns++) {
      expect(turns).toBeLessThan(2_000);
      this.rig.clock.advance(this.rig.committer.dueInMs() ?? 0);
      this.turn();
    }
    expect(this.rig.committer.figures.unfoldedBytes).toBe(0);
  }

  step(one: Step): void {
    const owner = "partition" in one ? this.owner(one.partition) : null;
    if (one.do === "group") this.group(one.changes);
    if (one.do === "stray" && owner !== null) this.stray(owner, one.by);
    if (one.do === "progress" && owner !== null) this.deliver(owner, one.shipped, one.published);
    if (one.do === "open" && owner !== null) this.open(owner);
    if (one.do === "fail") this.store.failAt(one.at, one.point);
    if (one.do === "crash") this.restart();
    if (one.do === "turn") {
      this.rig.clock.advance(one.advanceMs);
      this.turn();
    }
  }

  owner(id: number): Owner {
    const owner = this.owners[id];
    if (owner === undefined) throw new Error(`no partition ${id}`);
    return owner;
  }

  group(changes: readonly Change[]): void {
    const touched = this.owners.filter(({ id }) => changes.some((c) => c.partition === id) && !this.isOpening(id));
    const records = touched.map((owner) => owner.record(changes.filter((c) => c.partition === owner.id)));
    this.send(records);
  }

  /** A record that does not follow: the store ends the incarnation. */
  stray(owner: Owner, by: number): void {
    if (by === 0 || this.isOpening(owner.id)) return;
    this.send([partitionRecord(owner.id, owner.incarnation, owner.sent.length + 1 + by)]);
    owner.ended = true;
  }

  send(records: PartitionRecord[]): void {
    const group = ++this.requests;
    this.waiting.set(group, records);
    this.rig.commit(group, records);
  }

  deliver(owner: Owner, shipped: number, published: number): void {
    owner.shipped = Math.min(owner.acknowledged, owner.shipped + shipped);
    owner.published = Math.min(owner.acknowledged, owner.published + published);
    this.rig.progress(owner.id, owner.incarnation, owner.shipped, owner.published);
  }

  open(owner: Owner): void {
    if (this.isOpening(owner.id)) return;
    const request = ++this.requests;
    this.opening.set(request, owner);
    this.rig.committer.receive(0, { type: "open", request, partition: owner.id });
  }

  isOpening(id: Partition): boolean {
    return Array.from(this.opening.values()).some((owner) => owner.id === id);
  }

  turn(): void {
    let sent: Sent[];
    try {
      sent = this.rig.turn();
    } catch {
      return this.restart();
    }
    for (const { message } of sent) {
      if (message.type === "committed") this.committed(message.group, message.refused);
      if (message.type === "opened") this.opened(message.request, message.opening, true);
      if (message.type === "open-failed") throw new Error(`opening failed: ${message.fault.message}`);
      if (message.type === "folded") for (const f of message.folded) this.checkFoldedRow(f.partition, f.commitSeq);
    }
    this.checkNothingDeletedEarly();
  }

  committed(group: number, refused: readonly { readonly partition: Partition }[]): void {
    for (const record of this.waiting.get(group) ?? []) {
      const owner = this.owner(record.partition);
      const follows = owner.sent.some((row) => row.record === record);
      expect(refused.some(({ partition: p }) => p === record.partition)).toBe(!follows);
      if (follows) owner.acknowledged = Math.max(owner.acknowledged, record.commitSeq);
    }
    this.waiting.delete(group);
  }

  /** A new process over the same file: what was sent and not acknowledged may be there or not, what was acknowledged is. */
  restart(): void {
    this.store.crash();
    this.waiting.clear();
    this.opening.clear();
    this.rig.restart();
    for (const owner of this.owners) {
      this.open(owner);
      const request = this.requests;
      const [answer] = this.rig.turn();
      if (answer?.message.type !== "opened") throw new Error(`expected an opening, not ${answer?.message.type}`);
      this.opened(request, answer.message.opening, false);
    }
  }

  opened(request: number, opening: Opening, alive: boolean): void {
    const owner = this.opening.get(request);
    if (owner === undefined) throw new Error(`unasked opening ${request}`);
    this.opening.delete(request);
    expect(opening.incarnation).toBeGreaterThan(owner.incarnation);
    expect(opening.commitSeq).toBeGreaterThanOrEqual(owner.acknowledged);
    if (alive) expect(opening.commitSeq).toBe(owner.sent.length);
    expect(opening.commitSeq).toBeLessThanOrEqual(owner.sent.length);
    owner.sent = owner.sent.slice(0, opening.commitSeq);
    owner.acknowledged = opening.commitSeq;
    owner.incarnation = opening.incarnation;
    owner.ended = false;
    this.checkOpening(owner, opening);
    this.checkState(owner, opening);
  }

  checkOpening(owner: Owner, opening: Opening): void {
    expect(opening.shipped).toBeLessThanOrEqual(owner.shipped);
    expect(opening.published).toBeLessThanOrEqual(owner.published);
    expect(opening.nowMs).toBe(owner.sent.length);
    expect(opening.sent).toEqual(owner.sent.length === 0 ? [] : [[0, owner.sent.length]]);
    const delivered = Math.min(opening.shipped, opening.published);
    const expected = owner.sent.slice(delivered).map(({ record }) => [record.commitSeq, Buffer.from(record.bytes)]);
    expect(opening.retained.map((r) => [r.commitSeq, Buffer.from(r.bytes)])).toEqual(expected);
  }

  checkState(owner: Owner, opening: Opening): void {
    const reader = this.store.reader();
    const { generation } = opening;
    const keys = reader.keys(owner.id, generation, "counter", "", 100);
    const state = keys.map((key) => [key, reader.read(owner.id, generation, "counter", key, "")?.[0]] as const);
    const timers = reader.timers(owner.id, generation, 0, 10, 100).map(({ dueMs, key }) => `${dueMs}/${key}`);
    expect({ state: Object.fromEntries(state), timers: timers.sort() }).toEqual(owner.folded());
    reader.close();
  }

  checkFoldedRow(id: Partition, commitSeq: number): void {
    const row = this.store.get("partitions", partitionKey(id));
    expect(row && decodePartitionMeta(row, id).commitSeq).toBe(commitSeq);
  }

  /** Invariant C3: what is acknowledged and not folded, shipped and published is in the file, whatever else happened. */
  checkNothingDeletedEarly(): void {
    const kept = new Set<string>();
    for (const { key, value } of this.store.scan("records", Uint8Array.of(0), EVERY, Infinity))
      for (const r of decodeGroup(value, decodeRecordKey(key))) kept.add(`${r.partition}/${r.commitSeq}`);
    for (const { id, acknowledged, shipped, published } of this.owners) {
      const row = this.store.get("partitions", partitionKey(id));
      const meta = row && decodePartitionMeta(row, id);
      const folded = meta?.commitSeq ?? 0;
      for (let seq = Math.min(folded, shipped, published) + 1; seq <= acknowledged; seq++)
        expect(kept).toContain(`${id}/${seq}`);
    }
  }
}

test("after any history of groups, folds, progress, openings and crashes the file equals the reference, and nothing acknowledged is lost", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      new History().run(steps);
    }),
    { numRuns: 400 },
  );
});
