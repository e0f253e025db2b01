import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe } from "vitest";
import { type Datasets, datasetsRoot, openDatasets } from "../../bench/evaluate/datasets.ts";

/** Data of others, beside the repository and never in it (decisioning.md 5); CHORUS_FIXTURES names another place. */
const ROOT = process.env["CHORUS_FIXTURES"] ?? resolve(import.meta.dirname, "../../../shared/fixtures");

/** Runs a suite over one folder of fixtures. Without it the suite is skipped with a reason, or fails under REQUIRE_FIXTURES=1. */
export function describeFixtures(category: string, suite: (folder: FixtureFolder) => void): void {
  const path = join(ROOT, category);
  if (existsSync(path)) {
    describe(`fixtures ${category}`, () => suite(folderAt(path)));
    return;
  }
  reportAbsent(`no fixtures at ${path}: set CHORUS_FIXTURES to their folder`);
  const empty = { names: [], json: () => ({}), text: () => "", bytes: () => Buffer.alloc(0) };
  describe.skip(`fixtures ${category} (absent)`, () => suite(empty));
}

/** Runs a suite over the datasets and the results of public tools on them; skipped or failed where they are absent, as above. */
export function describeDatasets(name: string, suite: (datasets: () => Datasets) => void): void {
  const datasets = openDatasets();
  const open = (): Datasets => {
    if (datasets === null) throw new Error("no datasets");
    return datasets;
  };
  if (datasets !== null) {
    describe(name, () => suite(open));
    return;
  }
  reportAbsent(`no datasets at ${datasetsRoot()}: set CHORUS_DATASETS to their folder`);
  describe.skip(`${name} (datasets absent)`, () => suite(open));
}

function reportAbsent(reason: string): void {
  if (process.env["REQUIRE_FIXTURES"] === "1") throw new Error(reason);
  console.info(`skipped: ${reason}`);
}

export interface FixtureFolder {
  readonly names: readonly string[];
  text(name: string): string;
  json(name: string): unknown;
  bytes(name: string): Buffer;
}

function folderAt(path: string): FixtureFolder {
  const bytes = (name: string): Buffer => readFileSync(join(path, name));
  const text = (name: string): string => bytes(name).toString("utf8");
  return {
    names: readdirSync(path).sort(),
    text,
    bytes,
    json: (name) => JSON.parse(text(name)) as unknown,
  };
}
