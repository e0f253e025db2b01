import { expect, test } from "vitest";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { runSeed } from "./runs.ts";
import { faultsOf } from "./faults.ts";

const FIRST_SEED = Number(process.env["SIM_SEED"] ?? 1);
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 240);
const SEEDS_A_TEST = 40;
const MUTANT_SEEDS = 60;

/** @returns the first seed whose run is refused for the reason that is expected. */
function seedThatCatches({ tampering, faults, caughtBy }: Mutant): number {
  for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
    try {
      runSeed({ seed, tampering, faults: faults ?? faultsOf(seed) });
    } catch (error) {
      if (error instanceof Error && caughtBy.test(error.message)) return seed;
    }
  }
  return Infinity;
}

for (let first = FIRST_SEED; first < FIRST_SEED + SEEDS; first += SEEDS_A_TEST) {
  const last = Math.min(first + SEEDS_A_TEST, FIRST_SEED + SEEDS) - 1;
  test(`seeds ${first} to ${last} keep every promise under crashes, lost and late answers, outages and refusals`, () => {
    for (let seed = first; seed <= last; seed++) runSeed({ seed });
  });
}

test("one seed gives one history", () => {
  for (const seed of [3, 14, 159]) expect(runSeed({ seed }).hash).toBe(runSeed({ seed }).hash);
  expect(runSeed({ seed: 3 }).hash).not.toBe(runSeed({ seed: 14 }).hash);
});

for (const [name, mutant] of Object.entries(MUTANTS)) {
  test(`a runtime in which ${mutant.describes} is caught (${name})`, () => {
    expect(seedThatCatches(mutant)).toBeLessThanOrEqual(MUTANT_SEEDS);
  });
}
