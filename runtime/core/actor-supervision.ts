import { Fault, toWireFault } from "../../protocols/errors.ts";
import { encode } from "../../protocols/codec.ts";
import { formatActorId } from "../../protocols/ids.ts";
import { encodeStatePart } from "../../protocols/state-part.ts";
import type { Activation } from "./activation.ts";
import type { AttemptLog, DeadlyAttempts } from "./attempt.ts";
import type { DeadLetterCause } from "./dead-letter.ts";
import { EffectScope, type ScopeHost } from "./effect-scope.ts";
import type { SupervisionStrategy } from "../actor/supervision.ts";
import type { HandlerWatch } from "./handler-watch.ts";
import type { StashedEnvelope } from "./header.ts";
import type { OpenRecord } from "./open-record.ts";
import type { TimerRow } from "./ports.ts";
import type { Suspensions } from "./suspensions.ts";
import { backoffMs, bears, directiveFor, strategyOf, withFailure } from "./supervisor.ts";

/** Envelopes one actor's stash holds; the head becomes a dead letter above it (D11). */
const STASH_MAX = 256;
/** And their payloads' bytes: the header that holds them has to fit a record (D2). */
const STASH_BYTES_MAX = 2 * 1024 * 1024;
/** A larger one does not wait: it is given up at its first failure. */
const STASHED_BYTES_MAX = 1024 * 1024;
/** The runtime's own timer of an actor with a stash. */
export const RETRY_TIMER = "$retry";
/** Kind under which a partition lists the actors that it stopped; their headers decide. */
export const STOPPED_KIND = "$stopped";

interface Cause {
  readonly code: string;
  readonly message: string;
}

export interface KindCounts {
  failures: number;
  restarts: number;
  stops: number;
}

/** What supervision needs of the partition it works in. */
export interface SupervisionHost extends ScopeHost {
  readonly suspensions: Suspensions;
  readonly deadly: DeadlyAttempts;
  readonly attempts: AttemptLog;
  readonly watch: HandlerWatch;
  open(): OpenRecord;
  /** Writes a dead letter in the open record. */
  deadLetter(cause: DeadLetterCause): void;
  /** Resident actors of a kind. */
  siblings(kind: string): Iterable<Activation>;
  /** A timer of a suspended actor is due: it fires when the suspension ends. */
  holdTimer(row: TimerRow): void;
  /** A suspension ended: timers that were held back are looked for. */
  rescanTimers(): void;
  event(kind: string, event: string, details: Record<string, unknown>): void;
  count(counter: "dropped" | "stashed" | "failed"): void;
}

/**
 * What becomes of actors and envelopes that failed, in one partition (D11): directives, stash, dead letters, stopped actors. Writes
 * nothing but headers and dead letters. S1: while an actor has a stash, later tells queue behind it. S2: a stopped actor's mail becomes
 * dead letters until an operator restarts it.
 */
export class ActorSupervision {
  readonly #host: SupervisionHost;
  /** Wall clock of recent failures of kinds that are supervised all-for-one; at most one entry a kind. */
  readonly #failuresMs = new Map<string, number[]>();
  /** Failures, restarts and stops since the partition was opened, by kind. */
  readonly kinds = new Map<string, KindCounts>();
  /** Encoded payloads of what is stashed, once measured. */
  readonly #bytes = new WeakMap<StashedEnvelope, number>();

  constructor(host: SupervisionHost) {
    this.#host = host;
  }

