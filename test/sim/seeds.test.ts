import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./runs.ts";

const FIRST_SEED = Number(process.env["SIM_SEED"] ?? 1);
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 250);

test("every seed keeps every promise under crashes, lost and late answers, outages, refusals and a clock that goes back", () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) runSeed({ seed });
});

test("one seed gives one history", () => {
  for (const seed of [3, 14, 159]) expect(runSeed({ seed }).hash).toBe(runSeed({ seed }).hash);
  expect(runSeed({ seed: 3 }).hash).not.toBe(runSeed({ seed: 14 }).hash);
});

for (const [name, tampering] of Object.entries(MUTANTS)) {
  test(`a runtime in which ${name} is caught`, () => {
    let caught: unknown;
    for (let seed = 1; seed <= 60 && caught === undefined; seed++) {
      try {
        runSeed({ seed, tampering });
      } catch (error) {
        caught = error;
      }
    }
    expect(caught).toBeInstanceOf(Error);
  });
}
