import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { BarResult } from "./bar.ts";
import { intervalPlot } from "./interval-plot.ts";
import { barTable, checkTable, seedsOf } from "./result-table.ts";

/* docs/learning-results.md, its plots, and the figures behind them: what `npm run evaluate -- --full` leaves in the repository. */

const PAGE = fileURLToPath(new URL("../../docs/learning-results.md", import.meta.url));
const PLOTS = fileURLToPath(new URL("../../docs/learning-results/", import.meta.url));
const KEPT = `${PLOTS}figures.json`;

export interface ReportFiles {
  readonly page: string;
  /** By file name, beside the page in `learning-results/`. */
  readonly plots: Readonly<Record<string, string>>;
}

/** Writes the page of these results and of the bars that an earlier full run measured; a later result replaces an earlier one. */
export async function writeLearningResults(
  results: readonly BarResult[],
  progress: (line: string) => void,
): Promise<void> {
  const all = mergedResults(await keptResults(), results);
  const { page, plots } = learningReport(all);
  await mkdir(PLOTS, { recursive: true });
  await writeFile(KEPT, await formatted(JSON.stringify({ bars: all }), "json"));
  for (const [name, svg] of Object.entries(plots)) await writeFile(`${PLOTS}${name}`, svg);
  await writeFile(PAGE, await formatted(page, "markdown"));
  progress(`wrote ${PAGE}`);
}

/** As `npm run format` wants it, so that a rerun changes figures only. */
async function formatted(text: string, parser: "json" | "markdown"): Promise<string> {
  return format(text, { ...(await resolveConfig(PAGE)), parser });
}

export function mergedResults(before: readonly BarResult[], now: readonly BarResult[]): BarResult[] {
  const byId = new Map([...before, ...now].map((result) => [result.id, result]));
  const number = ({ id }: BarResult): number => Number(id.replaceAll(/\D/g, ""));
  return [...byId.values()].sort((a, b) => number(a) - number(b));
}

export function learningReport(results: readonly BarResult[]): ReportFiles {
  const plots: Record<string, string> = {};
  const sections = results.map((result) => {
    const plot = intervalPlot(`${result.id}: ${result.title}`, result.checks);
    const name = `${result.id.toLowerCase()}.svg`;
    if (plot !== null) plots[name] = plot;
    return section(result, plot === null ? null : name);
  });
  const missed = results.filter(({ met }) => met === false).map(({ id }) => id);
  const short = results.some((result) => result.short);
  const page = [
    "# Learning: results",
    "",
    "Written by `npm run evaluate -- --full`; do not edit. How a bar is measured stands in its file in `bench/evaluate/bars/`. Intervals are 95 %,",
    "over seeds or over independent repetitions; `s` are the seconds that measuring took on one core. `--only L8` reruns one bar.",
    "",
    missed.length === 0
      ? "No measured bar is missed."
      : `Missed: ${missed.join(", ")}; the reason stands with the bar.`,
    ...(short ? ["", "Figures marked (short) come from the short form: wide intervals, fewer seeds."] : []),
    "",
    barTable(results),
    "",
    ...sections,
  ];
  return { page: `${page.join("\n").trimEnd()}\n`, plots };
}

function section(result: BarResult, plot: string | null): string {
  const { id, title, goal, note, checks, seeds, seconds, commit, short } = result;
  return [
    `## ${id}: ${title}`,
    "",
    `Asked: ${goal}. Seeds ${seedsOf(seeds)}${short ? ", short form" : ""}, ${seconds} s, commit ${commit}.`,
    "",
    ...(plot === null ? [] : [`![${id}: figures and intervals](learning-results/${plot})`, ""]),
    ...(checks.length === 0 ? [] : [checkTable(checks), ""]),
    note,
    "",
  ].join("\n");
}

async function keptResults(): Promise<readonly BarResult[]> {
  if (!existsSync(KEPT)) return []; // the first full run
  return (JSON.parse(await readFile(KEPT, "utf8")) as { bars: BarResult[] }).bars;
}
