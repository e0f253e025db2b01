import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type Bar, type BarResult, type Check, outcomeOf, skippedOutcome } from "../../bench/evaluate/bar.ts";
import { BARS } from "../../bench/evaluate/bars.ts";
import { readCommandLine } from "../../bench/evaluate/command-line.ts";
import { evaluateBar } from "../../bench/evaluate/evaluation.ts";
import { overSeeds, shareOf } from "../../bench/evaluate/intervals.ts";
import { openKeptParts } from "../../bench/evaluate/kept-parts.ts";
import { learningReport, mergedResults } from "../../bench/evaluate/report.ts";
import { readWorldFile } from "../../bench/evaluate/world-file.ts";

const folder = mkdtempSync(join(tmpdir(), "evaluate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const check = (figure: number, change: Partial<Check> = {}): Check => ({
  name: "gap closed",
  figure,
  interval: [figure - 0.01, figure + 0.01],
  bar: 0.9,
  better: "above",
  baseline: 0.67,
  oracle: 1,
  ...change,
});

const settings = (kept = openKeptParts("unknown", folder)) => ({
  seeds: [1, 2],
  short: true,
  world: null,
  datasets: null,
  kept,
  progress: () => {},
  nowSeconds: clock(),
});

/** A second passes between any two looks at it. */
function clock(): () => number {
  let seconds = 0;
  return () => seconds++;
}

/** A bar that counts how often it really computes. */
function countingBar(): Bar & { computed: number } {
  const bar = {
    ...{ id: "L99", title: "counts", goal: "≥ 0.9", usesWorld: false, computed: 0 },
    run: async ({ seeds, remember }: Parameters<Bar["run"]>[0]) => {
      const values: number[] = [];
      for (const seed of seeds) {
        values.push(
          await remember(seed, "part", { size: 3 }, () => {
            bar.computed++;
            return seed / 10;
          }),
        );
      }
      return outcomeOf([check(overSeeds(values).figure)], "");
    },
  };
  return bar;
}

test("the command line is read: bars in any case, seeds as range, list or one", () => {
  expect(readCommandLine([])).toEqual({ only: [], world: null, seeds: null, full: false, json: null });
  const args = ["--only", "l8,L10", "--world", "w.json", "--seeds", "11..15", "--full", "--json", "out.json"];
  expect(readCommandLine(args)).toEqual({ only: ["L8", "L10"], world: "w.json", seeds: [11, 12, 13, 14, 15], full: true, json: "out.json" }); // prettier-ignore
  expect(readCommandLine(["--seeds", "1,2,9"]).seeds).toEqual([1, 2, 9]);
  expect(readCommandLine(["--seeds", "7"]).seeds).toEqual([7]);
});

test.each([
  [["--seeds", "5..1"], "--seeds 5..1: must not fall"],
  [["--seeds", "0..5000"], "--seeds 0..5000: 1000 at most"],
  [["--seeds", "a"], "--seeds a: must be whole numbers"],
  [["--seeds", ""], "must be whole numbers"],
  [["--fast"], "--fast"],
])("a wrong command line is refused by name: %j", (args, message) => {
  expect(() => readCommandLine(args)).toThrow(message);
});

test("a world that is not there or is no JSON is refused by its path", () => {
  expect(() => readWorldFile(join(folder, "none.json"))).toThrow(/--world .*none\.json: cannot be read/);
  const path = join(folder, "broken.json");
  writeFileSync(path, "{");
  expect(() => readWorldFile(path)).toThrow(/--world .*broken\.json: is no JSON/);
});

test.each([
  [["--only", "L8,L77"], 2, `--only: no bar L77; there are: ${BARS.map(({ id }) => id).join(", ")}`],
  [["--world", "/nowhere/world.json"], 2, "--world /nowhere/world.json: cannot be read"],
])("npm run evaluate %j ends with its exit code and says why", async (args, exit, message) => {
  const program = fileURLToPath(new URL("../../bench/evaluate/evaluate.ts", import.meta.url));
  const ended = await new Promise<{ code: unknown; said: string }>((resolve) =>
    execFile(process.execPath, [program, ...args], (error, _out, said) => resolve({ code: error?.code ?? 0, said })),
  );
  expect(ended.code).toBe(exit);
  expect(ended.said).toContain(message);
});

