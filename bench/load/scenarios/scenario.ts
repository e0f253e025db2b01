import type { Figures } from "../statistics.ts";
import type { LoadSettings } from "../workbench.ts";

/** A program that moves the same bytes through the same parts and nothing else, measured in the same run. */
export interface FloorFigures {
  readonly name: string;
  readonly figures: Figures;
}

/** `ratio`: our events a second by the ceiling's. */
export interface Run {
  readonly figures: Figures;
  readonly ceiling: FloorFigures;
  readonly ratio: number;
  /** The other floors. */
  readonly floors: readonly FloorFigures[];
}

/** What a run must reach, against floors of that same run. */
export interface Goal {
  /** As `performance.md` or the issue names it. */
  readonly id: string;
  readonly text: string;
  readonly figure: (run: Run) => number;
  readonly bound: (run: Run) => number;
  readonly better: "below" | "above";
}

export interface Scenario {
  readonly name: string;
  /** Settings that it goes by, for its report. */
  readonly parameters: readonly (keyof LoadSettings)[];
  readonly goals: readonly Goal[];
  /** One run on a fresh daemon. Rejects when it cannot be measured at all. */
  readonly run: (settings: LoadSettings, print: (line: string) => void, signal: AbortSignal) => Promise<Run>;
}

/** @returns the figure of that name of a run; NaN where it was not measured. */
export const figureOf =
  (name: string) =>
  ({ figures }: Run): number =>
    figures[name] ?? Number.NaN;

/** @returns a figure of a floor of the run; NaN where it was not measured. */
export function floorFigure(run: Run, floor: string, figure: string): number {
  const found = [run.ceiling, ...run.floors].find(({ name }) => name === floor);
  return found?.figures[figure] ?? Number.NaN;
}
