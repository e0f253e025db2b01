import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { type ExamFigure, examFigures } from "./exam-figures.ts";
import { total } from "./outcomes.ts";
import { type Arm, runTrial, TRIAL_DAYS } from "./trial.ts";
import { bundledWorld, readWorld, WorldRefused } from "./world-file.ts";

/* `npm run simulator:exam` (interfaces.md 7). Exit codes: 0 every figure inside its tolerance, 1 one outside, 2 wrong usage or world. */

const EXIT_OUTSIDE = 1;
const EXIT_USAGE = 2;
const LISTENERS = 5_000;
const LISTENERS_MAX = 50_000;
const LISTENERS_MIN = 100;
const USAGE = `npm run simulator:exam -- [--seed 1] [--listeners ${LISTENERS}] [--world FILE] [--json FILE]`;

class UsageError extends Error {}

interface ExamCommand {
  readonly seed: number;
  readonly listeners: number;
  /** A file; null is the default world. */
  readonly world: string | null;
  readonly json: string | null;
}

function readCommand(args: readonly string[]): ExamCommand {
  const text = { type: "string" } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { seed: text, listeners: text, world: text, json: text } }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return {
    seed: whole("seed", values.seed, 1, 0, Number.MAX_SAFE_INTEGER),
    listeners: whole("listeners", values.listeners, LISTENERS, LISTENERS_MIN, LISTENERS_MAX),
    world: values.world ?? null,
    json: values.json ?? null,
  };
}

function whole(name: string, text: string | undefined, standard: number, least: number, most: number): number {
  const value = text === undefined ? standard : Number(text);
  if (text?.trim() === "" || !Number.isInteger(value) || value < least || value > most)
    throw new UsageError(`--${name} = ${text ?? ""}: is a whole number from ${least} to ${most}`);
  return value;
}

const decimals = (value: number, unit: ExamFigure["unit"]): string =>
  unit === "%" ? `${(100 * value).toFixed(3)} %` : value.toFixed(5);

function table(figures: readonly ExamFigure[]): string {
  const rows = figures.map(({ name, unit, pandora, tolerance, value, interval: [low, high], inside }) => [
    name,
    decimals(value, unit),
    `${decimals(low, unit)} to ${decimals(high, unit)}`,
    decimals(pandora, unit),
    `${(100 * (value / pandora - 1)).toFixed(1)} %`,
    `±${100 * tolerance} %`,
    inside ? "inside" : "OUTSIDE",
  ]);
  const all = [["for one more ad an hour", "simulated", "95 % interval", "Pandora", "off by", "allowed", ""], ...rows];
  const widths = all[0]!.map((_, at) => Math.max(...all.map((row) => row[at]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What the arms have in common with a listening day that is no figure of the trial. */
function levels(arms: readonly Arm[]): { minutesAnActiveDay: number; activeInLastMonth: number; adsPerHour: number } {
  const sum = (column: (arm: Arm) => Float64Array): number => arms.reduce((all, arm) => all + total(column(arm)), 0);
  const hours = sum((arm) => arm.outcomes.musicHours);
  const listeners = arms.reduce((all, arm) => all + arm.outcomes.listeners, 0);
  return {
    minutesAnActiveDay: (60 * hours) / sum((arm) => arm.outcomes.activeDays),
    activeInLastMonth: sum((arm) => arm.outcomes.activeInLast) / listeners,
    adsPerHour: sum((arm) => arm.outcomes.ads) / hours,
  };
}

async function main(args: readonly string[]): Promise<boolean> {
  const { seed, listeners, world: file, json } = readCommand(args);
  const world = file === null ? await bundledWorld("default") : await readWorld(file);
  if (json !== null) await mkdir(dirname(json), { recursive: true });
  const startedMs = performance.now();
  const arms = runTrial(world, seed, listeners, TRIAL_DAYS, (line) => void process.stderr.write(`  ${line}\n`));
  const figures = examFigures(arms);
  const seconds = (performance.now() - startedMs) / 1_000;
  const slots = arms.reduce((sum, arm) => sum + arm.outcomes.slots, 0);
  const level = levels(arms);
  const passed = figures.every((each) => each.inside);
  process.stdout.write(
    `Pandora's trial in world ${world.name}: seed ${seed}, ${listeners} listeners in each of ${arms.length} arms, ${TRIAL_DAYS} days\n\n` +
      `${table(figures)}\n\n` +
      `${level.minutesAnActiveDay.toFixed(1)} minutes of music an active day (54 wanted), ${(100 * level.activeInLastMonth).toFixed(1)} % active in the last ` +
      `month (37 % implied), ${level.adsPerHour.toFixed(2)} ads an hour (3.63)\n` +
      `${slots} slots in ${seconds.toFixed(1)} s: ${((1e6 * seconds) / slots).toFixed(2)} µs a slot\n` +
      `${passed ? "passed" : "failed"}: intervals are over listeners of this seed; a point outside its band fails, however wide the interval\n`,
  );
  const report = {
    world: world.name,
    seed,
    listeners,
    days: TRIAL_DAYS,
    passed,
    figures,
    levels: level,
    slots,
    seconds,
  };
  if (json !== null) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  return passed;
}

try {
  if (!(await main(process.argv.slice(2)))) process.exitCode = EXIT_OUTSIDE;
} catch (error) {
  if (!(error instanceof UsageError || error instanceof WorldRefused)) throw error;
  process.stderr.write(`simulator:exam: ${error.message}\n${USAGE}\n`);
  process.exitCode = EXIT_USAGE;
}
