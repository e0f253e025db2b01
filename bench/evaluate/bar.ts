import type { Datasets } from "./datasets.ts";
import type { WorldFile } from "./world-file.ts";

/** One line of the table in docs/learning-results.md: something that has to be shown, and how far it is. */
export interface Bar {
  /** L1, L2, … */
  readonly id: string;
  readonly title: string;
  /** The bar in words, as the table prints it: "≤ 0.05 on every metric". */
  readonly goal: string;
  /** Whether `--world FILE` changes it. */
  readonly usesWorld: boolean;
  run(context: BarContext): Promise<BarOutcome>;
}

export interface BarContext {
  readonly seeds: readonly number[];
  /** The small form: fewer repetitions, smaller worlds, minutes instead of hours. */
  readonly short: boolean;
  /** Null: the bar's own worlds. */
  readonly world: WorldFile | null;
  /** Null where there are none; a bar that needs them then answers `skippedOutcome`. */
  readonly datasets: Datasets | null;
  readonly progress: (line: string) => void;
  /**
   * Computes one seed's part, or gives what an earlier run of this commit with these parameters computed. A long evaluation that was
   * interrupted goes on where it stopped.
   * @param parameters all that the part depends on besides seed and code.
   * @param compute must give plain JSON, without NaN or infinity.
   */
  readonly remember: <T>(seed: number, part: string, parameters: object, compute: () => T | Promise<T>) => Promise<T>;
}

/** One comparison within a bar. */
export interface Check {
  readonly name: string;
  readonly figure: number;
  /** 95 %, over seeds or repetitions; null where the figure is exact. */
  readonly interval: readonly [number, number] | null;
  readonly bar: number;
  /** On which side of the bar the figure has to be. */
  readonly better: "below" | "above";
  /** What a plain rule reaches; null where there is none. */
  readonly baseline: number | null;
  /** What is the best that can be; null where there is none. */
  readonly oracle: number | null;
}

export interface BarOutcome {
  /** Null when the bar could not be measured: `note` says why. */
  readonly figure: number | null;
  readonly interval: readonly [number, number] | null;
  readonly bar: number | null;
  readonly better: "below" | "above";
  readonly met: boolean | null;
  readonly baseline: number | null;
  readonly oracle: number | null;
  readonly note: string;
  readonly checks: readonly Check[];
}

export interface BarResult extends BarOutcome {
  readonly id: string;
  readonly title: string;
  readonly goal: string;
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** The figures are of the short form. */
  readonly short: boolean;
  /** Of the code that measured it. */
  readonly commit: string;
}

export function isMet({ figure, bar, better }: Check): boolean {
  return better === "below" ? figure <= bar : figure >= bar;
}

/** The outcome of a bar that is met when all its checks are; its figure is that of the first missed check, else of the first. */
export function outcomeOf(checks: readonly Check[], note: string): BarOutcome {
  const shown = checks.find((check) => !isMet(check)) ?? checks[0];
  if (shown === undefined) return skippedOutcome("nothing to check");
  const { figure, interval, bar, better, baseline, oracle } = shown;
  const met = checks.every(isMet);
  return { figure, interval, bar, better, met, baseline, oracle, note: `${shown.name}. ${note}`.trim(), checks };
}

export function skippedOutcome(reason: string): BarOutcome {
  return {
    figure: null,
    interval: null,
    bar: null,
    better: "below",
    met: null,
    baseline: null,
    oracle: null,
    note: `not measured: ${reason}`,
    checks: [],
  };
}
