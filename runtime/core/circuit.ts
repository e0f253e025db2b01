import type { AnyAgent, Verdict } from "../actor/agent.ts";
import { fnv1a32 } from "../../protocols/hash.ts";
import type { Clock } from "./ports.ts";
import { randomStream } from "./random-stream.ts";
import type { SnapshotTable } from "./snapshot-table.ts";

const FAILURES_TO_OPEN = 5;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

interface Circuit {
  failures: number;
  /** Monotonic time until which the agent is not asked. */
  openUntilMs: number;
  backoffMs: number;
  lastError: string | null;
  answered: number;
  failed: number;
}

export interface CircuitView {
  readonly role: string;
  readonly variant: string;
  readonly version: string;
  readonly state: "closed" | "open";
  readonly answered: number;
  readonly failed: number;
  readonly lastError: string | null;
}

/**
 * Consults local agents and keeps a circuit for each (D12): after five failures in a row an agent is not asked for a backoff that
 * doubles from 1 s to 60 s; then one request tries it. C1: `consult` never throws.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #snapshots: SnapshotTable;
  readonly #circuits = new Map<AnyAgent, Circuit>();

  constructor(clock: Clock, snapshots: SnapshotTable) {
    this.#clock = clock;
    this.#snapshots = snapshots;
  }

  consult<Answer>(agent: AnyAgent, request: unknown, part: unknown, seed: string, nowMs: number): Verdict<Answer> {
    const circuit = this.#circuitOf(agent);
    const startMs = this.#clock.monotonicMs();
    const { role, variant, version } = agent;
    if (startMs < circuit.openUntilMs) {
      return { role, variant, version, outcome: "open", answer: agent.whenFailing(request) as Answer, micros: 0 };
    }
    try {
      const answer = agent.answer(request, {
        part,
        nowMs,
        random: randomStream(fnv1a32(role, fnv1a32(seed))),
        snapshot: (topic) => this.#snapshots.get(topic)?.value,
      }) as Answer;
      circuit.failures = 0;
      circuit.backoffMs = BACKOFF_MIN_MS;
      circuit.answered++;
      return { role, variant, version, outcome: "answered", answer, micros: this.#microsSince(startMs) };
    } catch (error) {
      this.#fail(circuit, error);
      return {
        role,
        variant,
        version,
        outcome: "failed",
        answer: agent.whenFailing(request) as Answer,
        micros: this.#microsSince(startMs),
      };
    }
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
      lastError: circuit.lastError,
    }));
  }

  #fail(circuit: Circuit, error: unknown): void {
    circuit.failed++;
    circuit.lastError = error instanceof Error ? error.message : String(error);
    if (++circuit.failures < FAILURES_TO_OPEN) return;
    circuit.openUntilMs = this.#clock.monotonicMs() + circuit.backoffMs;
    circuit.backoffMs = Math.min(circuit.backoffMs * 2, BACKOFF_MAX_MS);
  }

  #microsSince(startMs: number): number {
    return Math.round((this.#clock.monotonicMs() - startMs) * 1_000);
  }

  #circuitOf(agent: AnyAgent): Circuit {
    let circuit = this.#circuits.get(agent);
    if (circuit === undefined) {
      circuit = { failures: 0, openUntilMs: 0, backoffMs: BACKOFF_MIN_MS, lastError: null, answered: 0, failed: 0 };
      this.#circuits.set(agent, circuit);
    }
    return circuit;
  }
}
