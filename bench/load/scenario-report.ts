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
