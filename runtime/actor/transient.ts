import type { AnyAgent, Outcome } from "./agent.ts";

/** A question to an agent outside the process: held in memory only, and asked once (D15). */
export interface TransientRequest {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly timeoutMs: number;
  /**
   * What an answer says. @param contentType null: the answer names none.
   * @throws Error for bytes that are no answer to this question.
   */
  readonly read: (bytes: Uint8Array, contentType: string | null) => Hearing;
}

/** An agent outside and what it is asked; null: its circuit is open. */
export interface Question {
  readonly agent: AnyAgent;
  readonly request: TransientRequest | null;
}

/** An answer that could be read. */
export interface Hearing {
  readonly answer: unknown;
  /** Version that the agent says it is, for the decision record. */
  readonly version: string | null;
}

/** What became of the question to one agent. */
export interface Heard {
  readonly agent: AnyAgent;
  readonly outcome: Outcome;
  /** Undefined unless answered. */
  readonly hearing: Hearing | undefined;
  /** What the ask waited for it, in microseconds. */
  readonly micros: number;
}
