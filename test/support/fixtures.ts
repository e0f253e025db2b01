import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe } from "vitest";

/** Data of others, beside the repository and never in it (decisioning.md 5); CHORUS_FIXTURES names another place. */
const ROOT = process.env["CHORUS_FIXTURES"] ?? resolve(import.meta.dirname, "../../../shared/fixtures");

/** Runs a suite over one folder of fixtures. Without it the suite is skipped with a reason, or fails under REQUIRE_FIXTURES=1. */
export function describeFixtures(category: string, suite: (folder: FixtureFolder) => void): void {
  const path = join(ROOT, category);
  if (existsSync(path)) {
    describe(`fixtures ${category}`, () => suite(folderAt(path)));
    return;
  }
  const reason = `no fixtures at ${path}: set CHORUS_FIXTURES to their folder`;
  if (process.env["REQUIRE_FIXTURES"] === "1") throw new Error(reason);
  console.info(`skipped: ${reason}`);
  describe.skip(`fixtures ${category} (absent)`, () => suite({ names: [], json: () => ({}), text: () => "" }));
}

export interface FixtureFolder {
  readonly names: readonly string[];
  text(name: string): string;
  json(name: string): unknown;
}

function folderAt(path: string): FixtureFolder {
  const text = (name: string): string => readFileSync(join(path, name), "utf8");
  return {
    names: readdirSync(path).sort(),
    text,
    json: (name) => JSON.parse(text(name)) as unknown,
  };
}