  /** What a failed tell becomes: stashed for another try, or a dead letter after the last one. */
  fail(
    activation: Activation,
    failed: StashedEnvelope,
    error: unknown,
    rest: readonly StashedEnvelope[] = [],
  ): "stashed" | "dead-letter" {
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
      return "dead-letter";
    }
    if (attempts >= strategyOf(activation).attemptsMax || this.#bytesOf(failed) > STASHED_BYTES_MAX) {
      this.bury(cause);
      this.putStash(activation, rest);
      if (rest.length > 0) this.scheduleRetry(activation, 1);
      return "dead-letter";
    }
    this.putStash(activation, [{ ...failed, attempts, lastError: fault.message }, ...rest]);
    this.#host.count("stashed");
    this.scheduleRetry(activation, attempts);
    return "stashed";
  }

  /** Queues a tell behind what failed, or while the actor is paused; a retry is due after both. */
  stash(activation: Activation, envelope: StashedEnvelope): void {
    if (this.#bytesOf(envelope) > STASHED_BYTES_MAX)
      return this.#overflow(activation, envelope, `an envelope above ${STASHED_BYTES_MAX} bytes does not wait`);
    const stash = [...activation.header.stash, envelope];
    let bytes = stash.reduce((sum, one) => sum + this.#bytesOf(one), 0);
    while (stash.length > STASH_MAX || bytes > STASH_BYTES_MAX) {
      const head = stash.shift();
      if (head === undefined) break;
      bytes -= this.#bytesOf(head);
      this.#overflow(activation, head, `more than ${STASH_MAX} envelopes or ${STASH_BYTES_MAX} bytes wait`);
    }
    this.putStash(activation, stash);
    this.#host.count("stashed");
    if (activation.header.timers[RETRY_TIMER] === undefined) this.scheduleRetry(activation, 1);
  }

  #overflow(activation: Activation, { type, payload, origin, attempts }: StashedEnvelope, message: string): void {
    const error = { code: "MAILBOX_FULL", message };
    this.bury({ to: activation.id, type, payload, origin, error, attempts, stateVersion: activation.version });
  }

  #bytesOf(envelope: StashedEnvelope): number {
    let bytes = this.#bytes.get(envelope);
    if (bytes === undefined) {
      bytes = encode(envelope.payload).byteLength;
      this.#bytes.set(envelope, bytes);
    }
    return bytes;
  }

  /**
   * Counts a failure and applies the directive to the actor, or to all of its kind where they are supervised all-for-one.
   * @returns what was decided.
   */
  judge(activation: Activation, error: unknown): "resume" | "restart" | "stop" {
    const strategy = strategyOf(activation);
    const { kind, key } = activation.id;
    const fault = toWireFault(error);
    const fatal = error instanceof Fault && error.disposition === "fatal";
    activation.lastError = fault.message;
    activation.failuresMs = withFailure(activation.failuresMs, this.#host.nowMs, strategy);
    const together = !fatal && strategy.siblings === "all-for-one";
    const failuresMs = together ? this.#kindFailures(kind, strategy) : activation.failuresMs;
    const directive = fatal ? "stop" : directiveFor(strategy, failuresMs);
    const counts = this.#countsOf(kind);
    counts.failures++;
    if (directive === "restart") {
      for (const sibling of together ? this.#host.siblings(kind) : [activation]) {
        sibling.restart();
        counts.restarts++;
      }
    }
    const why = fatal ? "fatal" : bears(failuresMs, strategy) ? "strategy" : "budget";
    const escalated = !fatal && (why === "budget" ? strategy.then : strategy.directive) === "escalate";
    const { code, message } = fault;
    if (directive === "stop") {
      if (together) this.#stopKind(kind, key, { code, message }, { why, escalated });
      else this.stop(activation, fault, { why, escalated });
    } else this.#host.event(kind, "failed", { key, code, message, directive, siblings: strategy.siblings });
    return directive;
  }

  #kindFailures(kind: string, strategy: SupervisionStrategy): readonly number[] {
    const failuresMs = withFailure(this.#failuresMs.get(kind) ?? [], this.#host.nowMs, strategy);
    this.#failuresMs.set(kind, failuresMs);
    return failuresMs;
  }

  #countsOf(kind: string): KindCounts {
    let counts = this.kinds.get(kind);
    if (counts === undefined) this.kinds.set(kind, (counts = { failures: 0, restarts: 0, stops: 0 }));
    return counts;
  }

  /** All of the kind stand still in this partition until an operator restarts it: one row, however many they are. */
  #stopKind(kind: string, key: string, fault: Cause, details: Record<string, unknown>): void {
    const { nowMs, suspensions } = this.#host;
    const reason = `${fault.code}: ${fault.message}`;
    suspensions.put({ kind, key: null, state: "stopped", reason, atMs: nowMs }, this.#host.open());
    this.#countsOf(kind).stops++;
    this.#host.event(kind, "kind-stopped", { key, code: fault.code, message: fault.message, ...details });
  }

  /** Its mail becomes dead letters, its asks faults, its timers wait, until an operator restarts it (S2). */
  stop(activation: Activation, { code, message }: Cause, details: Record<string, unknown> = {}): void {
    const { kind, key } = activation.id;
    const scope = new EffectScope(this.#host, activation, false);
    const stopped = { code, message, atMs: this.#host.nowMs };
    scope.putHeader(activation, { ...activation.header, stopped });
    const open = this.#host.open();
    open.absorb(scope);
    const body = encode({ kind, key, ...stopped });
    const bytes = encodeStatePart({ schemaVersion: 1, sealed: false, body });
    open.row({ kind: STOPPED_KIND, key: `${kind}/${key}`, part: "", bytes });
    activation.lastError = message;
    this.#countsOf(kind).stops++;
    this.#host.event(kind, "stopped", { key, code, message, directive: "stop", ...details });
  }

  /** Lets a stopped actor run again; what became a dead letter meanwhile stays one. @returns false when it is not stopped. */
  restart(activation: Activation): boolean {
    const { kind, key } = activation.id;
    if (activation.header.stopped === null) return false;
    activation.failuresMs = [];
    const scope = new EffectScope(this.#host, activation, false);
    scope.putHeader(activation, { ...activation.header, stopped: null });
    // What came due while it was stopped was dropped: its timers are said again.
    scope.timers = Object.entries(activation.header.timers).map(([name, dueMs]) => ({
      dueMs,
      kind,
      key,
      name,
      set: true,
    }));
    const open = this.#host.open();
    open.absorb(scope);
    open.row({ kind: STOPPED_KIND, key: `${kind}/${key}`, part: "", bytes: null });
    this.#host.event(kind, "restarted", { key });
    return true;
  }

  /** The kind's failures count anew. */
  forgetFailures(kind: string): void {
    this.#failuresMs.delete(kind);
  }

  stopUnreadable(activation: Activation, error: unknown): void {
    const fault = toWireFault(error);
    activation.lastError = fault.message;
    if (activation.header.stopped === null) this.stop(activation, fault, { why: "unreadable" });
  }

  /** Why an actor does not run now: ACTOR_STOPPED, ACTOR_PAUSED; null when it does. */
  idleFault(activation: Activation): Fault | null {
    const { stopped } = activation.header;
    const { kind, key } = activation.id;
    const suspension = stopped === null ? this.#host.suspensions.of(kind, key) : undefined;
    if (stopped === null && suspension === undefined) return null;
    const name = formatActorId(activation.id);
    if (suspension === undefined) return new Fault("ACTOR_STOPPED", `${name} is stopped: ${stopped?.message}`);
    const what = suspension.key === null ? `the kind ${kind}` : name;
    const code = suspension.state === "stopped" ? "ACTOR_STOPPED" : "ACTOR_PAUSED";
    return new Fault(code, `${what} is ${suspension.state}: ${suspension.reason}`);
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
    this.#host.deadLetter(cause);
  }
}
