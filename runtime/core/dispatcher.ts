import type { Envelope } from "../../protocols/envelope.ts";
import { Fault, toWireFault, type WireFault } from "../../protocols/errors.ts";
import { formatActorId } from "../../protocols/ids.ts";
import type { Heard, Question } from "../actor/transient.ts";
import type { Activation } from "./activation.ts";
import { ActorSupervision, RETRY_TIMER, type SupervisionHost } from "./actor-supervision.ts";
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

  /** Delivers a tell and everything it tells within the partition. Never throws. */
  tell(envelope: Envelope, origin: string): void {
    this.#deliver(envelope, origin, LOCAL_TELLS_MAX);
    this.#drain();
  }

  /**
   * Runs an ask and the tells it causes; the answer leaves after the flush. A failed ask is a fault, never stashed. A tell may be sent
   * this way too: its answer is null and says that it is durable.
   * @param heard what agents outside answered to the questions of its first turn; null in that.
   */
  ask(envelope: Envelope, heard: readonly Heard[] | null): AskOutcome {
    const found = this.#find(envelope);
    if (found instanceof Fault) return { fault: toWireFault(found) };
    const stopped = this.#supervision.stopFault(found);
    if (stopped !== null) return { fault: stopped };
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
    if (row.name === RETRY_TIMER) this.#retry(activation, row);
    else this.#fire(activation, row);
    this.#drain();
  }

  restart(kind: string, key: string): void {
    const activation = this.#activate(kind, key);
    if (activation instanceof Fault || activation.header.stopped === null) return;
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
    this.#host.open().absorb(scope);
    this.#host.event(kind, "restarted", { key });
  }

  /** Gives an envelope up without running it: its partition's thread died in it too often (D11). */
  abandon(envelope: Envelope, origin: string, attempts: number): void {
    const error = new Fault("HANDLER_FAILED", "the thread died or hung while it handled this envelope");
    this.#supervision.bury({
      to: envelope,
      type: envelope.type,
      payload: envelope.payload,
      origin,
      error,
      attempts,
      stateVersion: null,
    });
  }

  #deliver(envelope: Envelope, origin: string, budget: number): void {
    const activation = this.#find(envelope);
    const { type, payload } = envelope;
    if (activation instanceof Fault) {
      if (activation.code === "ACTOR_ABSENT") this.#host.count("dropped");
      else
        this.#supervision.bury({
          to: envelope,
          type,
          payload,
          origin,
          error: activation,
          attempts: 0,
          stateVersion: null,
        });
      return;
    }
    const { stopped, stash } = activation.header;
    if (stopped !== null) {
      const error = new Fault("ACTOR_STOPPED", `${formatActorId(activation.id)} is stopped: ${stopped.message}`);
      this.#supervision.bury({
        to: envelope,
        type,
        payload,
        origin,
        error,
        attempts: 0,
        stateVersion: activation.version,
      });
      return;
    }
    if (stash.length > 0) {
      this.#supervision.stash(activation, { type, payload, origin, attempts: 0, lastError: null });
      return;
    }
    const result = this.#run(activation, type, payload, "tell", budget);
    if ("error" in result)
      this.#supervision.fail(activation, { type, payload, origin, attempts: 0, lastError: null }, result.error);
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
    form: "tell" | { readonly heard: readonly Heard[] | null },
    budget: number,
  ): { answer: unknown } | { questions: readonly Question[] } | Failure {
    // A tell may be sent as an ask, to learn that it is durable: it owes no reply.
    const owesReply = form !== "tell" && activation.definition.protocol.messages[type]?.form !== "tell";
    const scope = new EffectScope(this.#host, activation, owesReply, form === "tell" ? null : form.heard);
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
    const scope = new EffectScope(this.#host, activation, false);
    try {
      const handler = activation.definition.timers?.[row.name];
      scope.cancelTimer(row.name);
      if (handler !== undefined) {
        const before = scope.stateOf(activation);
        scope.put(activation, before, handler(before as never, scope));
      }
      this.#absorb(scope, LOCAL_TELLS_MAX);
    } catch (error) {
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
    for (let tried = 0; tried < RETRIES_PER_FIRING; tried++) {
      const [head, ...rest] = activation.header.stash;
      if (head === undefined || activation.header.stopped !== null) return;
      const result = this.#run(activation, head.type, head.payload, "tell", LOCAL_TELLS_MAX);
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
