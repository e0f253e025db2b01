import { expect, test } from "vitest";
import type { AdvisedState } from "./advised.ts";
import { faultsOf, NO_FAULTS } from "./faults.ts";
import { runSeed, settle } from "./runs.ts";
import type { Operation } from "./workload.ts";
import { World } from "./world.ts";

const SEEDS = 60;

/** Several clients who ask the same three actors at once, and nothing else. */
function advising(count: number): Operation[] {
  return Array.from({ length: count }, (_, at): Operation => {
    const op = `op${at}`;
    return { op, by: "ask", kind: "advised", key: `v${at % 7 === 0 ? at % 3 : 0}`, type: "Advise", payload: { op } };
  });
}

const stateOf = (world: World, key: string) => world.logged("advised", key) as AdvisedState | undefined;

test("asks that wait for agents outside keep every promise, whatever those and the node do; and all of it is seen", () => {
  const seen: Record<string, number> = { answered: 0, late: 0, failed: 0, open: 0, ignored: 0, refused: 0, unowned: 0 };
  const count = (what: string, times = 1): void => void (seen[what] = (seen[what] ?? 0) + times);
  for (let seed = 1; seed <= SEEDS; seed++) {
    const faults = { ...faultsOf(seed), outside: (seed % 4) / 4 };
    const world = runSeed({ seed, faults, programme: advising(30) });
    for (const key of ["v0", "v1", "v2"]) for (const { outcome } of stateOf(world, key)?.heard ?? []) count(outcome);
    for (const { core } of world.node.shards) {
      count("refused", core.outside.refused);
      for (const { ignored } of core.circuits.view()) count("ignored", ignored);
    }
    count("unowned", world.history.calls.filter(({ outcome }) => outcome === "none").length);
  }
  for (const [what, times] of Object.entries(seen))
    expect(times, `${what}: ${JSON.stringify(seen)}`).toBeGreaterThan(5);
});

test("agents that hang hold nobody up for longer than their time", () => {
  const world = new World({ seed: 1, programme: advising(6), faults: { ...NO_FAULTS, outside: 1e-9 } });
  world.outsideHangs("chorus.agent.advice.near", "chorus.agent.advice.far");
  const startedMs = world.clock.elapsedMs;
  settle(world, "hanging");
  const heard = stateOf(world, "v0")?.heard ?? [];
  expect(heard.length).toBe(12);
  expect(heard.filter(({ outcome }) => outcome === "answered")).toEqual([]);
  // Five asks wait one after another for 90 ms each; then the circuits are open.
  expect(world.clock.elapsedMs - startedMs).toBeLessThan(5 * 90 + 1_500);
});
