import type { Check } from "./bar.ts";

/** One of our figures beside that of a named tool. */
export interface Deviation {
  readonly name: string;
  readonly ours: number;
  readonly tool: number;
  /** |ours − tool|, divided by |tool| where that is above 1; NaN when either is no number. */
  readonly size: number;
}

export function compare(name: string, ours: number, tool: number): Deviation {
  return { name, ours, tool, size: Math.abs(ours - tool) / Math.max(1, Math.abs(tool)) };
}

/** The farthest first; what is no number counts as farthest. */
export function farthestFirst(deviations: readonly Deviation[]): Deviation[] {
  const size = (each: Deviation): number => (Number.isNaN(each.size) ? Infinity : each.size);
  return deviations.toSorted((a, b) => size(b) - size(a));
}

/** Of each group (what stands before the first colon) the farthest, as a check against a tolerance; groups in the order given. */
export function groupChecks(deviations: readonly Deviation[], tolerance: number): Check[] {
  const groups = Map.groupBy(deviations, ({ name }) => name.split(":", 1)[0] ?? name);
  return [...groups].flatMap(([group, members]) => {
    const [farthest] = farthestFirst(members);
    if (farthest === undefined) return [];
    const name = members.length === 1 ? group : `${group}: farthest of ${members.length} figures`;
    return [
      { name, figure: farthest.size, interval: null, bar: tolerance, better: "below", baseline: null, oracle: 0 },
    ];
  });
}
