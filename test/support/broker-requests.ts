import type { Partition } from "../../protocols/ids.ts";
import type { FencedSubject, ShardAction, ShardEvent } from "../../runtime/core/shard-messages.ts";
import { subjectName } from "./memory-broker.ts";
import type { NodeWorld } from "./node-world.ts";

/** After so long the adapters give a request up. */
const TIMEOUT_MS = 1_000;

/** Carries one shard's requests to the broker and their answers back; each may be lost, late, or lose its answer. */
export class BrokerRequests {
  readonly #world: NodeWorld;
  readonly #channel: string;
  readonly #on: (event: ShardEvent) => void;
  #answers = 0;

  constructor(world: NodeWorld, channel: string, on: (event: ShardEvent) => void) {
    this.#world = world;
    this.#channel = channel;
    this.#on = on;
  }

  append(action: Extract<ShardAction, { type: "append" }>): void {
    const { broker, reached, tampering } = this.#world;
    const { subject, tag } = action;
    const isLog = subject.of === "log";
    const { type: _type, tag: _tag, ...request } = action;
    if (isLog && tampering.answersBeforeLog === true && tag > 0) {
      this.#world.late(() => broker.append({ ...request, expectedSequence: broker.tail(subject).sequence }));
      const outcome = { outcome: "stored", sequence: action.expectedSequence } as const;
      this.#answer("log", () => this.#on({ type: "appended", subject, tag, outcome }), 0);
      return;
    }
    this.#request(
      subjectName(subject),
      () => {
        const outcome = broker.append(request);
        if (outcome.outcome === "stored") {
          if (!isLog) reached("output stored, its answer lost");
          else if (tag > 0) reached("append stored, its answer lost");
          else if (request.rows.length > 0) reached("opening: shipped again, its answer lost");
          else reached("opening: epoch record stored, its answer lost");
        }
        return outcome;
      },
      (outcome) => {
        const known = outcome ?? ({ outcome: "unknown", reason: "timeout" } as const);
        this.#on({ type: "appended", subject, tag, outcome: known });
        if (!isLog || known.outcome !== "stored") return;
        if (tag > 0) reached("after append, before outputs");
        else if (request.rows.length === 0) reached("opening: epoch record acknowledged");
      },
    );
  }

  readTail(subject: FencedSubject, tag: number): void {
    const { broker, reached } = this.#world;
    this.#request(
      subjectName(subject),
      () => broker.tail(subject),
      (tail) => {
        this.#on({ type: "tail", subject, tag, tail });
        if (tag < 0) reached("opening: the tail is read");
      },
    );
  }

  publishMail(receiver: Partition, bytes: Uint8Array): void {
    const { broker, reached } = this.#world;
    this.#request(
      `mail/${receiver}`,
      () => {
        broker.publishMail(receiver, bytes);
        reached("output stored, its answer lost");
        return true;
      },
      (stored) => this.#on({ type: "mail-published", receiver, stored: stored === true }),
    );
  }

  /** Carries one request to the broker and its answer back; null = nobody knows. */
  #request<Answer>(subject: string, apply: () => Answer, answer: (answer: Answer | null) => void): void {
    const { broker, wires, fate, late } = this.#world;
    const channel = `${this.#channel}/${subject}`;
    const back = (value: Answer | null): void =>
      this.#answer(subject, () => answer(value), value === null ? TIMEOUT_MS : 0);
    const arrive = (): void => {
      const happens = broker.down ? "lost" : fate();
      if (happens === "late") late(apply);
      if (happens === "lost" || happens === "late") return back(null);
      const value = apply();
      back(happens === "answer lost" ? null : value);
    };
    wires.post(channel, subject, arrive, apply);
  }

  /** Each answer is a channel of its own: that of an older request may come after that of a newer one. */
  #answer(subject: string, deliver: () => void, afterMs: number): void {
    const { wires, clock } = this.#world;
    const channel = `${this.#channel}/answer${++this.#answers}/${subject}`;
    wires.post(channel, subject, deliver, null, clock.monotonicMs() + afterMs);
  }
}
