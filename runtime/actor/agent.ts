import type { VersionedState } from "./state.ts";

/** What a local agent may look at besides its request: everything is read-only, so that the answer is a pure function (D12). */
export interface ConsultContext<Part> {
  /** The role's part of the listener's state, or undefined before the first commit. */
  readonly part: Part | undefined;
  readonly nowMs: number;
  /** The role's own random stream: seeded by (decision id, role), so a new agent shifts nobody's draws (D13). @returns [0, 1). */
  readonly random: () => number;
  /** The last published value of a topic, or undefined before the first. */
  readonly snapshot: (topic: string) => unknown;
  /** For an agent outside: what it answered to the question of the first turn (D15). */
  readonly heard?: unknown;
}

/**
 * A local agent: exists once a shard, answers synchronously, keeps no state of its own (D12, D14). Its part of the listener's state
 * changes only through its two reducers, in the commit of the decision or event.
 */
export interface AgentDefinition<Request, Answer, Part = unknown, Decision = unknown, Event = unknown> {
  readonly role: string;
  readonly variant: string;
  /** Version of the agent's code or model, for the decision record. */
  readonly version: string;
  /** safety: a failure answers `whenFailing`, which must veto (fail closed); scoring: which must be neutral (D12). */
  readonly purpose: "safety" | "scoring";
  readonly answer: (request: Request, context: ConsultContext<Part>) => Answer;
  readonly whenFailing: (request: Request) => Answer;
  readonly part?: VersionedState<Part>;
  readonly onCommitted?: (part: Part | undefined, decision: Decision, nowMs: number) => Part | undefined;
  readonly onEvent?: (part: Part | undefined, event: Event, nowMs: number) => Part | undefined;
  /** The agent itself runs outside the process: it is asked over NATS, and `answer` makes of what was heard what the role says (D15). */
  readonly outside?: OutsideTerms;
}

/** How an agent outside is asked. */
export interface OutsideTerms {
  /** How long a decision waits for it, at most. */
  readonly timeoutMs: number;
  /** How it is written to; what it answers says itself how it is written. */
  readonly encoding: "json" | "msgpack";
}

/** An agent with its types forgotten, as the runtime and the roster hold it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the roster holds agents of different types; `consult` gives them back by role
export type AnyAgent = AgentDefinition<any, any, any, any, any>;

/**
 * answered · failed: it threw, or an agent outside answered what cannot be read, or is gone · late: an agent outside did not answer in
 * time · open: it was not asked, because it failed too often.
 */
export type Outcome = "answered" | "failed" | "late" | "open";

/** A topic's value as an agent saw it. */
export interface TopicRead {
  readonly topic: string;
  readonly version: number;
  readonly value: unknown;
}

/** How a consultation went; the decision record keeps it and replay imposes it (D13). */
export interface Verdict<Answer> {
  readonly role: string;
  readonly variant: string;
  readonly version: string;
  readonly outcome: Outcome;
  readonly answer: Answer;
  /** Topics that the agent looked at and found, with what stood there; absent: none. */
  readonly read?: readonly TopicRead[];
  /** Time the consultation took, in microseconds; not what was waited for an agent outside before it. */
  readonly micros: number;
}

export function defineAgent<Request, Answer, Part = undefined, Decision = unknown, Event = unknown>(
  definition: AgentDefinition<Request, Answer, Part, Decision, Event>,
): AgentDefinition<Request, Answer, Part, Decision, Event> {
  return definition;
}
