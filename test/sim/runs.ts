import { checkPromises } from "./promises.ts";
import { faultsOf } from "./faults.ts";
import { World, type WorldOptions } from "./world.ts";

/** Runs one seed to the end and checks it. @throws naming the seed. */
export function runSeed(options: WorldOptions): World {
  const world = new World({ faults: faultsOf(options.seed), replicated: options.seed % 4 === 0, ...options });
  settle(world, `seed ${options.seed}`);
  return world;
}

/** Works off what is left, comes to rest, and checks. @throws naming `run`, so that it can be run again. */
export function settle(world: World, run: string): void {
  try {
    world.run();
    world.drain();
    checkPromises(world);
  } catch (cause) {
    throw new Error(`${run}, step ${world.steps}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
