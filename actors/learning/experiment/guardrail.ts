import type { Interval } from "./effect.ts";

/** A metric that a treatment must not harm by more than a margin. */
export interface Guardrail {
  readonly metric: string;
  /** Which direction hurts: hours hurt by a decrease, errors by an increase. */
  readonly harm: "decrease" | "increase";
  /** The largest harm that is borne, relative to the control: 0.01 = 1 %. At least 0. */
  readonly margin: number;
}

/**
 * - `harmed`: the confidence sequence excludes that the harm is within the margin: roll back.
 * - `safe`: it excludes that the harm is beyond it.
 * - `open`: neither yet.
 */
export type GuardrailState = "harmed" | "safe" | "open";

export interface GuardrailReading {
  readonly guardrail: Guardrail;
  /** Of the relative effect, from a confidence sequence: a guardrail is looked at all the time. */
  readonly interval: Interval;
}

/** @param interval of the relative effect; must be valid at any time, for a guardrail that acts at the first exclusion. */
export function guardrailState({ guardrail, interval }: GuardrailReading): GuardrailState {
  const { harm, margin } = guardrail;
  const [least, most] = harm === "increase" ? [interval.lower, interval.upper] : [-interval.upper, -interval.lower];
  if (least > margin) return "harmed";
  return most < margin ? "safe" : "open";
}

/** The guardrails that call for a rollback; one is enough. */
export function harmedGuardrails(readings: readonly GuardrailReading[]): Guardrail[] {
  return readings.filter((reading) => guardrailState(reading) === "harmed").map(({ guardrail }) => guardrail);
}
