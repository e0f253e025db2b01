import { decode } from "../../protocols/codec.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { OutsideQuestion } from "../../protocols/outside-agent.ts";
import { JSON_TEXT } from "../../protocols/subjects.ts";
import type { Heard } from "../../runtime/actor/transient.ts";
import type { AskOutcome } from "../../runtime/core/dispatcher.ts";
import type { ParkedAsks } from "../../runtime/core/parked-asks.ts";
import type { TransientOutcome } from "../../runtime/core/shard-messages.ts";

/** What an agent outside does with a question: its answer as JSON, bytes as they are, silence, or nobody there. */
export type OutsideSays = object | Uint8Array | "late" | "gone";

/** A question that left. */
export interface AskedOutside {
  readonly request: number;
  readonly subject: string;
  readonly question: OutsideQuestion;
}

/** Runs a turn of an ask. @param heard null in the first. */
type Turn = (heard: readonly Heard[] | null) => AskOutcome;

export const questionIn = (bytes: Uint8Array, contentType: string): OutsideQuestion =>
  (contentType === JSON_TEXT ? JSON.parse(new TextDecoder().decode(bytes)) : decode(bytes)) as OutsideQuestion;

/** @returns undefined for silence. */
function outcomeOf(says: OutsideSays): TransientOutcome | undefined {
  if (says === "late") return undefined;
  if (says === "gone") return { type: "failed", reason: "nobody listens" };
  const bytes = says instanceof Uint8Array ? says : new TextEncoder().encode(JSON.stringify(says));
  return { type: "answered", bytes, contentType: JSON_TEXT };
}

/** One ask between its first turn, which has run, and its second, so that a test can do things meanwhile (D15). */
export class TwoTurnAsk {
  /** Empty: nobody had to be waited for, and the ask is over. */
  readonly questions: readonly AskedOutside[];
  readonly #parked: ParkedAsks;
  readonly #turn: Turn;
  readonly #pass: (untilMs: number) => void;
  readonly #outcome: AskOutcome | null;

  /** @param pass lets time pass until the monotonic clock shows that. */
  constructor(
    parked: ParkedAsks,
    turn: Turn,
    partition: Partition,
    deadlineMs: number,
    pass: (untilMs: number) => void,
  ) {
    this.#parked = parked;
    this.#turn = turn;
    this.#pass = pass;
    const outcome = turn(null);
    if (!("questions" in outcome)) {
      this.#outcome = outcome;
      this.questions = [];
      return;
    }
    const ask = { route: 0, id: 0, partition, kind: "kit", key: "kit", type: "kit", payload: null, deadlineMs };
    const known = parked.park(ask, outcome.questions);
    this.#outcome = known === null ? null : turn(known);
    this.questions = parked.takeActions().flatMap((action) => {
      if (action.type !== "request") return [];
      const { request, subject, bytes, contentType } = action;
      return [{ request, subject, question: questionIn(bytes, contentType) }];
    });
  }

  /** Gives every question of a role its answer; silence needs none. */
  hear(role: string, says: OutsideSays): void {
    const outcome = outcomeOf(says);
    if (outcome === undefined) return;
    for (const { request, question } of this.questions)
      if (question.role === role) this.#parked.settled(request, outcome);
  }

  /** Runs the second turn, after the time of those that were not heard. */
  end(): AskOutcome {
    if (this.#outcome !== null) return this.#outcome;
    for (;;) {
      const ready = this.#parked.next();
      if (ready !== undefined) {
        this.#parked.release();
        return this.#turn(ready.heard);
      }
      this.#pass(this.#parked.wakeAtMs());
      this.#parked.expire();
    }
  }
}
