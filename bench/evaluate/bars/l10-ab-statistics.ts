import { type Bar, type BarOutcome, outcomeOf, skippedOutcome } from "../bar.ts";
import type { Datasets } from "../datasets.ts";
import { groupChecks } from "../deviation.ts";
import { abDeviations } from "./ab-reference.ts";

const TOLERANCE = 1e-6;

export const abStatisticsBar: Bar = {
  id: "L10",
  title: "A/B statistics against spotify-confidence and GrowthBook",
  goal: "equal to 1e-6",
  usesWorld: false,
  run: async ({ datasets }) =>
    datasets === null ? skippedOutcome("no datasets; see CHORUS_DATASETS") : measure(datasets),
};

function measure(datasets: Datasets): BarOutcome {
  const deviations = abDeviations(datasets);
  const checks = groupChecks(deviations, TOLERANCE).sort((a, b) => b.figure - a.figure);
  return outcomeOf(checks, `${deviations.length} figures compared; the deviation is relative above 1, absolute below`);
}
