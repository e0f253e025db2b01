import { restart, type Backoff, type Directive, type SupervisionStrategy } from "../actor/supervision.ts";
import type { Activation } from "./activation.ts";

const DEFAULT_STRATEGY = restart();

export function strategyOf(activation: Activation): SupervisionStrategy {
  return activation.definition.supervision ?? DEFAULT_STRATEGY;
}

/**
 * Counts a failure and says what to do (D11). A keyed actor escalates no further than being stopped, so `escalate` arrives here as stop.
 */
export function superviseFailure(
  activation: Activation,
  error: unknown,
  nowMs: number,
): Exclude<Directive, "escalate"> {
  const strategy = strategyOf(activation);
  activation.lastError = error instanceof Error ? error.message : String(error);
  activation.failuresMs = activation.failuresMs.filter((atMs) => atMs > nowMs - strategy.withinMs);
  activation.failuresMs.push(nowMs);
  if (activation.failuresMs.length > strategy.maxRestarts) return "stop";
  if (strategy.directive === "stop" || strategy.directive === "escalate") return "stop";
  if (strategy.directive === "restart") activation.restarts++;
  return strategy.directive;
}

/** Full jitter over an exponential bound (Brooker, AWS Architecture Blog 2015): between half and all of it, so that a retry is never at once. */
export function backoffMs(backoff: Backoff, attempts: number, random: number): number {
  const bound = Math.min(backoff.max, backoff.min * 2 ** Math.min(attempts - 1, 30));
  return Math.ceil(bound / 2 + (bound / 2) * random);
}
