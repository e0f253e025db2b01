import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { shrink } from "./shrink.ts";
import { simulateCommand } from "./simulate.ts";

function run(...args: string[]): { readonly code: number; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return { code: simulateCommand(args, (line) => void lines.push(line)), lines };
}

test("simulate prints one line a seed, the same for the same seed", () => {
  const first = run("--seeds", "3", "--seed", "5");
  expect(first.code).toBe(0);
  expect(first.lines).toEqual([
    expect.stringMatching(/^seed 5 hash [0-9a-f]{64}$/),
    expect.stringMatching(/^seed 6 hash [0-9a-f]{64}$/),
    expect.stringMatching(/^seed 7 hash [0-9a-f]{64}$/),
    "3 seeds held, 0 broken",
  ]);
  expect(run("--seeds", "3", "--seed", "5").lines).toEqual(first.lines);
});

test("a mutant is caught with its seed, and the lines that replay it break the same promise", () => {
  const caught = run("--mutant", "no-dedupe", "--seeds", "60");
  expect(caught.code).toBe(1);
  const replays = caught.lines.filter((line) => /^(replay|smaller): /.test(line));
  expect(replays.length).toBeGreaterThan(0);
  for (const line of replays) {
    const [, args = ""] = line.split(" -- ");
    expect(run(...args.split(" ")).code).toBe(1);
  }
});

test("--list-mutants names them, one a line", () => {
  expect(run("--list-mutants")).toEqual({ code: 0, lines: Object.keys(MUTANTS) });
});

test("a wrong command line says what is wrong and ends with 2", () => {
  for (const [args, said] of [
    [["--seeds", "none"], "--seeds none"],
    [["--mutant", "nobody"], "--mutant nobody"],
    [["--without", "luck"], "--without luck"],
    [["--sed", "1"], "--sed"],
  ] as const) {
    const { code, lines } = run(...args);
    expect(code).toBe(2);
    expect(lines.join("\n")).toContain(said);
  }
});

test("shrinking keeps only the faults that are needed and few operations", () => {
  const needs = { seed: 9, operations: 40, without: [] };
  const least = shrink(needs, ({ operations, without }) => operations >= 7 && !without.includes("crash"));
  expect(least.operations).toBe(8);
  expect(least.without).not.toContain("crash");
  expect(least.without).toContain("outage");
});
