import type { Run } from "./scenarios/scenario.ts";
import type { BenchReport, ScenarioReport } from "./scenario-report.ts";
import { type Figures, medians, spreads } from "./statistics.ts";

/** Everything of one bench JSON as Markdown, with what it was measured with. */
export function reportTables({ commit, machine, node, natsServer, scenarios }: BenchReport): string {
  const memoryGb = Math.round(machine.memoryBytes / 1024 ** 3);
  const where = `Commit ${commit}; ${machine.cores} × ${machine.cpu}, ${memoryGb} GB; Node ${node}, nats-server ${natsServer}.`;
  return [where, ...scenarios.map(scenarioTables)].join("\n\n");
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
  serverP50Ms: "server's own p50, ms",
  serverP99Ms: "server's own p99, ms",
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
