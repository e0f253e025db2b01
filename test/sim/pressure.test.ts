import { expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { SUPERVISOR_KIND } from "../../runtime/core/partition-supervisor.ts";
import { faultsOf } from "./faults.ts";
import { runSeed, settle } from "./runs.ts";
import type { Operation } from "./workload.ts";
import { World } from "./world.ts";

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 40);
/** A few records: reached in every outage. */
const BOUND = 1_500;

function waitingBytes(world: World): number {
  const all = Array.from({ length: world.partitions }, (_, partition) => world.node.slotOf(asPartition(partition)));
  return Math.max(...all.map((slot) => slot?.outputs?.waitingBytes ?? 0));
}

test(`${SEEDS} seeds with a bound that every outage reaches keep every promise, and come to rest when it ends`, () => {
  let shed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const settings = { unshippedBytesMax: BOUND };
    const world = runSeed({ seed, settings, faults: { ...faultsOf(seed), outage: 0.01 } });
    for (const { core } of world.node.shards) shed += core.load.asksShed;
  }
  expect(shed).toBeGreaterThan(0);
});

test("while nothing gets out, what waits stays within its bound and the groups under way, and nothing spins", () => {
  const peaks = [BOUND, 1_000_000_000].map((unshippedBytesMax) => {
    const settings = { unshippedBytesMax, groupEnvelopesMax: 1, groupsInFlightMax: 1, recordBytesMax: 2_000 };
    const world = new World({ seed: 7, operations: 400, settings });
    for (let step = 0; step < 300; step++) world.step();
    world.outage(60_000);
    let peak = 0;
    for (let step = 0; step < 6_000; step++) {
      world.step();
      peak = Math.max(peak, waitingBytes(world));
    }
    settle(world, `bound ${unshippedBytesMax}`);
    return peak;
  });
  const [bounded = 0, unbounded = 0] = peaks;
  expect(unbounded).toBeGreaterThan(4 * BOUND);
  expect(bounded).toBeLessThan(3 * BOUND);
});

test("timers that come due while nothing gets out fire when it does again, and not before", () => {
  const arms = Array.from({ length: 80 }, (_, number): Operation => {
    const payload = { op: `op${number}`, delayMs: 1_000, to: "t0" };
    return { op: payload.op, by: "ask", kind: "alarm", key: `x${number}`, type: "Arm", payload };
  });
  const settings = { unshippedBytesMax: 1, groupEnvelopesMax: 1, groupsInFlightMax: 1 };
  const world = new World({ seed: 3, programme: arms, settings });
  world.run();
  const partitions = Array.from({ length: world.partitions }, (_, number) => asPartition(number));
  const commits = (): number =>
    partitions.reduce((sum, one) => sum + (world.node.slotOf(one)?.core?.commitSeq ?? 0), 0);
  const before = commits();
  world.outage(60_000);
  for (let step = 0; step < 3_000 && world.clock.elapsedMs < 30_000; step++) world.step();
  // One record takes a partition above its bound; those that were under way are answered.
  const during = commits() - before;
  expect(during).toBeLessThanOrEqual(3 * world.partitions);
  // It comes to rest only when no timer is left.
  world.drain();
  expect(commits() - before).toBeGreaterThan(during);
});

test("asks above what a shard lets wait are refused at once; those that wait, and an operator's acts, are not", () => {
  const world = new World({ seed: 1, programme: [] });
  world.run(200);
  const partition = asPartition(0);
  const shard = world.node.shards[world.node.shardOf(partition)];
  const ask = (id: number, kind: string): void =>
    shard?.core.on({
      type: "ask",
      ask: { route: 0, id, partition, kind, key: "c0", type: "Read", payload: {}, deadlineMs: Infinity },
    });
  for (let step = 0; step < 500 && !world.node.isOpen(partition); step++) world.step();
  for (let id = 0; id < 100; id++) ask(id, "counter");
  expect(shard?.core.load).toMatchObject({ asksWaiting: 64, asksShed: 36 });
  ask(100, SUPERVISOR_KIND);
  expect(shard?.core.load).toMatchObject({ asksWaiting: 65, asksShed: 36 });
});