test("a bar is met when all its checks are, and shows the one that is missed", () => {
  expect(outcomeOf([check(0.95), check(0.91)], "")).toMatchObject({ met: true, figure: 0.95, baseline: 0.67 });
  const missed = check(0.2, { name: "false alarms", bar: 0.05, better: "below" });
  expect(outcomeOf([check(0.95), missed], "Because.")).toMatchObject({
    met: false,
    figure: 0.2,
    bar: 0.05,
    note: "false alarms. Because.",
  });
  expect(outcomeOf([check(Number.NaN)], "").met).toBe(false);
  expect(skippedOutcome("no data")).toMatchObject({ met: null, figure: null, note: "not measured: no data" });
});

test("what a commit computed for a seed is not computed again; another commit, seed or parameter is", async () => {
  const bar = countingBar();
  const first = await evaluateBar(bar, settings(openKeptParts("c0ffee", folder)));
  expect(first).toMatchObject({ id: "L99", seeds: [1, 2], short: true, commit: "c0ffee", met: false });
  expect(bar.computed).toBe(2);
  const again = await evaluateBar(bar, settings(openKeptParts("c0ffee", folder)));
  expect(again).toEqual({ ...first, seconds: expect.any(Number) });
  expect([first.seconds, again.seconds]).toEqual([5, 3]); // two parts of a second each, and what passes around them
  expect(bar.computed).toBe(2);
  await evaluateBar(bar, { ...settings(openKeptParts("c0ffee", folder)), seeds: [2, 3] });
  expect(bar.computed).toBe(3);
  await evaluateBar(bar, settings(openKeptParts("decade", folder)));
  expect(bar.computed).toBe(5);
  const kept = openKeptParts("c0ffee", folder);
  expect(kept.find({ bar: "L99", seed: 1, part: "part", parameters: { size: 4, world: null } })).toBeNull();
  expect(kept.find({ bar: "L99", seed: 1, part: "part", parameters: { size: 3, world: null } })?.value).toBe(0.1);
});

test("code that is not committed keeps nothing, because its results have no name", async () => {
  const before = readdirSync(folder).length;
  const bar = countingBar();
  for (const commit of ["c0ffee-dirty", "unknown"]) {
    await evaluateBar(bar, settings(openKeptParts(commit, folder)));
    await evaluateBar(bar, settings(openKeptParts(commit, folder)));
  }
  expect(bar.computed).toBe(8);
  expect(readdirSync(folder)).toHaveLength(before);
});

const result = (id: string, change: Partial<BarResult> = {}): BarResult => ({
  ...outcomeOf(
    [check(0.96), check(0.03, { name: "a < b", bar: 0.05, better: "below", baseline: null })],
    "As planned.",
  ),
  ...{ id, title: `bar ${id}`, goal: "≥ 0.9", seeds: [1, 2, 3], seconds: 12, short: false, commit: "c0ffee" },
  ...change,
});

test("the report has a line, a table and a picture for each bar, and says which are missed", () => {
  const missed = result("L2", { ...outcomeOf([check(0.5)], "The world is flat."), short: true });
  const { page, plots } = learningReport([result("L1"), missed, result("L3", skippedOutcome("no data"))]);
  expect(page).toContain("Missed: L2; the reason stands with the bar.");
  expect(page).toContain("| L1 | bar L1 | 0.96 | 0.95 to 0.97 | ≥ 0.9 | 0.67 | 1 | met | 1..3 | 12 |");
  expect(page).toContain("**missed** | 1..3 (short)");
  expect(page).toContain("not measured: no data");
  expect(page).toContain("The world is flat.");
  expect(Object.keys(plots)).toEqual(["l1.svg", "l2.svg"]); // nothing to draw for L3
  expect(plots["l1.svg"]).toMatch(/^<svg [^>]*>[^]*a &lt; b[^]*<\/svg>\n$/);
  expect(plots["l1.svg"]).not.toContain("NaN");
});

test("a later result replaces the bar's earlier one and leaves the others; L10 comes after L9", () => {
  const merged = mergedResults([result("L10"), result("L9")], [result("L9", { seconds: 99 })]);
  expect(merged.map(({ id, seconds }) => [id, seconds])).toEqual([["L9", 99], ["L10", 12]]); // prettier-ignore
});

test("intervals are Student's over seeds and Wilson's over repetitions", () => {
  // NIST's handbook: t(.975, 2) = 4.303.
  const { figure, interval } = overSeeds([1, 2, 3]);
  expect(figure).toBe(2);
  expect(interval[1]).toBeCloseTo(2 + 4.3027 / Math.sqrt(3), 3);
  expect(overSeeds([5])).toEqual({ figure: 5, interval: [5, 5] });
  const none = shareOf(0, 100);
  expect(none.interval[0]).toBeCloseTo(0, 12);
  expect(none.interval[1]).toBeCloseTo(0.037, 3);
});
