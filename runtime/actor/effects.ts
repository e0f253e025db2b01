import type { ActorId, Partition } from "../../protocols/ids.ts";
import type { JobSpec } from "../../protocols/job.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { AskSpec, MessageSpec, Protocol, Reply, TellSpec } from "../../protocols/protocol.ts";
import type { AgentDefinition, AnyAgent, Verdict } from "./agent.ts";
import type { CallSpec } from "./call.ts";
import type { JobTerms } from "./job.ts";
import type { Tell } from "./reference.ts";
import type { Heard, TransientRequest } from "./transient.ts";
/**
 * What a handler may do besides returning new state. Nothing happens before the commit: effects are collected, a throw discards them
 * (D1, D11). Time and chance come from here only, so a handler is a pure function of state, message and these.
 */
export interface Effects {
  readonly self: ActorId;
  readonly key: string;
  readonly partition: Partition;
  /** Partitions of the cluster. */
  readonly partitions: number;
  /** Wall clock of the group in milliseconds; never goes back within a partition, also after takeover (D10). */
  readonly nowMs: number;
  /** A draw from [0, 1), the same again when the envelope is replayed. */
  random(): number;
  /** A decision id of this commit (D13); each call gives another one. */
  decisionId(): string;
  readonly tell: Tell;
  /**
   * A synchronous transition of another actor of the same partition, in the same commit: a throw undoes both (ADR 0003; D16's `fx.debit`).
   * @throws what the call throws, and Fault EFFECT_REFUSED when the actor lives in another partition.
   */
  call<Input, Output>(to: { readonly key: string }, call: CallSpec<Input, Output>, input: Input): Output;
  /** Fires the definition's timer `name` at `dueMs`; replaces one of the same name. Durable (D10). */
  setTimer(name: string, dueMs: number): void;
  cancelTimer(name: string): void;
  /**
   * Asks the role's local agent; never throws: a failing agent answers its `whenFailing` (D12).
   * @param heard of an agent outside, what became of the question that the first turn sent it; without it, it counts as failed.
   */
  consult<Request, Answer>(
    agent: AgentOf<Request, Answer>,
    request: Request,
    part: unknown,
    seed: string,
    heard?: Heard,
  ): Verdict<Answer>;
  /** The last published value of a topic on this shard with its version, or undefined. */
  snapshot<Value>(topic: string): { readonly version: number; readonly value: Value } | undefined;
  /** Adds a row to the decision log, published after the commit. */
  record(row: unknown): void;
  /**
   * Packs and seals what a row may not say in clear. @param about what it belongs to; it opens under the same text only.
   * @returns null when that is more than `bytesMax` bytes, which the partition counts as `oversized`.
   */
  seal(value: unknown, about: string, bytesMax: number): Uint8Array | null;
  /** Publishes the next value of a topic; `version` must grow. */
  publish(topic: string, version: number, value: unknown): void;
  /**
   * Orders heavy work in a thread of its own, after the commit. Its result, a failure included, comes as a message, once, also after a
   * crash or a restart; the job itself may then have run more than once (ADR 0013).
   * @returns the job's id. @throws Fault EFFECT_REFUSED for a time out of bounds, ENVELOPE_TOO_LARGE for an input of more than 1 MB.
   */
  startJob<Input, Output, P extends Protocol>(
    job: JobSpec<Input, Output>,
    input: Input,
    terms: JobTerms<P, Output>,
  ): string;
  /** Gives up a job that an actor of this partition started: its reply is `cancelled`, unless it has ended. */
  cancelJob(jobId: string): void;
  /** For the job actor: tells the node's pool something after the flush. Not durable. */
  orderJob(order: JobOrder): void;
  /** Deletes this actor with its timers; only an opening message creates it anew. */
  forget(): void;
}

/** Effects of an ask: exactly one reply is owed. */
export interface AskEffects<Answer> extends Effects {
  reply(answer: Answer): void;
  /**
   * Asks agents outside, over core NATS and in memory only (D15). The ask takes two turns: this one ends here and must change nothing;
   * when all have answered, or their time is up, the handler runs once more on the state of that moment, and gets the answers from
   * this same call. Meanwhile this actor's tells run and its asks queue, four at most.
   * @param compose the question to an agent whose circuit is closed; null: there is nothing to ask it.
   * @returns null in the first turn: return the state as it is. The answers at once where nobody has to be waited for.
   */
  requestTransient(
    agents: readonly AnyAgent[],
    compose: (agent: AnyAgent) => TransientRequest | null,
  ): readonly Heard[] | null;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a role's part and reducers do not matter to whoever consults it
export type AgentOf<Request, Answer> = AgentDefinition<Request, Answer, any, any, any> & AnyAgent;

export type EffectsFor<Spec extends MessageSpec> = Spec extends AskSpec
  ? AskEffects<Reply<Spec>>
  : Spec extends TellSpec
    ? Effects
    : never;
