/** What happens to an actor whose handler threw, after the throw discarded the envelope's state and effects (D11). */
export type Directive = "resume" | "restart" | "stop" | "escalate";

/** Delay before a stashed envelope is tried again: doubles from `min` to `max`, with full jitter. */
export interface Backoff {
  readonly min: number;
  readonly max: number;
}

/**
 * Whom a directive reaches. Siblings are the actors of one kind in one partition: the unit of order and ownership, so that what one
 * failure does to others is in one commit. With all-for-one they share the restart budget too.
 */
export type Siblings = "one-for-one" | "all-for-one";

/** Supervision is data (D11): the runtime reads it, agents never act on it. */
export interface SupervisionStrategy {
  readonly directive: Directive;
  readonly siblings: Siblings;
  /** Failures within `withinMs` that are borne; the next one applies `then`. */
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly backoffMs: Backoff;
  readonly then: "stop" | "escalate";
  /** Tries of one envelope before it becomes a dead letter. */
  readonly attemptsMax: number;
}

export interface StrategyOptions {
  readonly siblings?: Siblings;
  readonly maxRestarts?: number;
  readonly withinMs?: number;
  readonly backoffMs?: Backoff;
  readonly then?: "stop" | "escalate";
  readonly attemptsMax?: number;
}

const strategy = (directive: Directive, options: StrategyOptions): SupervisionStrategy => ({
  directive,
  siblings: options.siblings ?? "one-for-one",
  maxRestarts: options.maxRestarts ?? 10,
  withinMs: options.withinMs ?? 60_000,
  backoffMs: options.backoffMs ?? { min: 100, max: 10_000 },
  then: options.then ?? "stop",
  attemptsMax: options.attemptsMax ?? 5,
});

/** Drop the resident state and read it anew before the next envelope. */
export const restart = (options: StrategyOptions = {}): SupervisionStrategy => strategy("restart", options);
/** Keep the resident state (the failed envelope's changes were never applied). */
export const resume = (options: StrategyOptions = {}): SupervisionStrategy => strategy("resume", options);
/** Stop at the first failure; mail becomes dead letters until an operator restarts the actor. */
export const stop = (options: StrategyOptions = {}): SupervisionStrategy => strategy("stop", options);
/** Hand the failure to the level above: for a keyed actor that is being stopped, because it escalates no further (D11). */
export const escalate = (options: StrategyOptions = {}): SupervisionStrategy => strategy("escalate", options);
