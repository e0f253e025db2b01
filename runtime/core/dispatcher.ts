import type { Envelope } from "../../protocols/envelope.ts";
import { Fault, toWireFault, type WireFault } from "../../protocols/errors.ts";
import { formatActorId } from "../../protocols/ids.ts";
import type { Heard, Question } from "../actor/transient.ts";
import type { Activation } from "./activation.ts";
import { ActorSupervision, RETRY_TIMER, type SupervisionHost } from "./actor-supervision.ts";
import { deathFault, type Suspect } from "./attempt.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { EffectScope, type AddressedEnvelope } from "./effect-scope.ts";
import type { TimerRow } from "./ports.ts";
import { backoffMs, strategyOf } from "./supervisor.ts";

/** Tells within the partition that one envelope may cause before its group closes, itself and its consequences together (D1). */
const LOCAL_TELLS_MAX = 64;
/** Stashed envelopes tried again in one go, so that a long stash does not hold the shard. */
const RETRIES_PER_FIRING = 64;

export type AskOutcome =
  | { readonly answer: unknown }
  | { readonly fault: WireFault }
  /** It waits for agents outside and has changed nothing so far (D15). */
  | { readonly questions: readonly Question[] };

/** What became of a tell. */
export type TellOutcome = "applied" | "stashed" | "dead-letter" | "dropped";

interface Failure {
  readonly error: unknown;
}

/**
 * Runs one envelope after another in the actors of one partition, each to completion (D1), and applies supervision to what throws
 * (D11). X1: a failed envelope changes nothing but its actor's header; what becomes of it is for `ActorSupervision` to say.
 */
export class Dispatcher {
  readonly #host: SupervisionHost;
  readonly #supervision: ActorSupervision;
  #localTells: AddressedEnvelope[] = [];

  constructor(host: SupervisionHost) {
    this.#host = host;
    this.#supervision = new ActorSupervision(host);
  }

  get supervision(): ActorSupervision {
    return this.#supervision;
  }

  /** Delivers a tell and everything it tells within the partition. Never throws. */
  tell(envelope: Envelope, origin: string): TellOutcome {
    const outcome = this.#deliver(envelope, origin, LOCAL_TELLS_MAX);
    this.#drain();
    return outcome;
  }

  /**
   * Runs an ask and the tells it causes; the answer leaves after the flush. A failed ask is a fault, never stashed. A tell may be sent
   * this way too: its answer is null and says that it is durable.
   * @param heard what agents outside answered to the questions of its first turn; null in that.
   */
  ask(envelope: Envelope, heard: readonly Heard[] | null): AskOutcome {
    const found = this.#find(envelope);
    if (found instanceof Fault) return { fault: toWireFault(found) };
    const idle = this.#supervision.idleFault(found);
    if (idle !== null) return { fault: toWireFault(idle) };
    const result = this.#run(found, envelope.type, envelope.payload, { heard }, LOCAL_TELLS_MAX);
    if ("error" in result) {
      this.#supervision.judge(found, result.error);
      return { fault: toWireFault(result.error) };
    }
    this.#drain();
    return result;
  }

