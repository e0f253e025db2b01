import type { Outcomes } from "./outcomes.ts";
import type { Policy } from "./policy.ts";
import { type RunSettings, Simulation } from "./simulation.ts";
import type { World } from "./world-file.ts";

/** Runs a policy through a world to its end, in this process. @throws PolicyFault for a decision that cannot be carried out. */
export function runPolicy(world: World, policy: Policy, settings: RunSettings): Outcomes {
  const simulation = new Simulation(world, settings);
  policy.begin?.(simulation.setup);
  if (policy.onFeedback !== undefined) simulation.onFeedback((feedback) => policy.onFeedback?.(feedback));
  for (let slot = simulation.next(); slot !== null; slot = simulation.next())
    simulation.answer(policy.decide(slot, simulation.demand));
  return simulation.outcomes;
}
