import {
  initialPacing,
  pacingCostMicros,
  type PacingState,
  shadowPrice,
  updatePacing,
} from "../../../actors/learning/pacing/dual-price.ts";
import { planFrom, plannedShare } from "../../../actors/learning/pacing/spend-plan.ts";
import { streamFor } from "../worlds/chance.ts";
import type { PacingWorld } from "../worlds/pacing-world.ts";
import type { PacingPolicy } from "./paced-day.ts";

/** Always offers what the slot is worth, until the budget is gone: an ad server without pacing. */
export const greedyPacing = (): PacingPolicy => ({ offer: (_k, valueMicros) => valueMicros, learn: () => {} });

/**
 * Takes part in a slot with a chance that is raised or lowered by a tenth to keep spend on the plan (the probabilistic throttling of
 * Agarwal et al. 2014, "Budget pacing for targeted online advertisements at LinkedIn"), blind to the slot's value.
 */
export function throttledPacing(world: PacingWorld, seed: number): PacingPolicy {
  const random = streamFor(seed, 40);
  const plans = world.campaigns.map(({ historic }) => planFrom(historic));
  const chance = world.campaigns.map(() => 0.1);
  const spent = world.campaigns.map(() => 0);
  const adjustedAt = world.campaigns.map(() => 0);
  return {
    offer: (k, valueMicros) => (random() < (chance[k] ?? 0) ? valueMicros : 0),
    learn(k, spentMicros, dayShare) {
      spent[k] = (spent[k] ?? 0) + spentMicros;
      if (dayShare - (adjustedAt[k] ?? 0) < 1 / 288) return; // every five minutes, as published
      adjustedAt[k] = dayShare;
      const plan = plans[k];
      const budget = world.campaigns[k]?.budgetMicros ?? 0;
      if (plan === undefined) return;
      const isAhead = (spent[k] ?? 0) / budget > plannedShare(plan, dayShare);
      chance[k] = Math.min(1, Math.max(0.01, (chance[k] ?? 0) * (isAhead ? 0.9 : 1.1)));
    },
  };
}

const IDLE = { mu: 0, unit: 1 };

/** The pacing learner, with the wallet's part done by the day itself. */
export function dualPacing(world: PacingWorld): PacingPolicy & { readonly states: PacingState[] } {
  const states = world.campaigns.map(({ budgetMicros, historic }) => initialPacing(budgetMicros, planFrom(historic)));
  return {
    states,
    offer: (k, valueMicros, costMicros) => valueMicros - pacingCostMicros(shadowPrice(states[k] ?? IDLE), costMicros),
    learn(k, spentMicros, dayShare) {
      const state = states[k];
      if (state !== undefined) states[k] = updatePacing(state, { opportunities: 1, spentMicros, dayShare });
    },
  };
}
