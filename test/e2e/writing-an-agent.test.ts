import { execFile, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cleanEnvironment, REPOSITORY } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const PAGE = "docs/writing-an-agent.md";
const TIMEOUT_MS = 240_000;

type Block =
  | { readonly kind: "file"; readonly path: string; readonly text: string }
  | { readonly kind: "sh"; readonly text: string; readonly prints: string[] };

/** The page's blocks, in its order: files to write, and commands to type with what they print. */
function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  for (const [, info = "", text = ""] of page.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    const [kind, path] = info.trim().split(" ");
    const last = blocks.at(-1);
    if (kind === "sh") blocks.push({ kind, text, prints: [] });
    else if (kind === "prints" && last?.kind === "sh") last.prints.push(...text.split("\n").filter(Boolean));
    else if (path !== undefined) blocks.push({ kind: "file", path, text });
    else throw new Error(`a block of ${PAGE} is of no kind that a reader can follow: ${info}`);
  }
  return blocks;
}

let checkout: string;

/** What a fresh clone would have, and the packages of this one. */
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "chorus-new-agent-"));
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const { stdout } = await promisify(execFile)("git", listed, { cwd: REPOSITORY, maxBuffer: 64 * 1_048_576 });
  for (const file of stdout.split("\0").filter((name) => name !== "" && name !== "node_modules")) {
    await mkdir(join(checkout, dirname(file)), { recursive: true });
    // What was deleted and not yet committed is still listed.
    await copyFile(join(REPOSITORY, file), join(checkout, file)).catch(() => undefined);
  }
  await symlink(join(REPOSITORY, "node_modules"), join(checkout, "node_modules"));
}, 60_000);

afterEach(() => rm(checkout, { recursive: true, force: true }));

describeWithNats(`whoever follows ${PAGE}`, () => {
  test(
    "has a keyed actor and a local agent that are tested and run",
    async () => {
      const blocks = blocksOf(await readFile(join(REPOSITORY, PAGE), "utf8"));
      const { script, prints } = await scriptOf(blocks);
      const output = await bash(script);
      for (const text of prints) expect(output).toContain(text);
      expect(output).toContain("--- all typed ---");
    },
    TIMEOUT_MS,
  );
});

/** One shell for all commands, as a reader has one. Files come where the page has them. */
async function scriptOf(blocks: readonly Block[]): Promise<{ script: string; prints: string[] }> {
  // What the node wrote is the only trace of what went wrong in it.
  const lines = ["set -eo pipefail", "trap 'cat try.log 2>/dev/null; kill $node 2>/dev/null || true' EXIT"];
  const staged = join(checkout, ".page");
  await mkdir(staged);
  for (const [number, block] of blocks.entries()) {
    if (block.kind === "sh") {
      lines.push(block.text);
      continue;
    }
    const file = join(staged, String(number));
    await writeFile(file, block.text);
    lines.push(`mkdir -p ${dirname(block.path)}`, `cp ${file} ${block.path}`);
  }
  lines.push("echo '--- all typed ---'");
  const prints = blocks.flatMap((block) => (block.kind === "sh" ? block.prints : []));
  return { script: lines.join("\n"), prints };
}

async function bash(script: string): Promise<string> {
  const tools = join(checkout, ".tools");
  await mkdir(tools);
  // npm's own npx asks the registry for a package of that name where the checkout is none of npm's.
  const npx = `#!/bin/sh\nshift\nexec node ${join(checkout, "runtime/cli/chorus.mjs")} "$@"\n`;
  await writeFile(join(tools, "npx"), npx, { mode: 0o755 });
  const environment = cleanEnvironment();
  const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], {
    cwd: checkout,
    env: { ...environment, PATH: `${tools}:${environment["PATH"]}` },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let written = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (written += text));
  const late = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS - 10_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(late);
  return written;
}
