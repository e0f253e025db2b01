import { partitionOf } from "../../protocols/ids.ts";
import type { PendingReply } from "../../runtime/core/open-record.ts";
import type { MemoryBroker } from "../support/memory-broker.ts";
import type { MemoryNode } from "../support/memory-node.ts";
import type { Operation } from "./workload.ts";

export interface Call {
  readonly operation: Operation;
  /** ok: answered; none: refused before it ran; unknown: nobody knows; open: still awaited. */
  outcome: "open" | "ok" | "none" | "unknown";
  answer: unknown;
}

const OUTSTANDING_MAX = 6;
const TRIES_MAX = 400;
const DEADLINE_MS = 1_000_000;
/** Faults after which nobody knows; all others promise that the ask changed nothing. */
const DOUBTFUL: readonly string[] = ["COMMIT_FAILED", "EPOCH_LOST"];
/** Faults of an ask that was not run: it is asked again. */
const UNRUN: readonly string[] = ["NOT_OWNER", "OVERLOADED", "ASK_EXPIRED"];

/** The client: works its programme off and records what it was told. */
export class History {
  readonly calls: Call[] = [];
  readonly #programme: Operation[];
  readonly #partitions: number;
  readonly #awaited = new Map<number, Call>();
  #tries = 0;
  #id = 0;

  constructor(programme: readonly Operation[], partitions: number) {
    this.#programme = [...programme];
    this.#partitions = partitions;
  }

  get awaited(): number {
    return this.#awaited.size;
  }
  get finished(): boolean {
    return this.#programme.length === 0 && this.#awaited.size === 0;
  }

  /** The client goes on with these. */
  then(...operations: readonly Operation[]): void {
    this.#programme.push(...operations);
  }

  /** Whether the client could send its next operation now. */
  ready(node: MemoryNode): boolean {
    const next = this.#programme[0];
    if (next === undefined || this.#awaited.size >= OUTSTANDING_MAX) return false;
    return next.by === "ingress" || node.isOpen(partitionOf(next.key, this.#partitions));
  }

  send(node: MemoryNode, broker: MemoryBroker, nowMs: number): void {
    const operation = this.#programme.shift();
    if (operation === undefined) return;
    const { kind, key, type, payload, by } = operation;
    const partition = partitionOf(key, this.#partitions);
    const call: Call = { operation, outcome: "open", answer: null };
    if (by === "ingress") {
      if (broker.down) {
        this.#programme.push(operation);
        return;
      }
      const { op, copies } = payload as { op: string; copies: number };
      const envelopes = Array.from({ length: copies }, (_, copy) => ({
        kind,
        key,
        type,
        payload: { op: `${op}.${copy}` },
      }));
      broker.publishIngress(partition, envelopes);
      call.outcome = "ok";
    } else {
      const id = ++this.#id;
      this.#awaited.set(id, call);
      node.ask({ route: 0, id, partition, kind, key, type, payload, deadlineMs: nowMs + DEADLINE_MS });
    }
    this.calls.push(call);
  }

  replied(replies: readonly PendingReply[], answered: (call: Call) => void): void {
    for (const { id, answer, fault } of replies) {
      const call = this.#awaited.get(id);
      if (call === undefined) throw new Error(`ask ${id} was answered twice, or never asked`);
      this.#awaited.delete(id);
      if (fault === null) {
        call.outcome = "ok";
        call.answer = answer;
        answered(call);
        continue;
      }
      const unrun = UNRUN.includes(fault.code);
      call.outcome = DOUBTFUL.includes(fault.code) ? "unknown" : "none";
      if (unrun && call.operation.once !== true && this.#tries++ < TRIES_MAX) this.#programme.push(call.operation);
    }
  }

  /** The node or thread died: what was asked of it may have happened or not. @param partition whether it was asked of the dead part. */
  lost(partition: (partition: number) => boolean): void {
    for (const [id, call] of this.#awaited) {
      if (!partition(partitionOf(call.operation.key, this.#partitions))) continue;
      call.outcome = "unknown";
      this.#awaited.delete(id);
    }
  }
}
