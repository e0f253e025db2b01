import { expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { SUPERVISOR_KIND, type SupervisorAct } from "../../runtime/core/partition-supervisor.ts";
import { settle } from "./runs.ts";
import type { Operation } from "./workload.ts";
import { NO_FAULTS } from "./faults.ts";
import { World } from "./world.ts";

function guardAsks(...types: readonly string[]): Operation[] {
  return types.map((type) => ({ op: type, by: "ask", kind: "guard", key: "g", type, payload: { delayMs: 400 } }));
}

/** Lets that much time pass, with everything that comes due. */
function pass(world: World, ms: number): void {
  const untilMs = world.clock.elapsedMs + ms;
  while (world.clock.elapsedMs < untilMs) world.step();
}

test("whoever asked for what the store refused is told so, and not left waiting", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ seed, faults: { ...NO_FAULTS, refusal: 0.02 }, replicated: seed % 2 === 0 });
    settle(world, `seed ${seed}`); // no crash forgets the asks, so the run ends only when each was answered
    expect(world.history.calls.every(({ outcome }) => outcome !== "open")).toBe(true);
  }
});

test("a shard whose dead predecessor's request to open comes last opens once more", () => {
  const world = new World({ seed: 1, operations: 10 });
  world.run(200);
  const partition = asPartition(3);
  world.node.committer.receive(world.node.shardOf(partition), { type: "open", request: 99, partition });
  settle(world, "overtaken");
  expect(world.node.slotOf(partition)?.core?.incarnation).toBe(3);
});

test("a stopped actor's timers wait until an operator restarts it", () => {
  const world = new World({ seed: 1, programme: guardAsks("Arm", "Break") });
  world.run();
  pass(world, 1_000);
  expect(world.logged("guard", "g")).toEqual({ rang: 0 });
  world.crash();
  pass(world, 1_000);
  expect(world.logged("guard", "g")).toEqual({ rang: 0 });

  const payload: SupervisorAct = { act: "restart", kind: "guard", key: "g" };
  world.history.then({ op: "restart", by: "ask", kind: SUPERVISOR_KIND, key: "g", type: payload.act, payload });
  settle(world, "restarted");
  expect(world.logged("guard", "g")).toEqual({ rang: 1 });
});
