import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Bar, BarResult } from "./bar.ts";
import { BARS } from "./bars.ts";
import { readCommandLine, USAGE } from "./command-line.ts";
import { openDatasets } from "./datasets.ts";
import { evaluateBar, type EvaluationSettings } from "./evaluation.ts";
import { openKeptParts } from "./kept-parts.ts";
import { writeLearningResults } from "./report.ts";
import { barTable, checkTable } from "./result-table.ts";
import { UsageError } from "./usage-error.ts";
import { readWorldFile } from "./world-file.ts";

/* `npm run evaluate` (interfaces.md 7). Exit codes: 0 measured, whatever the figures; 1 could not measure; 2 wrong usage. */

const EXIT_FAULT = 1;
const EXIT_USAGE = 2;
/** Two for the short form and five for the full one (learning.md 3). */
const SEEDS = { short: [1, 2], full: [1, 2, 3, 4, 5] } as const;

/** Progress goes to stderr, so that stdout holds nothing but the tables. */
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(args: readonly string[]): Promise<void> {
  const command = readCommandLine(args);
  const bars = chosenBars(command.only);
  const settings: EvaluationSettings = {
    seeds: command.seeds ?? SEEDS[command.full ? "full" : "short"],
    short: !command.full,
    world: command.world === null ? null : readWorldFile(command.world),
    datasets: openDatasets(),
    kept: openKeptParts(),
    progress: (line) => progress(`  ${line}`),
    nowSeconds: () => performance.now() / 1_000,
  };
  // Now, because a wrong path found after the evaluation would cost all of it.
  if (command.json !== null) await mkdir(dirname(command.json), { recursive: true });
  const results: BarResult[] = [];
  for (const bar of bars) {
    progress(`${bar.id} ${bar.title}`);
    const result = await evaluateBar(bar, settings);
    process.stdout.write(`## ${bar.id} ${bar.title}\n\n${checkTable(result.checks)}\n\n${result.note}\n\n`);
    results.push(result);
  }
  process.stdout.write(`${barTable(results)}\n`);
  if (command.json !== null) await writeFile(command.json, `${JSON.stringify({ bars: results }, null, 2)}\n`);
  if (command.full) await writeLearningResults(results, progress);
}

function chosenBars(ids: readonly string[]): readonly Bar[] {
  const known = BARS.map(({ id }) => id);
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new UsageError(`--only: no bar ${unknown.join(", ")}; there are: ${known.join(", ")}`);
  return ids.length === 0 ? BARS : BARS.filter(({ id }) => ids.includes(id));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    progress(`evaluate: ${error.message}\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
  } else {
    progress(`evaluate: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = EXIT_FAULT;
  }
}
