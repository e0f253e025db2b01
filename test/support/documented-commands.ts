import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./daemon.ts";

/** One example of a page: a ```sh block, and what the ```prints block right after it says of its output. */
export interface Example {
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly commands: string;
  /** Each must occur in what the commands write. */
  readonly prints: readonly string[];
}

/** What became of an example. */
export interface Tried extends Example {
  /** Null: it was not reached, because an earlier one failed. */
  readonly output: string | null;
  readonly failed: boolean;
}

const FENCE = /^```(.*)$/;
/** Written between the outputs of two examples. */
const DONE = "--- example done ---";
const TIMEOUT_MS = 60_000;

/**
 * The examples of a page that are to be tried; those marked `sh not-run` are for readers alone.
 * @param alsoRun marks of those that need something which is there, as `python`.
 */
export function examplesOf(page: string, alsoRun: readonly string[] = []): Example[] {
  const kinds = ["sh", ...alsoRun.map((mark) => `sh ${mark}`)];
  const lines = readFileSync(join(REPOSITORY, page), "utf8").split("\n");
  const examples: { line: number; commands: string; prints: string[] }[] = [];
  let shell = "";
  let open: { kind: string; line: number; content: string[] } | null = null;
  lines.forEach((text, index) => {
    const kind = FENCE.exec(text)?.[1]?.trim();
    if (kind === undefined) return void open?.content.push(text);
    if (open === null) {
      open = { kind, line: index + 1, content: [] };
      return;
    }
    if (kinds.includes(open.kind)) examples.push({ line: open.line, commands: open.content.join("\n"), prints: [] });
    // What a block prints that is not tried is not looked for.
    if (open.kind === "prints" && kinds.includes(shell))
      examples.at(-1)?.prints.push(...open.content.filter((line) => line.trim() !== ""));
    if (open.kind.startsWith("sh")) shell = open.kind;
    open = null;
  });
  return examples;
}

/**
 * Runs examples one after the other in one bash, as somebody who follows the page types them: what one sets the next can use. Ends at
 * the first command that fails.
 */
export async function tryExamples(
  examples: readonly Example[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Tried[]> {
  // What an example leaves running ends with the shell.
  const begin = ["set -eo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT"];
  const script = [...begin, ...examples.map(({ commands }) => `${commands}\nprintf '\\n${DONE}\\n'`)].join("\n");
  const written = await bash(script, environment);
  const outputs = written.split(`\n${DONE}\n`);
  return examples.map((example, index) => ({
    ...example,
    output: outputs[index] ?? null,
    // The last part is what came after the last example that ended well.
    failed: index >= outputs.length - 1,
  }));
}

/** What went wrong with examples, in words; empty when all is well. */
export function complaintsOf(page: string, tried: readonly Tried[]): string[] {
  const complaints: string[] = [];
  for (const { line, commands, prints, output, failed } of tried) {
    const where = `${page}:${line}`;
    if (failed) return [...complaints, `${where} failed:\n${commands}\n--- it wrote\n${output ?? "nothing"}`];
    const missing = prints.filter((text) => output?.includes(text) !== true);
    if (missing.length > 0)
      complaints.push(`${where} did not print ${JSON.stringify(missing)}:\n${commands}\n--- it wrote\n${output ?? ""}`);
  }
  return complaints;
}

/** @returns all it wrote, stdout and stderr as they came. */
function bash(script: string, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], {
      cwd: REPOSITORY,
      env: environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let written = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (written += text));
    const late = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(late);
      resolve(written);
    });
  });
}
