import { restart, type Backoff, type Directive, type SupervisionStrategy } from "../actor/supervision.ts";
import type { Activation } from "./activation.ts";

const DEFAULT_STRATEGY = restart();

export function strategyOf({ definition }: Pick<Activation, "definition">): SupervisionStrategy {
  return definition.supervision ?? DEFAULT_STRATEGY;
}

/** Those of the recent failures that still count, with the new one; at most one more than the budget bears. */
export function withFailure(
  failuresMs: readonly number[],
  nowMs: number,
  budget: Pick<SupervisionStrategy, "maxRestarts" | "withinMs">,
): number[] {
  const recent = failuresMs.filter((atMs) => atMs > nowMs - budget.withinMs);
  return [...recent, nowMs].slice(-(budget.maxRestarts + 1));
}

/** Whether a restart budget bears the failures that `withFailure` left. */
export function bears(failuresMs: readonly number[], budget: Pick<SupervisionStrategy, "maxRestarts">): boolean {
  return failuresMs.length <= budget.maxRestarts;
}

/**
 * What a strategy says about recent failures, the newest included (D11). A keyed actor escalates no further than being stopped, so
 * `escalate` comes out as stop.
 */
export function directiveFor(
  strategy: SupervisionStrategy,
  failuresMs: readonly number[],
): Exclude<Directive, "escalate"> {
  if (!bears(failuresMs, strategy)) return "stop";
  return strategy.directive === "escalate" ? "stop" : strategy.directive;
}

/** Half jitter over an exponential bound (Brooker, AWS Architecture Blog 2015): between half and all of it, so that a retry is never at once. */
export function backoffMs(backoff: Backoff, attempts: number, random: number): number {
  const bound = Math.min(backoff.max, backoff.min * 2 ** Math.min(attempts - 1, 30));
  return Math.ceil(bound / 2 + (bound / 2) * random);
}
