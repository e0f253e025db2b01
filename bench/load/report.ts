import type { Provenance } from "./machine.ts";
import type { Goal, Run, Scenario } from "./scenarios/scenario.ts";
import { type Figures, median, medians, spreads } from "./statistics.ts";

/** A goal as the runs met it. */
export interface GoalReport {
  readonly id: string;
  readonly text: string;
  /** Medians over the runs. */
  readonly figure: number;
  readonly bound: number;
  /** Median over the runs of the figure by its own run's bound: what decides, because only ratios inside a run count. */
  readonly share: number;
  readonly met: boolean;
}

/** One scenario of the bench JSON (interfaces.md 7). `floors` and `goals` are ours beside it. */
export interface ScenarioReport {
  readonly name: string;
  readonly parameters: Figures;
  readonly runs: readonly Run[];
  readonly median: Figures;
  readonly spread: Readonly<Record<string, readonly [number, number]>>;
  readonly goals: readonly GoalReport[];
}

/** The bench JSON. */
export interface BenchReport extends Provenance {
  readonly scenarios: readonly ScenarioReport[];
}

export function scenarioReport(
  scenario: Pick<Scenario, "name" | "goals">,
  parameters: Figures,
  runs: readonly Run[],
): ScenarioReport {
  const figures = runs.map((run) => ({ ...run.figures, ratio: run.ratio }));
  return {
    name: scenario.name,
    parameters,
    runs,
    median: medians(figures),
    spread: spreads(figures),
    goals: scenario.goals.map((goal) => goalReport(goal, runs)),
  };
}

function goalReport({ id, text, figure, bound, better }: Goal, runs: readonly Run[]): GoalReport {
  const share = median(runs.map((run) => figure(run) / bound(run)));
  const met = better === "below" ? share <= 1 : share >= 1;
  return { id, text, figure: median(runs.map(figure)), bound: median(runs.map(bound)), share, met };
}

/** Two Markdown tables: figures beside those of the floors, medians with spread, then the goals. */
export function scenarioTables({ name, parameters, runs, goals }: ScenarioReport): string {
  const title = `${name}: ${runs.length} run${runs.length === 1 ? "" : "s"}, ${parametersText(parameters)}`;
  const columns = columnsOf(runs);
  const names = [...new Set(columns.flatMap(({ figures }) => figures.flatMap(Object.keys)))];
  const rows = names.map((figure) => [label(figure), ...columns.map(({ figures }) => cell(figures, figure))]);
  const table = markdown([["median [least–most]", ...columns.map((column) => column.name)], ...rows]);
  const verdicts = goals.map(({ id, text, figure, bound, share, met }) => [
    id,
    text,
    decimal(figure),
    decimal(bound),
    decimal(share),
    met ? "met" : "**missed**",
  ]);
  return [`### ${title}`, table, markdown([["", "goal", "figure", "bound", "figure / bound", ""], ...verdicts])].join(
    "\n\n",
  );
}

function columnsOf(runs: readonly Run[]): readonly { readonly name: string; readonly figures: readonly Figures[] }[] {
  const floors = [runs[0]?.ceiling, ...(runs[0]?.floors ?? [])].flatMap((floor) => floor?.name ?? []);
  const figuresOf = (floor: string): readonly Figures[] =>
    runs
      .flatMap((run) => [run.ceiling, ...run.floors].filter(({ name }) => name === floor))
      .map(({ figures }) => figures);
  return [
    { name: "chorus", figures: runs.map(({ figures }) => figures) },
    ...floors.map((name) => ({ name, figures: figuresOf(name) })),
  ];
}

function cell(figures: readonly Figures[], name: string): string {
  const middle = medians(figures)[name];
  const [least, most] = spreads(figures)[name] ?? [];
  if (middle === undefined || least === undefined || most === undefined) return "";
  return least === most ? decimal(middle) : `${decimal(middle)} [${decimal(least)}–${decimal(most)}]`;
}

const LABELS: Readonly<Record<string, string>> = {
  eventsPerSecond: "highest rate held, a second",
  p50Ms: "p50, ms",
  p90Ms: "p90, ms",
  p99Ms: "p99, ms",
  p999Ms: "p99.9, ms",
  maxMs: "longest, ms",
  cpuMicrosPerEvent: "CPU, µs an event",
  sendLagP99Ms: "of it the generator's own lag, p99, ms",
  adlessShare: "neither ad nor accepted beacon, share",
  busyP50Ms: "at 70 % of the highest rate: p50, ms",
  busyP99Ms: "at 70 %: p99, ms",
  busyCpuMicrosPerEvent: "at 70 %: CPU, µs an event",
};

const label = (figure: string): string => LABELS[figure] ?? figure;

/** Three significant digits, and no more digits than a count has. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-GB");
  return String(Number(value.toPrecision(3)));
}

function parametersText(parameters: Figures): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${decimal(value)}`)
    .join(", ");
}

function markdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n");
}
