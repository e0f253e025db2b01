import { beforeAll, expect, test } from "vitest";
import { type ExamFigure, examFigures } from "../../bench/simulator/exam-figures.ts";
import { runTrial, TRIAL_DAYS } from "../../bench/simulator/trial.ts";
import { bundledWorld } from "../../bench/simulator/world-file.ts";
import { changed } from "../support/simulator-policies.ts";

/* The exam itself is `npm run simulator:exam`. With so few listeners a point proves little, so here whole intervals are compared. */

const SEED = 1;
const world = await bundledWorld("default");
const trial = (sensitivityMean: number, listeners: number): readonly ExamFigure[] =>
  examFigures(
    runTrial(
      changed(world, (copy) => void (copy.population.sensitivityMean = sensitivityMean)),
      SEED,
      listeners,
      TRIAL_DAYS,
      () => undefined,
    ),
  );
/** Whether the 95 % interval meets the band that the exam allows. */
const meets = ({ interval: [low, high], pandora, tolerance }: ExamFigure): boolean => {
  const edges = [pandora * (1 - tolerance), pandora * (1 + tolerance)];
  return low <= Math.max(...edges) && high >= Math.min(...edges);
};

let figures: readonly ExamFigure[] = [];
beforeAll(() => {
  figures = trial(1, 200);
}, 120_000);

test("with 200 listeners the interval of every figure of Pandora's trial meets its band", () => {
  expect(figures.filter((figure) => !meets(figure))).toEqual([]);
  expect(figures).toHaveLength(10);
});

test("with 200 listeners one more ad an hour already costs hours, days and listeners, and the first month shows little of it", () => {
  const upper = (name: string) => figures.find((figure) => figure.name === name)!.interval[1];
  for (const name of ["hours", "active days", "listeners active at all"]) expect(upper(name)).toBeLessThan(0);
  const monthOne = figures.find((figure) => figure.name.startsWith("elasticity"))!;
  expect(monthOne.value).toBeLessThan(0);
  expect(monthOne.value).toBeGreaterThan(-0.0208 * 3.63 * 0.5);
});

test(
  "a world with three times the sensitivity fails the exam, and so does one without any",
  { timeout: 120_000 },
  () => {
    const hours = (mean: number) => trial(mean, 60).find((figure) => figure.name === "hours")!;
    expect(meets(hours(3))).toBe(false);
    expect(meets(hours(0))).toBe(false);
  },
);
