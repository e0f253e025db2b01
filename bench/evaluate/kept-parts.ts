import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * What finished parts of an evaluation are kept for: an interrupted run of hours goes on where it stopped. A part is found again only under the
 * same code and parameters, so that a figure never outlives what made it.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, "bench/results/local/evaluate");
/** What the figures depend on; the results themselves do not count. */
const CODE = ["actors", "bench", "protocols", "runtime", "package-lock.json", ":(exclude)bench/results"];

export interface PartName {
  readonly bar: string;
  readonly seed: number;
  readonly part: string;
  readonly parameters: object;
}

export interface KeptPart {
  /** Plain JSON. */
  readonly value: unknown;
  /** What computing it took. */
  readonly seconds: number;
}

export interface KeptParts {
  /** Of the code; ends in -dirty when it is not what is committed. */
  readonly commit: string;
  /** @returns null when there is none. */
  find(name: PartName): KeptPart | null;
  keep(name: PartName, part: KeptPart): void;
}

/** @param folder for tests. */
export function openKeptParts(commit = codeCommit(), folder = FOLDER): KeptParts {
  // Uncommitted code has no name under which to find its results again.
  if (commit.endsWith("-dirty") || commit === "unknown") return { commit, find: () => null, keep: () => {} };
  const pathOf = (name: PartName): string => {
    const hash = createHash("sha256")
      .update(JSON.stringify([commit, name]))
      .digest("hex")
      .slice(0, 24);
    return join(folder, `${name.bar}-${name.seed}-${hash}.json`);
  };
  return {
    commit,
    find(name) {
      const path = pathOf(name);
      return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as KeptPart) : null;
    },
    keep(name, part) {
      mkdirSync(folder, { recursive: true });
      const path = pathOf(name);
      // Moved into place, so that an interrupted run leaves no half a file.
      writeFileSync(`${path}.new`, JSON.stringify({ ...name, ...part, commit }));
      renameSync(`${path}.new`, path);
    },
  };
}

function codeCommit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const head = git("rev-parse", "--short=12", "HEAD");
    return git("status", "--porcelain", "--", ...CODE) === "" ? head : `${head}-dirty`;
  } catch {
    return "unknown"; // an archive without git
  }
}
