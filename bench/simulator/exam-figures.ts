import type { Outcomes } from "./outcomes.ts";
import type { Arm } from "./trial.ts";
import { type Estimate, interval, TrialEstimates } from "./trial-estimates.ts";

/** One figure of Pandora's trial and what the simulated one says. */
export interface ExamFigure {
  readonly name: string;
  /** `%`: shown in percent; `share`: in shares of 1. */
  readonly unit: "%" | "share";
  readonly pandora: number;
  /** How far off the figure may be, as a share of Pandora's. */
  readonly tolerance: number;
  readonly value: number;
  /** 95 % over listeners. */
  readonly interval: readonly [number, number];
  readonly inside: boolean;
}

const column =
  (name: { [Name in keyof Outcomes]: Outcomes[Name] extends Float64Array ? Name : never }[keyof Outcomes]) =>
  (arm: Arm): Float64Array =>
    arm.outcomes[name];

const TOLERANCE = 0.15;
/** Pandora's own definition of churn is not in the sources at hand; ours is "left for good, not for the paid service". */
const CHURN_TOLERANCE = 0.5;

/** The table of learning.md 2. Effects on the last 30 days of the trial, unless said otherwise, for one more ad an hour. */
export function examFigures(arms: readonly Arm[]): readonly ExamFigure[] {
  const trial = new TrialEstimates(arms);
  const hours = column("musicHoursLast");
  const days = column("activeDaysLast");
  const active = column("activeInLast");
  const monthOne = trial.relative(column("musicHoursFirst"));
  const elasticity: Estimate = {
    value: monthOne.value * trial.meanAdsPerHour,
    standardError: monthOne.standardError * trial.meanAdsPerHour,
  };
  return [
    figure("hours", "%", -0.0208, trial.relative(hours)),
    figure("active days", "%", -0.0191, trial.relative(days)),
    figure("listeners active at all", "%", -0.00915, trial.relative(active)),
    figure("days per active listener", "%", -0.00955, trial.relativeRatio(days, active)),
    // Ads lengthen no evening a month later: the effect on a day's hours is there from the first day, so all days may say what it is.
    figure(
      "hours per active day, whole trial",
      "%",
      -0.00403,
      trial.relativeRatio(column("musicHours"), column("activeDays")),
    ),
    figure("hours, one more break of one ad an hour", "%", -0.0197, trial.relativeToOneAdBreaks(hours)),
    figure("hours, one more pod of two an hour", "%", -0.0412, trial.relativeToPods(hours)),
    figure("elasticity of hours in the first 30 days", "share", -0.02, elasticity),
    figure("subscribed by the end", "share", 0.00145, trial.absolute(column("subscribed"))),
    figure("left for good by the end", "share", 0.00336, trial.absolute(column("left")), CHURN_TOLERANCE),
  ];
}

function figure(
  name: string,
  unit: "%" | "share",
  pandora: number,
  estimate: Estimate,
  tolerance: number = TOLERANCE,
): ExamFigure {
  const inside = Math.abs(estimate.value - pandora) <= tolerance * Math.abs(pandora);
  return { name, unit, pandora, tolerance, value: estimate.value, interval: interval(estimate), inside };
}
