import type { AnyAgent, Outcome, TopicRead, Verdict } from "../actor/agent.ts";
import type { Heard } from "../actor/transient.ts";
import type { Clock } from "./ports.ts";
import { roleStream } from "./random-stream.ts";
import type { SnapshotTable } from "./snapshot-table.ts";

const FAILURES_TO_OPEN = 5;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** What an agent says of its own failure, as far as it is kept. */
const ERROR_CHARS_MAX = 300;

interface Circuit {
  failures: number;
  /** Monotonic time until which the agent is not asked. */
  openUntilMs: number;
  backoffMs: number;
  /** One ask tries an agent outside again. */
  trial: boolean;
  lastError: string | null;
  answered: number;
  failed: number;
  late: number;
  ignored: number;
  passedOver: number;
}

export interface CircuitView {
  readonly role: string;
  readonly variant: string;
  readonly version: string;
  readonly state: "closed" | "open";
  readonly answered: number;
  readonly failed: number;
  /** Questions to an agent outside that were not answered in time, and answers that came when nobody waited any more. */
  readonly late: number;
  readonly ignored: number;
  /** Decisions that went on without asking an agent outside, because there was no room for the question or no time for an answer. */
  readonly passedOver: number;
  readonly lastError: string | null;
}

/**
 * Consults agents and keeps a circuit for each (D12): after five failures in a row an agent is not asked for a backoff that doubles
 * from 1 s to 60 s; then one request tries it. C1: `consult` never throws. C2: an agent outside that does not answer is waited for by
 * one ask at a time once its circuit was open (D15).
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #snapshots: SnapshotTable;
  readonly #circuits = new Map<AnyAgent, Circuit>();

  constructor(clock: Clock, snapshots: SnapshotTable) {
    this.#clock = clock;
    this.#snapshots = snapshots;
  }

  consult<Answer>(
    agent: AnyAgent,
    request: unknown,
    part: unknown,
    seed: string,
    nowMs: number,
    heard?: Heard,
  ): Verdict<Answer> {
    const circuit = this.#circuitOf(agent);
    const startMs = this.#clock.monotonicMs();
    const { role, variant } = agent;
    const version = heard?.hearing?.version ?? agent.version;
    const failing = (outcome: Outcome, micros: number): Verdict<Answer> => {
      const answer = agent.whenFailing(request) as Answer;
      return { role, variant, version, outcome, answer, micros };
    };
    if (agent.outside !== undefined && heard?.hearing === undefined) return failing(heard?.outcome ?? "failed", 0);
    if (agent.outside === undefined && startMs < circuit.openUntilMs) return failing("open", 0);
    let read: TopicRead[] | undefined;
    const look = (topic: string): unknown => {
      const found = this.#snapshots.get(topic);
      if (found === undefined) return undefined;
      (read ??= []).push({ topic, ...found });
      return found.value;
    };
    try {
      const answer = agent.answer(request, {
        part,
        nowMs,
        random: roleStream(role, seed),
        snapshot: look,
        heard: heard?.hearing?.answer,
      }) as Answer;
      if (agent.outside === undefined) succeed(circuit);
      const verdict = { role, variant, version, outcome: "answered" as const, answer };
      const micros = this.#microsSince(startMs);
      return read === undefined ? { ...verdict, micros } : { ...verdict, read, micros };
    } catch (error) {
      fail(circuit, "failed", error, startMs);
      return failing("failed", this.#microsSince(startMs));
    }
  }

  /** Whether an agent outside may be asked now. */
  admits(agent: AnyAgent): boolean {
    return this.#clock.monotonicMs() >= this.#circuitOf(agent).openUntilMs;
  }

  /** A question to an agent outside leaves. After a backoff it is the only one, until it is known what became of it (C2). */
  asks(agent: AnyAgent): void {
    const circuit = this.#circuitOf(agent);
    circuit.trial = circuit.failures >= FAILURES_TO_OPEN;
    if (circuit.trial) circuit.openUntilMs = this.#clock.monotonicMs() + circuit.backoffMs;
  }

  /** A question could not leave, which is no fault of the agent's. */
  passesOver(agent: AnyAgent): void {
    this.#circuitOf(agent).passedOver++;
  }

  /** What became of a question to an agent outside. @param error why it is no answer; null: it is one. */
  asked(agent: AnyAgent, outcome: "answered" | "failed" | "late", error: string | null): void {
    const circuit = this.#circuitOf(agent);
    if (outcome === "answered") succeed(circuit);
    else fail(circuit, outcome, error, this.#clock.monotonicMs());
  }

  /** An answer of an agent outside came when its time was up. */
  ignored(agent: AnyAgent): void {
    this.#circuitOf(agent).ignored++;
  }

  view(): CircuitView[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#circuits].map(([agent, circuit]) => ({
      role: agent.role,
      variant: agent.variant,
      version: agent.version,
      state: nowMs < circuit.openUntilMs ? "open" : "closed",
      answered: circuit.answered,
      failed: circuit.failed,
      late: circuit.late,
      ignored: circuit.ignored,
      passedOver: circuit.passedOver,
      lastError: circuit.lastError,
    }));
  }

  #microsSince(startMs: number): number {
    return Math.round((this.#clock.monotonicMs() - startMs) * 1_000);
  }

  #circuitOf(agent: AnyAgent): Circuit {
    let circuit = this.#circuits.get(agent);
    if (circuit === undefined) {
      circuit = {
        failures: 0,
        openUntilMs: 0,
        backoffMs: BACKOFF_MIN_MS,
        trial: false,
        lastError: null,
        answered: 0,
        failed: 0,
        late: 0,
        ignored: 0,
        passedOver: 0,
      };
      this.#circuits.set(agent, circuit);
    }
    return circuit;
  }
}

function succeed(circuit: Circuit): void {
  circuit.failures = 0;
  circuit.trial = false;
  circuit.openUntilMs = 0;
  circuit.backoffMs = BACKOFF_MIN_MS;
  circuit.answered++;
}

function fail(circuit: Circuit, how: "failed" | "late", error: unknown, nowMs: number): void {
  circuit[how]++;
  circuit.lastError = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_CHARS_MAX);
  if (++circuit.failures < FAILURES_TO_OPEN) return;
  // Of many that were under way together, one opens it: the backoff grows by tries, not by asks.
  if (nowMs < circuit.openUntilMs && !circuit.trial) return;
  circuit.trial = false;
  circuit.openUntilMs = nowMs + circuit.backoffMs;
  circuit.backoffMs = Math.min(circuit.backoffMs * 2, BACKOFF_MAX_MS);
}
