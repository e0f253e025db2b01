import { expect, test } from "vitest";
import { FAULT_POINTS, type FaultPoint } from "../support/fault-points.ts";
import { settle } from "./runs.ts";
import { World, type WorldOptions } from "./world.ts";

/** A short run without other faults, always the same. */
const SHORT: WorldOptions = { seed: 7, operations: 14 };
const OCCURRENCES = [1, 2, 5, 9];
/** Parts of a sweep over every step; each has its own time limit. */
const SWEEPS = 4;

/** Kills at the given occurrences of a point; the counts go on over restarts. */
function killerAt(point: FaultPoint, occurrences: readonly number[]): (reached: FaultPoint) => boolean {
  let seen = 0;
  return (reached) => reached === point && occurrences.includes(++seen);
}

function stepsOfShortRun(): number {
  const world = new World(SHORT);
  settle(world, "the short run");
  return world.steps;
}

/** Takes the short run to a step, does something there, and lets it come to its end. */
function interruptedAt(step: number, name: string, interrupt: (world: World) => void): void {
  const world = new World(SHORT);
  world.run(step);
  while (world.steps < step) world.step();
  interrupt(world);
  settle(world, `${name} at step ${step}`);
}

for (const point of FAULT_POINTS.filter((name) => !name.startsWith("opening"))) {
  for (const occurrence of OCCURRENCES) {
    test(`a node killed at "${point}" (${occurrence}) loses and repeats nothing`, () => {
      let reached = 0;
      for (let seed = 1; seed <= 6; seed++) {
        const world = new World({ seed, operations: 50, kill: killerAt(point, [occurrence]) });
        settle(world, `seed ${seed}`);
        if ((world.reached.get(point) ?? 0) >= occurrence) reached++;
      }
      expect(reached).toBeGreaterThan(0);
    });
  }
}

for (const point of FAULT_POINTS.filter((name) => name.startsWith("opening"))) {
  test(`a node killed again and again at "${point}" opens in the end and loses and repeats nothing`, () => {
    let kills = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const first = killerAt("append stored, its answer lost", [4]);
      const second = killerAt("after flush, before reply", [14]);
      const during = killerAt(point, [3, 11, 12, 30]);
      const kill = (reached: FaultPoint): boolean => {
        const dies = [first(reached), second(reached), during(reached)].includes(true);
        if (dies && reached === point) kills++;
        return dies;
      };
      settle(new World({ seed, operations: 30, kill }), `seed ${seed}`);
    }
    expect(kills).toBeGreaterThan(0);
  });
}

for (let part = 0; part < SWEEPS; part++) {
  test(`a node killed at any step of a run loses and repeats nothing (${part + 1} of ${SWEEPS})`, () => {
    const steps = stepsOfShortRun();
    for (let step = part; step <= steps; step += SWEEPS) interruptedAt(step, "node killed", (world) => world.crash());
  });

  test(`a shard whose thread dies at any step of a run loses and repeats nothing (${part + 1} of ${SWEEPS})`, () => {
    const steps = stepsOfShortRun();
    for (let step = part; step <= steps; step += SWEEPS)
      interruptedAt(step, "shard killed", (world) => world.crashShard((step >> 2) % 2));
  });
}

test("a disk that fails at any transaction of a run, before or after it is durable, loses and repeats nothing", () => {
  const { transactions } = (() => {
    const world = new World(SHORT);
    settle(world, "the short run");
    return world.store;
  })();
  for (let transaction = 1; transaction <= transactions; transaction++) {
    for (const point of ["before", "after"] as const) {
      const world = new World(SHORT);
      world.store.failAt(transaction, point);
      settle(world, `disk fails ${point} transaction ${transaction}`);
    }
  }
});
