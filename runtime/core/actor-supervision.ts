import { Fault, toWireFault, type WireFault } from "../../protocols/errors.ts";
import { formatActorId } from "../../protocols/ids.ts";
import type { Activation } from "./activation.ts";
import type { DeadLetterCause } from "./dead-letter.ts";
import { EffectScope, type ScopeHost } from "./effect-scope.ts";
import type { StashedEnvelope } from "./header.ts";
import type { OpenRecord } from "./open-record.ts";
import { backoffMs, strategyOf, superviseFailure } from "./supervisor.ts";

/** Envelopes one actor's stash holds; the head becomes a dead letter above it (D11). */
const STASH_MAX = 256;
/** The runtime's own timer of an actor with a stash. */
export const RETRY_TIMER = "$retry";

/** What supervision needs of the partition it works in. */
export interface SupervisionHost extends ScopeHost {
  open(): OpenRecord;
  event(kind: string, event: string, details: Record<string, unknown>): void;
  count(counter: "dropped" | "deadLetters" | "stashed" | "failed"): void;
}

/**
 * What becomes of actors and envelopes that failed, in one partition (D11): directives, stash, dead letters, stopped actors. Writes
 * nothing but headers and dead letters. S1: while an actor has a stash, later tells queue behind it. S2: a stopped actor's mail becomes
 * dead letters until an operator restarts it.
 */
export class ActorSupervision {
  readonly #host: SupervisionHost;

  constructor(host: SupervisionHost) {
    this.#host = host;
  }

  /** What a failed tell becomes: stashed for another try, or a dead letter after the last one. */
  fail(activation: Activation, failed: StashedEnvelope, error: unknown, rest: readonly StashedEnvelope[] = []): void {
    this.#host.count("failed");
    const directive = this.judge(activation, error);
    const attempts = failed.attempts + 1;
    const fault = toWireFault(error);
    const cause: DeadLetterCause = {
      to: activation.id,
      type: failed.type,
      payload: failed.payload,
      origin: failed.origin,
      error: {
        code: fault.code,
        message: fault.message,
        ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
      },
      attempts,
      stateVersion: activation.version,
    };
    if (directive === "stop") {
      this.bury(cause);
      for (const { type, payload, origin, attempts: tried } of rest)
        this.bury({ ...cause, type, payload, origin, attempts: tried });
      this.putStash(activation, []);
      return;
    }
    if (attempts >= strategyOf(activation).attemptsMax) {
      this.bury(cause);
      this.putStash(activation, rest);
      if (rest.length > 0) this.scheduleRetry(activation, 1);
      return;
    }
    this.putStash(activation, [{ ...failed, attempts, lastError: fault.message }, ...rest]);
    this.#host.count("stashed");
    this.scheduleRetry(activation, attempts);
  }

  stash(activation: Activation, envelope: StashedEnvelope): void {
    const stash = [...activation.header.stash, envelope];
    if (stash.length > STASH_MAX) {
      const [head, ...rest] = stash;
      if (head !== undefined) {
        const error = { code: "MAILBOX_FULL", message: `more than ${STASH_MAX} envelopes wait behind a failed one` };
        const { type, payload, origin, attempts } = head;
        this.bury({ to: activation.id, type, payload, origin, error, attempts, stateVersion: activation.version });
      }
      this.putStash(activation, rest);
      return;
    }
    this.putStash(activation, stash);
    this.#host.count("stashed");
  }

  /** Applies the directive to the actor. @returns what was decided. */
  judge(activation: Activation, error: unknown): "resume" | "restart" | "stop" {
    const fatal = error instanceof Fault && error.disposition === "fatal";
    const directive = fatal ? "stop" : superviseFailure(activation, error, this.#host.nowMs);
    const fault = toWireFault(error);
    const { kind, key } = activation.id;
    if (directive === "restart" && !activation.dirty) activation.reset();
    if (directive === "stop") this.#stop(activation, fault);
    this.#host.event(kind, directive === "stop" ? "stopped" : "failed", {
      key,
      code: fault.code,
      message: fault.message,
      directive,
    });
    return directive;
  }

  #stop(activation: Activation, fault: WireFault): void {
    const scope = new EffectScope(this.#host, activation, false);
    const stopped = { code: fault.code, message: fault.message, atMs: this.#host.nowMs };
    scope.putHeader(activation, { ...activation.header, stopped });
    this.#host.open().absorb(scope);
  }

  stopUnreadable(activation: Activation, error: unknown): void {
    const fault = toWireFault(error);
    activation.lastError = fault.message;
    if (activation.header.stopped === null) this.#stop(activation, fault);
  }

  stopFault(activation: Activation): WireFault | null {
    const { stopped } = activation.header;
    if (stopped === null) return null;
    return toWireFault(new Fault("ACTOR_STOPPED", `${formatActorId(activation.id)} is stopped: ${stopped.message}`));
  }

  putStash(activation: Activation, stash: readonly StashedEnvelope[]): void {
    const scope = new EffectScope(this.#host, activation, false);
    scope.putHeader(activation, { ...activation.header, stash: [...stash] });
    this.#host.open().absorb(scope);
  }

  scheduleRetry(activation: Activation, attempts: number): void {
    const scope = new EffectScope(this.#host, activation, false);
    scope.setTimer(
      RETRY_TIMER,
      this.#host.nowMs + backoffMs(strategyOf(activation).backoffMs, attempts, this.#host.random()),
    );
    this.#host.open().absorb(scope);
  }

  bury(cause: DeadLetterCause): void {
    this.#host.open().deadLetter(cause);
    this.#host.count("deadLetters");
    this.#host.event(cause.to.kind, "dead-letter", { key: cause.to.key, type: cause.type, code: cause.error.code });
  }
}
