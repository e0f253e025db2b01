import {
  directMethod,
  doublyRobust,
  fullCorrection,
  inversePropensity,
  selfNormalised,
  selfNormalisedDoublyRobust,
  type ValueEstimate,
} from "./estimates.ts";
import {
  type Overlap,
  OVERLAP_LIMITS,
  type OverlapLimits,
  overlapOf,
  type OverlapRefusal,
  overlapRefusals,
} from "./overlap.ts";
import type { RoundSums } from "./round-sums.ts";
import { normalInterval } from "./value-interval.ts";

export type Estimator = "ips" | "snips" | "dm" | "dr" | "sndr" | "switch-dr" | "dros";

export interface NamedEstimate extends ValueEstimate {
  readonly estimator: Estimator;
  /** The limit of Switch-DR or DRos; null for the others. */
  readonly limit: number | null;
  /** Null for the direct method: its spread over rounds says nothing of the model's error, which is what matters. */
  readonly interval: { readonly lower: number; readonly upper: number } | null;
}

export type OffPolicyResult =
  | { readonly kind: "refused"; readonly overlap: Overlap; readonly refusals: readonly OverlapRefusal[] }
  | { readonly kind: "estimated"; readonly overlap: Overlap; readonly estimates: readonly NamedEstimate[] };

/**
 * The target policy's value by every estimator, or why the log cannot tell. Propensities are checked apart
 * (`propensityCalibration`): a log with wrong ones passes here.
 * @param alpha 1 − confidence of the intervals.
 */
export function evaluateOffPolicy(
  sums: RoundSums,
  alpha: number,
  limits: OverlapLimits = OVERLAP_LIMITS,
): OffPolicyResult {
  const overlap = overlapOf(sums);
  const refusals = overlapRefusals(overlap, limits);
  if (refusals.length > 0) return { kind: "refused", overlap, refusals };
  return { kind: "estimated", overlap, estimates: allEstimates(sums, alpha) };
}

/** Every estimator's figure, whatever the overlap: for comparisons with other tools. A read-out goes through `evaluateOffPolicy`. */
export function allEstimates(sums: RoundSums, alpha: number): NamedEstimate[] {
  const named = (estimator: Estimator, estimate: ValueEstimate, limit: number | null = null): NamedEstimate => ({
    ...estimate,
    estimator,
    limit,
    interval: estimator === "dm" ? null : normalInterval(estimate, alpha),
  });
  return [
    named("ips", inversePropensity(sums)),
    named("snips", selfNormalised(sums)),
    named("dm", directMethod(sums)),
    named("dr", doublyRobust(sums, fullCorrection(sums))),
    named("sndr", selfNormalisedDoublyRobust(sums)),
    ...sums.corrections.flatMap((correction) => {
      const { weighting } = correction;
      if (weighting.kind === "full") return [];
      const estimator = weighting.kind === "switch" ? "switch-dr" : "dros";
      return [named(estimator, doublyRobust(sums, correction), weighting.limit)];
    }),
  ];
}