  /** Fires a timer; one that disagrees with the actor's state is dropped (D10). */
  timer(row: TimerRow): void {
    const activation = this.#activate(row.kind, row.key);
    if (activation instanceof Fault) return;
    if (activation.header.timers[row.name] !== row.dueMs || activation.header.stopped !== null) return;
    if (this.#host.suspensions.of(row.kind, row.key) !== undefined) return this.#host.holdTimer(row);
    if (row.name === RETRY_TIMER) this.#retry(activation, row);
    else this.#fire(activation, row);
    this.#drain();
  }

  /** Gives an envelope up without running it: threads died in it too often (D11). */
  abandon(envelope: Envelope, origin: string, suspect: Suspect): void {
    const { type, payload } = envelope;
    const error = deathFault(suspect);
    this.#supervision.bury({
      to: envelope,
      type,
      payload,
      origin,
      error,
      attempts: suspect.deaths,
      stateVersion: null,
    });
  }

  /** Stops an actor because threads died in its asks: whoever asks does not know it, and asks again. */
  stopDeadly(suspect: Suspect): void {
    const activation = this.#activate(suspect.kind, suspect.key);
    if (activation instanceof Fault || activation.header.stopped !== null) return;
    this.#supervision.stop(activation, deathFault(suspect), { type: suspect.name });
  }

  /** Why a dead letter cannot be run again as things are; null when it can. */
  refusalOf({ kind, key, type }: DeadLetter): string | null {
    const activation = this.#activate(kind, key);
    if (activation instanceof Fault) return activation.message;
    const timer = timerOf(type);
    const { handlers, timers } = activation.definition;
    if (timer === null ? !Object.hasOwn(handlers, type) : !Object.hasOwn(timers ?? {}, timer))
      return `${kind} of this release understands no ${type}`;
    return this.#supervision.idleFault(activation)?.message ?? null;
  }

  /** Runs a dead letter as a new envelope, behind what the actor has stashed; one of a timer sets it again, due at once. */
  rerun({ kind, key, type, payload }: DeadLetter, origin: string): TellOutcome {
    const timer = timerOf(type);
    const activation = this.#activate(kind, key);
    if (timer === null || activation instanceof Fault) return this.tell({ kind, key, type, payload }, origin);
    const scope = new EffectScope(this.#host, activation, false);
    scope.setTimer(timer, this.#host.nowMs);
    this.#host.open().absorb(scope);
    return "applied";
  }

  #deliver(envelope: Envelope, origin: string, budget: number): TellOutcome {
    const activation = this.#find(envelope);
    const { type, payload } = envelope;
    if (activation instanceof Fault) {
      if (activation.code === "ACTOR_ABSENT") {
        this.#host.count("dropped");
        return "dropped";
      }
      return this.#bury(envelope, origin, activation, null);
    }
    const idle = this.#supervision.idleFault(activation);
    if (idle !== null && idle.code !== "ACTOR_PAUSED") return this.#bury(envelope, origin, idle, activation.version);
    const fresh = { type, payload, origin, attempts: 0, lastError: null };
    if (idle !== null || activation.header.stash.length > 0) {
      this.#supervision.stash(activation, fresh);
      return "stashed";
    }
    const result = this.#run(activation, type, payload, "tell", budget);
    return "error" in result ? this.#supervision.fail(activation, fresh, result.error) : "applied";
  }

  #bury(envelope: Envelope, origin: string, error: Fault, stateVersion: number | null): "dead-letter" {
    const { type, payload } = envelope;
    this.#supervision.bury({ to: envelope, type, payload, origin, error, attempts: 0, stateVersion });
    return "dead-letter";
  }

  /** Tells that ran handlers caused; the order is that of sending. */
  #drain(): void {
    let budget = LOCAL_TELLS_MAX;
    while (this.#localTells.length > 0) {
      const batch = this.#localTells;
      this.#localTells = [];
      for (const { to, envelope } of batch) {
        budget--;
        this.#deliver(envelope, `local:${to.partition}`, budget - this.#localTells.length);
      }
    }
  }

  #find(envelope: Envelope): Activation | Fault {
    const activation = this.#activate(envelope.kind, envelope.key);
    if (activation instanceof Fault) return activation;
    const { definition } = activation;
    if (!Object.hasOwn(definition.handlers, envelope.type)) {
      return new Fault("HANDLER_UNKNOWN", `${envelope.kind} understands no ${envelope.type}`);
    }
    if (definition.opens !== undefined && !definition.opens.includes(envelope.type)) {
      try {
        if (!activation.exists) return new Fault("ACTOR_ABSENT", `${formatActorId(activation.id)} does not exist`);
      } catch (error) {
        this.#supervision.stopUnreadable(activation, error);
      }
    }
    return activation;
  }

  #activate(kind: string, key: string): Activation | Fault {
    try {
      const activation = this.#host.activate(kind, key);
      void activation.header;
      return activation;
    } catch (error) {
      return error instanceof Fault
        ? error
        : new Fault("STATE_CORRUPT", `${kind}/${key} cannot be read`, { cause: error });
    }
  }

  #run(
    activation: Activation,
    type: string,
    payload: unknown,
    form: "tell" | "retry" | { readonly heard: readonly Heard[] | null },
    budget: number,
  ): { answer: unknown } | { questions: readonly Question[] } | Failure {
    // A tell may be sent as an ask, to learn that it is durable: it owes no reply.
    const owesReply = typeof form === "object" && activation.definition.protocol.messages[type]?.form !== "tell";
    const scope = new EffectScope(this.#host, activation, owesReply, typeof form === "object" ? form.heard : null);
    const startMs = this.#host.watch.begin();
    const result = this.#handle(activation, type, payload, scope, owesReply, budget);
    const shape = typeof form === "string" ? form : "ask";
    const error = "error" in result ? result.error : null;
    this.#host.watch.end(activation, shape, type, payload, startMs, error);
    return result;
  }

  #handle(
    activation: Activation,
    type: string,
    payload: unknown,
    scope: EffectScope,
    owesReply: boolean,
    budget: number,
  ): { answer: unknown } | { questions: readonly Question[] } | Failure {
    try {
      const before = scope.stateOf(activation);
      const handler = activation.definition.handlers[type];
      if (handler === undefined) throw new Fault("HANDLER_UNKNOWN", `${activation.id.kind} understands no ${type}`);
      const after = handler(before as never, payload as never, scope as never);
      scope.put(activation, before, after);
      const { questions } = scope;
      if (questions !== null) return { questions };
      if (owesReply && !scope.replied)
        throw new Fault("HANDLER_FAILED", `${formatActorId(activation.id)} did not reply to ${type}`);
      this.#absorb(scope, budget);
      return { answer: scope.answer ?? null };
    } catch (error) {
      return { error };
    }
  }

  #absorb(scope: EffectScope, budget: number): void {
    if (scope.tells.length === 0) return this.#host.open().absorb(scope);
    const local = scope.tells.filter(({ to }) => to.partition === this.#host.partition);
    if (local.length > 0 && local.length > budget) {
      throw new Fault("EFFECT_REFUSED", `more than ${LOCAL_TELLS_MAX} tells within a partition from one envelope`);
    }
    const record = this.#host.open();
    record.absorb(scope);
    for (const { to, envelope, bytes } of scope.tells)
      if (to.partition !== this.#host.partition) record.send(to.partition, envelope, bytes);
    this.#localTells.push(...local);
  }

  #fire(activation: Activation, row: TimerRow): void {
    const { partition, deadly, attempts } = this.#host;
    const { kind, key, name, dueMs } = row;
    const scope = new EffectScope(this.#host, activation, false);
    const suspect = deadly.takeTimer(kind, key, name, dueMs, 0);
    if (suspect !== undefined) {
      scope.cancelTimer(name);
      this.#host.open().absorb(scope);
      this.abandon({ kind, key, type: `${TIMER_LETTER}${name}`, payload: { dueMs } }, "timer", suspect);
      return;
    }
    attempts.timer(partition, kind, key, name, dueMs, 0);
    const { watch } = this.#host;
    const startMs = watch.begin();
    try {
      const handler = activation.definition.timers?.[row.name];
      scope.cancelTimer(row.name);
      if (handler !== undefined) {
        const before = scope.stateOf(activation);
        scope.put(activation, before, handler(before as never, scope));
      }
      this.#absorb(scope, LOCAL_TELLS_MAX);
      watch.end(activation, "timer", name, undefined, startMs, null);
    } catch (error) {
      watch.end(activation, "timer", name, undefined, startMs, error);
      const directive = this.#supervision.judge(activation, error);
      if (directive === "stop") return;
      const again = new EffectScope(this.#host, activation, false);
      const delayMs = backoffMs(strategyOf(activation).backoffMs, activation.failuresMs.length, this.#host.random());
      again.setTimer(row.name, this.#host.nowMs + delayMs);
      this.#host.open().absorb(again);
    }
  }

  /** Tries the stash in order; stops at the first that fails again. */
  #retry(activation: Activation, row: TimerRow): void {
    const begin = new EffectScope(this.#host, activation, false);
    begin.cancelTimer(row.name);
    this.#host.open().absorb(begin);
    const { partition, deadly, attempts } = this.#host;
    const { kind, key, name, dueMs } = row;
    for (let tried = 0; tried < RETRIES_PER_FIRING; tried++) {
      const [head, ...rest] = activation.header.stash;
      if (head === undefined || activation.header.stopped !== null) return;
      const suspect = deadly.takeTimer(kind, key, name, dueMs, tried);
      if (suspect !== undefined) {
        this.abandon({ kind, key, type: head.type, payload: head.payload }, head.origin, suspect);
        this.#supervision.putStash(activation, rest);
        continue;
      }
      attempts.timer(partition, kind, key, name, dueMs, tried);
      const result = this.#run(activation, head.type, head.payload, "retry", LOCAL_TELLS_MAX);
      if ("error" in result) {
        this.#supervision.fail(activation, head, result.error, rest);
        return;
      }
      this.#supervision.putStash(activation, rest);
      this.#drain();
    }
    if (activation.header.stash.length > 0) this.#supervision.scheduleRetry(activation, 1);
  }
}

/** Type of a dead letter of a timer, before the timer's name. */
const TIMER_LETTER = "timer:";

/** The timer a dead letter is of; null for one of a message. */
function timerOf(type: string): string | null {
  return type.startsWith(TIMER_LETTER) ? type.slice(TIMER_LETTER.length) : null;
}
