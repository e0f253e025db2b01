import type { PacingWorld } from "../worlds/pacing-world.ts";

/**
 * The least found value of the Lagrangian dual of the day, D(mu) = Σ slots max(0, max_k value − mu·cost) + Σ_k mu·budget: for every mu
 * an upper bound on what any policy, however clairvoyant, can earn within the budgets. Subgradient descent over the whole day, steps
 * falling; what it has not closed makes the bound looser, never too low.
 */
export function dualBoundMicros(world: PacingWorld, passes = 250): number {
  const count = world.campaigns.length;
  const mu = new Float64Array(count).fill(1);
  const spend = new Float64Array(count);
  let least = Infinity;
  for (let pass = 0; pass < passes; pass++) {
    spend.fill(0);
    let dual = 0;
    for (let slot = 0; slot < world.slots; slot++) {
      let best = 0;
      let winner = -1;
      const end = world.starts[slot + 1] ?? 0;
      for (let position = world.starts[slot] ?? 0; position < end; position++) {
        const k = world.candidate[position] ?? 0;
        const score = (world.valueMicros[position] ?? 0) - (mu[k] ?? 0) * (world.campaigns[k]?.costMicros ?? 0);
        if (score > best) [best, winner] = [score, k];
      }
      dual += best;
      if (winner >= 0) spend[winner] = (spend[winner] ?? 0) + (world.campaigns[winner]?.costMicros ?? 0);
    }
    world.campaigns.forEach(({ budgetMicros }, k) => (dual += (mu[k] ?? 0) * budgetMicros));
    least = Math.min(least, dual);
    const step = 0.5 / (1 + pass / 8);
    world.campaigns.forEach(({ budgetMicros }, k) => {
      const excess = budgetMicros > 0 ? (spend[k] ?? 0) / budgetMicros - 1 : 0;
      mu[k] = Math.max(0, (mu[k] ?? 0) + step * Math.max(-1, Math.min(1, excess)));
    });
  }
  return least;
}
