import { parseArgs } from "node:util";
import { writeFileSync } from "node:fs";
import { faultsOf } from "./faults.ts";
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./runs.ts";
import { shrink, type Failure } from "./shrink.ts";
import type { WorldOptions } from "./world.ts";

/*
 * `npm run simulate`: the runtime's own core on virtual clock, network and disk, with faults drawn from a seed (D19). Prints one line a
 * seed; the hash is that of everything that happened, so the same seed gives the same hash on any machine.
 */

const USAGE = `npm run simulate -- [--seeds N] [--seed S] [--mutant NAME] [--operations N] [--without FAULT[,FAULT]] [--json FILE]
npm run simulate -- --list-mutants

  --seeds N       how many seeds to run (default 100)
  --seed S        the first of them (default 1)
  --mutant NAME   run a known-bad runtime instead: it is expected to be caught
  --operations N  what the client does in each run (default 40)
  --without LIST  leave these faults out: ${Object.keys(faultsOf(1)).join(", ")}
  --json FILE     also write what was printed

Exit codes: 0 every promise held, 1 one was broken (printed, with the line that replays it), 2 wrong usage.`;

const EXIT = { held: 0, broken: 1, usage: 2 } as const;

interface Run {
  readonly seed: number;
  readonly hash: string | null;
  readonly broken: string | null;
}

class UsageError extends Error {}

function whole(name: string, text: string | undefined, standard: number, most: number): number {
  const value = text === undefined ? standard : Number(text);
  if (text?.trim() !== "" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} ${text}: must be a whole number from 1 to ${most}`);
}

function readArguments(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { seeds: text, seed: text, mutant: text, operations: text, without: text, json: text };
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { ...options, "list-mutants": flag, help: flag } }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const without = values.without?.split(",") ?? [];
  const unknown = without.find((fault) => !Object.hasOwn(faultsOf(1), fault));
  if (unknown !== undefined) throw new UsageError(`--without ${unknown}: no such fault`);
  if (values.mutant !== undefined && !Object.hasOwn(MUTANTS, values.mutant))
    throw new UsageError(`--mutant ${values.mutant}: no such mutant; --list-mutants names them`);
  return {
    help: values.help === true,
    listMutants: values["list-mutants"] === true,
    seeds: whole("seeds", values.seeds, 100, 10_000_000),
    seed: whole("seed", values.seed, 1, 2 ** 31 - 1),
    operations: whole("operations", values.operations, 40, 10_000),
    mutant: values.mutant,
    without,
    json: values.json,
  };
}

type Arguments = ReturnType<typeof readArguments>;

function optionsOf({ mutant }: Arguments, { seed, operations, without }: Failure): WorldOptions {
  const known = mutant === undefined ? undefined : MUTANTS[mutant];
  const faults = { ...(known?.faults ?? faultsOf(seed)), ...Object.fromEntries(without.map((fault) => [fault, 0])) };
  return { seed, operations, faults, ...(known === undefined ? {} : { tampering: known.tampering }) };
}

function failureOf(options: WorldOptions): { readonly hash: string | null; readonly broken: string | null } {
  try {
    return { hash: runSeed(options).hash, broken: null };
  } catch (error) {
    return { hash: null, broken: error instanceof Error ? error.message : String(error) };
  }
}

function replayLine({ mutant }: Arguments, failure: Failure): string {
  const without = failure.without.length === 0 ? "" : ` --without ${failure.without.join(",")}`;
  const operations = failure.operations === 40 ? "" : ` --operations ${failure.operations}`;
  return `npm run simulate -- --seed ${failure.seed} --seeds 1${mutant === undefined ? "" : ` --mutant ${mutant}`}${operations}${without}`;
}

function simulate(given: Arguments, print: (line: string) => void): number {
  const runs: Run[] = [];
  for (let seed = given.seed; seed < given.seed + given.seeds; seed++) {
    const found: Failure = { seed, operations: given.operations, without: given.without };
    const { hash, broken } = failureOf(optionsOf(given, found));
    runs.push({ seed, hash, broken });
    if (broken === null) {
      print(`seed ${seed} hash ${hash}`);
      continue;
    }
    print(`seed ${seed} BROKEN ${broken}`);
    print(`replay: ${replayLine(given, found)}`);
    const least = shrink(found, (tried) => failureOf(optionsOf(given, tried)).broken !== null);
    if (least !== found) print(`smaller: ${replayLine(given, least)}`);
    break;
  }
  const broken = runs.filter((run) => run.broken !== null).length;
  print(`${runs.length - broken} seeds held, ${broken} broken`);
  if (given.json !== undefined)
    writeFileSync(given.json, `${JSON.stringify({ mutant: given.mutant ?? null, runs }, null, 2)}\n`);
  return broken === 0 ? EXIT.held : EXIT.broken;
}

/** @returns the exit code. */
export function simulateCommand(args: readonly string[], print: (line: string) => void): number {
  let given: Arguments;
  try {
    given = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(`simulate: ${error.message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (given.help) {
    print(USAGE);
    return EXIT.held;
  }
  if (!given.listMutants) return simulate(given, print);
  for (const name of Object.keys(MUTANTS)) print(name);
  return EXIT.held;
}

if (import.meta.main)
  process.exitCode = simulateCommand(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
