import type { BarOutcome, BarResult, Check } from "./bar.ts";
import { isMet } from "./bar.ts";

/** One line a bar, in Markdown; the short form is marked, because its intervals are wide. */
export function barTable(results: readonly BarResult[]): string {
  const rows = results.map((result) => [
    result.id,
    result.title,
    figure(result.figure),
    range(result.interval),
    barOf(result),
    figure(result.baseline),
    figure(result.oracle),
    verdict(result.met),
    `${seedsOf(result.seeds)}${result.short ? " (short)" : ""}`,
    `${result.seconds}`,
  ]);
  return table(["bar", "what", "figure", "95 % interval", "asked", "baseline", "oracle", "met", "seeds", "s"], rows);
}

/** Every comparison within a bar. */
export function checkTable(checks: readonly Check[]): string {
  const rows = checks.map((check) => [
    check.name,
    figure(check.figure),
    range(check.interval),
    barOf(check),
    figure(check.baseline),
    figure(check.oracle),
    verdict(isMet(check)),
  ]);
  return table(["check", "figure", "95 % interval", "asked", "baseline", "oracle", "met"], rows);
}

/** Short enough for a table, exact enough for the bars: four significant digits. */
export function figure(value: number | null): string {
  if (value === null) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

export function seedsOf(seeds: readonly number[]): string {
  const [first = 0] = seeds;
  const last = seeds.at(-1) ?? first;
  const inRow = seeds.every((seed, place) => seed === first + place);
  return inRow && seeds.length > 1 ? `${first}..${last}` : seeds.join(", ");
}

function barOf({ bar, better }: Pick<BarOutcome, "bar" | "better">): string {
  return bar === null ? "–" : `${better === "below" ? "≤" : "≥"} ${figure(bar)}`;
}

const range = (interval: readonly [number, number] | null): string =>
  interval === null ? "–" : `${figure(interval[0])} to ${figure(interval[1])}`;

function verdict(met: boolean | null): string {
  return met === null ? "not measured" : met ? "met" : "**missed**";
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
