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
  eventsPerSecond: "events a second, or the highest rate held",
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
  ackedPerSecond: "acknowledged, events a second",
  uniformPerSecond: "uniform keys: events a second",
  uniformCpuMicros: "uniform keys: CPU, µs an event",
  coldPerSecond: "uniform, ten times the keys: events a second",
  coldCpuMicros: "uniform, ten times the keys: CPU, µs an event",
  oneShardPerSecond: "one shard: events a second",
  oneShardCpuMicros: "one shard: CPU, µs an event",
  twoShardsPerSecond: "two shards: events a second",
  twoShardsCpuMicros: "two shards: CPU, µs an event",
  recordBytesPerEvent: "log, bytes an event",
  eventsPerGroup: "events a group",
  loopP999Ms: "at 70 % load: event loop of a shard, p99.9, ms",
  bytesPerActor: "heap a resident actor beyond its state, bytes",
  onePerSecond: "1 in flight: asks a second",
  oneP50Ms: "1 in flight: p50, ms",
  oneP99Ms: "1 in flight: p99, ms",
  behindMail16P99Ms: "with mail behind, 16 in flight: p99, ms",
  behindMailPerSecond: "with mail behind, 64 in flight: asks a second",
  behindMailP99Ms: "with mail behind, 64 in flight: p99, ms",
  mailPerSecond: "mail behind: events a second",
  consultsPerSecond: "local agent in its thread: asks a second",
  manyPerSecond: "64 in flight: asks a second",
  manyP99Ms: "64 in flight: p99, ms",
  startMs: "from the kill to the first answer, ms",
  smallStartMs: "the same with a tenth of the actors, ms",
  bidShare: "bids, share",
  manyCpuMicros: "10,000 campaigns: CPU, µs a decision",
  manyP50Ms: "10,000 campaigns: p50, ms",
  manyBidShare: "10,000 campaigns: bids, share",
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
