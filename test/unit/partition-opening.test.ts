import { expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { PartitionOpening } from "../../runtime/core/partition-opening.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("a log that cannot be read is asked again after a while, not at once", () => {
  const clock = new ManualClock();
  const opening = new PartitionOpening({ partition: asPartition(0), clock, paceMs: 10, bytesMax: 1_000 });
  const empty = { received: [], sent: [], retained: [], position: null, epoch: 0, commitSeq: 0, nowMs: 0 };
  const counters = { incarnation: 1, generation: 1, shipped: 0, published: 0 };
  expect(opening.opened({ partition: asPartition(0), ...empty, ...counters })).toEqual({ type: "read-tail" });

  expect(opening.tailRead(null)).toBeNull();
  expect(opening.poll()).toBeNull();
  clock.advance(opening.wakeAtMs() - clock.monotonicMs());
  expect(opening.poll()).toEqual({ type: "read-tail" });
  expect(opening.poll()).toBeNull();

  expect(opening.tailRead({ sequence: 0, epoch: 0, last: 0 })).toMatchObject({ type: "append", rows: [], epoch: 1 });
});
