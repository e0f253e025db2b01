import type { Bar, BarContext, BarOutcome, BarResult } from "./bar.ts";
import type { Datasets } from "./datasets.ts";
import type { KeptParts } from "./kept-parts.ts";
import type { WorldFile } from "./world-file.ts";

/** How one evaluation is made: what is the same for all its bars. */
export interface EvaluationSettings {
  readonly seeds: readonly number[];
  readonly short: boolean;
  readonly world: WorldFile | null;
  readonly datasets: Datasets | null;
  readonly kept: KeptParts;
  readonly progress: (line: string) => void;
  /** Monotonic, in seconds. */
  readonly nowSeconds: () => number;
}

/** Runs one bar. What it throws is not caught: a bar that cannot be measured says so with `skippedOutcome`. */
export async function evaluateBar(bar: Bar, settings: EvaluationSettings): Promise<BarResult> {
  const { seeds, short, kept, nowSeconds } = settings;
  const { id, title, goal } = bar;
  const begun = nowSeconds();
  const spared = { seconds: 0 };
  const outcome: BarOutcome = await bar.run(contextOf(bar, settings, spared));
  const seconds = Math.round((nowSeconds() - begun + spared.seconds) * 10) / 10;
  return { id, title, goal, ...outcome, seeds, seconds, short, commit: kept.commit };
}

/** @param spared what earlier runs spent on the parts that are found: a bar's seconds are what it costs, not what is left of it. */
function contextOf(bar: Bar, settings: EvaluationSettings, spared: { seconds: number }): BarContext {
  const { seeds, short, datasets, kept, progress, nowSeconds } = settings;
  const world = bar.usesWorld ? settings.world : null;
  return {
    seeds,
    short,
    world,
    datasets,
    progress,
    async remember<T>(seed: number, part: string, parameters: object, compute: () => T | Promise<T>): Promise<T> {
      const name = { bar: bar.id, seed, part, parameters: { ...parameters, world: world?.value ?? null } };
      const found = kept.find(name);
      if (found !== null) {
        spared.seconds += found.seconds;
        return found.value as T; // what `compute` gave under the same code and parameters
      }
      const begun = nowSeconds();
      const value = await compute();
      kept.keep(name, { value, seconds: nowSeconds() - begun });
      return value;
    },
  };
}
