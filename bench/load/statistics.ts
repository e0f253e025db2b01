/** Figures by name, each with its unit in the name. */
export type Figures = Readonly<Record<string, number>>;

/** @returns the middle of the values, of two middles their mean; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median of each figure that every run has. */
export function medians(runs: readonly Figures[]): Figures {
  return each(runs, median);
}

/** The least and the most of each figure that every run has. */
export function spreads(runs: readonly Figures[]): Readonly<Record<string, readonly [number, number]>> {
  return each(runs, (values) => [Math.min(...values), Math.max(...values)] as const);
}

function each<T>(runs: readonly Figures[], summary: (values: readonly number[]) => T): Record<string, T> {
  const names = Object.keys(runs[0] ?? {}).filter((name) => runs.every((run) => run[name] !== undefined));
  return Object.fromEntries(names.map((name) => [name, summary(runs.map((run) => run[name] ?? Number.NaN))]));
}
