import type { Interval } from "./effect.ts";
import type { Maturity } from "./fatigue-maturity.ts";
import { type GuardrailReading, guardrailState, harmedGuardrails } from "./guardrail.ts";
import type { SampleRatio } from "./sample-ratio.ts";

/** What an experiment's main metric and its checks say at one moment. */
export interface ReadOutFacts {
  readonly experiment: string;
  readonly metric: string;
  /** Whether more of the metric is wanted. */
  readonly wanted: "more" | "less";
  /** Relative to the control, 0.02 = 2 % more. */
  readonly effect: number;
  /** Of a confidence sequence; unbounded as long as it may not start. */
  readonly interval: Interval;
  /** 1 − alpha of the interval, 0.95. */
  readonly confidence: number;
  readonly units: number;
  /** What a unit is called: listeners, sessions. */
  readonly unitName: string;
  readonly sampleRatio: SampleRatio;
  readonly guardrails: readonly GuardrailReading[];
  /** Null where the test is not about fatigue. */
  readonly maturity: Maturity | null;
}

/** In order of precedence: the first that applies. */
export type Verdict =
  "sample-ratio-mismatch" | "harmful" | "too-few-units" | "immature" | "better" | "worse" | "no-difference-shown";

export interface ReadOut {
  readonly verdict: Verdict;
  readonly text: string;
}

/** What the figures mean, in a verdict and in words. Says no effect while the arms' sizes are wrong: it would compare different listeners. */
export function readOut(facts: ReadOutFacts): ReadOut {
  const verdict = verdictOf(facts);
  const lines = [
    effectLine(facts, verdict),
    ratioLine(facts.sampleRatio),
    ...guardrailLines(facts.guardrails),
    ...maturityLines(facts.maturity),
    `Verdict: ${verdictText(facts, verdict)}`,
  ];
  return { verdict, text: lines.join("\n") };
}

function verdictOf({ sampleRatio, guardrails, interval, maturity, wanted }: ReadOutFacts): Verdict {
  if (sampleRatio.mismatch) return "sample-ratio-mismatch";
  // Harm is acted upon early: fatigue that shows before its time is real all the same.
  if (harmedGuardrails(guardrails).length > 0) return "harmful";
  if (!Number.isFinite(interval.lower) || !Number.isFinite(interval.upper)) return "too-few-units";
  if (maturity?.kind === "immature") return "immature";
  if (interval.lower > 0) return wanted === "more" ? "better" : "worse";
  if (interval.upper < 0) return wanted === "more" ? "worse" : "better";
  return "no-difference-shown";
}

function effectLine(facts: ReadOutFacts, verdict: Verdict): string {
  const { experiment, metric, units, unitName, interval, confidence } = facts;
  const about = `${experiment}: ${metric}, ${units.toLocaleString("en")} ${unitName}`;
  if (verdict === "sample-ratio-mismatch") return `${about}. No effect is shown.`;
  if (!Number.isFinite(interval.lower)) return `${about}. Too few for an interval.`;
  const range = `${percent(interval.lower)} to ${percent(interval.upper)}`;
  return `${about}. Effect ${percent(facts.effect)}, ${Math.round(confidence * 100)} % interval ${range} (valid whenever you look).`;
}

function ratioLine({ mismatch, pValue }: SampleRatio): string {
  const p = pValue < 0.0001 ? "p < 0.0001" : `p = ${pValue.toFixed(4)}`;
  return mismatch
    ? `The arms are not of the sizes they were meant to be (${p}): find what loses or repeats units first.`
    : `The arms are of the sizes they were meant to be (${p}).`;
}

function guardrailLines(readings: readonly GuardrailReading[]): string[] {
  return readings.map((reading) => {
    const { metric, harm, margin } = reading.guardrail;
    const { lower, upper } = reading.interval;
    const state = { harmed: "broken", safe: "kept", open: "not settled" }[guardrailState(reading)];
    const range = Number.isFinite(lower) ? `${percent(lower)} to ${percent(upper)}` : "no interval yet";
    return `Guardrail ${metric} (${harm} of at most ${(margin * 100).toFixed(1)} %): ${state}, ${range}.`;
  });
}

function maturityLines(maturity: Maturity | null): string[] {
  switch (maturity?.kind) {
    case "immature":
      return [`Fatigue takes months to show: not decided before 12 weeks, ${maturity.daysLeft} days from now.`];
    case "corrected":
      return [
        `Corrected for age: by now a treatment shows about ${Math.round(maturity.share * 100)} % of its final effect; effect and interval are those of the end.`,
      ];
    default:
      return [];
  }
}

function verdictText({ metric, guardrails }: ReadOutFacts, verdict: Verdict): string {
  switch (verdict) {
    case "sample-ratio-mismatch":
      return "none; the comparison is broken.";
    case "harmful":
      return `harmful to ${harmedGuardrails(guardrails)
        .map((guardrail) => guardrail.metric)
        .join(", ")}; roll back.`;
    case "too-few-units":
      return "too early to tell.";
    case "immature":
      return "too early for a test of fatigue.";
    case "better":
      return `better: ${metric} improves.`;
    case "worse":
      return `worse: ${metric} suffers.`;
    case "no-difference-shown":
      return "no difference shown so far; that is not proof of none.";
  }
}

function percent(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(2)} %`;
}
