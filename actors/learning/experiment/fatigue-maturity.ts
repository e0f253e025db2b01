import type { Effect } from "./effect.ts";

/**
 * Ad fatigue takes months: the first month shows less than a third of what a year does (Goli, Huang, Reiley, Riabov, arXiv 2412.05516). A test of
 * it is not decided before this, unless its effect is corrected for age.
 */
const FATIGUE_DAYS_MIN = 12 * 7;

/** The share of its final effect that a treatment shows by then, from (0, 1], not falling. */
export type MaturityCurve = (days: number) => number;

export type Maturity =
  | { readonly kind: "mature" }
  | { readonly kind: "corrected"; readonly share: number }
  | { readonly kind: "immature"; readonly daysLeft: number };

/** @param days since the treatment began; @param curve null when none was learned. */
export function fatigueMaturity(days: number, curve: MaturityCurve | null): Maturity {
  if (curve !== null) {
    const share = curve(days);
    if (share > 0 && share < 1) return { kind: "corrected", share };
    if (share === 1) return { kind: "mature" };
  }
  return days >= FATIGUE_DAYS_MIN
    ? { kind: "mature" }
    : { kind: "immature", daysLeft: Math.ceil(FATIGUE_DAYS_MIN - days) };
}

/** The effect that the treatment is on its way to. Its interval widens by as much: what is not seen yet is not known. */
export function maturedEffect(effect: Effect, maturity: Maturity): Effect {
  if (maturity.kind !== "corrected") return effect;
  const { share } = maturity;
  return { ...effect, estimate: effect.estimate / share, variance: effect.variance / (share * share) };
}
