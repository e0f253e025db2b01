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
  const outcome: BarOutcome = await bar.run(contextOf(bar, settings));
  const seconds = Math.round((nowSeconds() - begun) * 10) / 10;
  return { id, title, goal, ...outcome, seeds, seconds, short, commit: kept.commit };
}

function contextOf(bar: Bar, settings: EvaluationSettings): BarContext {
  const { seeds, short, datasets, kept, progress } = settings;
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
      if (found !== undefined) return found as T; // what `compute` gave under the same code and parameters
      const value = await compute();
      kept.keep(name, value);
      return value;
    },
  };
}
