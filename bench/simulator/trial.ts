import { type Outcomes, total } from "./outcomes.ts";
import { fixedCadence } from "./policies/fixed-cadence.ts";
import { runPolicy } from "./run.ts";
import type { World } from "./world-file.ts";

/** Pandora's 21 months. */
export const TRIAL_DAYS = 640;

/**
 * The three break frequencies and three pod lengths of Pandora's trial, crossed: one ad, one and two in turn, two. Its levels of
 * delivered load are not restated in the sources at hand beyond "more than twice as many ads" from lowest to highest, so the timers are
 * chosen [A] for loads around Pandora's average of 3.63, from about 1.9 to 5.6 ads an hour; effects are per ad an hour *delivered*.
 */
const EVERY_MINUTES = [20, 17, 14] as const;
const POD_ADS = [[1], [1, 2], [2]] as const;

/** What one arm delivered, per hour of music over the whole trial, and what each listener did in it. */
export interface Arm {
  readonly name: string;
  readonly adsPerHour: number;
  readonly oneAdBreaksPerHour: number;
  readonly podsPerHour: number;
  readonly outcomes: Outcomes;
}

/**
 * Runs the nine arms. Unlike Pandora's, every listener goes through all of them (common random numbers), and leaving is weighed rather
 * than drawn, so that thousands of listeners say what it took millions to say.
 */
export function runTrial(
  world: World,
  seed: number,
  listeners: number,
  days: number,
  progress: (line: string) => void,
): readonly Arm[] {
  return EVERY_MINUTES.flatMap((everyMinutes) =>
    POD_ADS.map((podAds) => {
      const policy = fixedCadence({ everyMinutes, podAds });
      const outcomes = runPolicy(world, policy, { seed, listeners, days, survival: "weighted" });
      const hours = total(outcomes.musicHours);
      const arm: Arm = {
        name: policy.name,
        adsPerHour: total(outcomes.ads) / hours,
        oneAdBreaksPerHour: total(outcomes.oneAdBreaks) / hours,
        podsPerHour: total(outcomes.pods) / hours,
        outcomes,
      };
      progress(`${arm.name}: ${arm.adsPerHour.toFixed(2)} ads an hour`);
      return arm;
    }),
  );
}
