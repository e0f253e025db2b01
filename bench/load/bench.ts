import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type BenchCommand, readCommandLine, USAGE, UsageError } from "./command-line.ts";
import { provenance } from "./machine.ts";
import { scenarioTables } from "./result-tables.ts";
import { type BenchReport, scenarioReport, type ScenarioReport } from "./scenario-report.ts";
import { decisionsHttp } from "./scenarios/decisions-http.ts";
import { decisionsCore } from "./scenarios/decisions-core.ts";
import { durableAsk } from "./scenarios/durable-ask.ts";
import { eventsIngest } from "./scenarios/events-ingest.ts";
import { keyedCounter } from "./scenarios/keyed-counter.ts";
import { localAsk } from "./scenarios/local-ask.ts";
import { restart } from "./scenarios/restart.ts";
import type { Run, Scenario } from "./scenarios/scenario.ts";
import { timers } from "./scenarios/timers.ts";

/* `npm run bench` (interfaces.md 7). Exit codes: 0 measured, whatever the figures; 1 could not measure; 2 wrong usage. */

const SCENARIOS: readonly Scenario[] = [
  decisionsHttp,
  decisionsCore,
  eventsIngest,
  keyedCounter,
  durableAsk,
  localAsk,
  timers,
  restart,
];
const EXIT_FAULT = 1;
const EXIT_USAGE = 2;

/** Progress goes to stderr, so that stdout holds nothing but the tables. */
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const command = readCommandLine(args);
  const chosen = chosenScenarios(command.scenarios);
  // Now, because a wrong path found after the measurement would cost all of it.
  if (command.json !== null) await mkdir(dirname(command.json), { recursive: true });
  const scenarios: ScenarioReport[] = [];
  for (const scenario of chosen) {
    const report = await measure(scenario, command, signal);
    process.stdout.write(`${scenarioTables(report)}\n\n`);
    scenarios.push(report);
  }
  const report: BenchReport = { ...(await provenance()), scenarios };
  if (command.json !== null) await writeFile(command.json, `${JSON.stringify(report, null, 2)}\n`);
}

function chosenScenarios(names: readonly string[]): readonly Scenario[] {
  const known = SCENARIOS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UsageError(`no scenario ${unknown.join(", ")}; there are: ${known.join(", ")}`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

async function measure(scenario: Scenario, command: BenchCommand, signal: AbortSignal): Promise<ScenarioReport> {
  const runs: Run[] = [];
  for (let run = 1; run <= command.runs; run++) {
    progress(`${scenario.name}, run ${run} of ${command.runs}`);
    runs.push(await scenario.run(command.settings, (line) => progress(`  ${line}`), signal));
  }
  const parameters = Object.fromEntries(scenario.parameters.map((name) => [name, command.settings[name]]));
  return scenarioReport(scenario, parameters, runs);
}

const interrupted = new AbortController();
// Every part is disposed on the way out: no daemon, no folder is left behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
try {
  await main(process.argv.slice(2), interrupted.signal);
} catch (error) {
  if (error instanceof UsageError) {
    progress(`bench: ${error.message}\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
  } else {
    progress(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = EXIT_FAULT;
  }
}
