import type { Clock, Opening, ToStore } from "../../runtime/core/ports.ts";
import type { PendingReply } from "../../runtime/core/open-record.ts";
import type { TransientOutcome } from "../../runtime/core/shard-messages.ts";
import type { FaultPoint } from "./fault-points.ts";
import type { MemoryBroker } from "./memory-broker.ts";
import type { Wires } from "./wires.ts";

/** Breaks the node as a known-bad implementation would; all by what passes between its parts. */
export interface Tampering {
  /** Answers a commit before the store has seen it. */
  readonly answersBeforeFlush?: boolean;
  /** Answers a log append before it is stored. */
  readonly answersBeforeLog?: boolean;
  /** A shard reads the file as of its start for ever. */
  readonly neverRefreshes?: boolean;
  /** A shard reads the file as of its start until its first commit is acknowledged. */
  readonly opensBeforeFold?: boolean;
  readonly toStore?: (message: ToStore) => ToStore;
  readonly opening?: (opening: Opening) => Opening;
  readonly mail?: (bytes: Uint8Array) => Uint8Array;
  /** The question that an answer from outside is taken for. */
  readonly heardBy?: (request: number) => number;
}

/** What comes back to a question to an agent outside, and when. */
export interface OutsideArrival {
  readonly afterMs: number;
  readonly outcome: TransientOutcome;
}

/** What the wire does with a request to the broker: `late` = it arrives some time after the sender gave up. */
export type RequestFate = "arrives" | "lost" | "answer lost" | "late";

/** The node's surroundings. */
export interface NodeWorld {
  readonly wires: Wires;
  readonly broker: MemoryBroker;
  readonly clock: Clock;
  readonly tampering: Tampering;
  readonly fate: () => RequestFate;
  /** A request that will arrive when nobody expects it any more. */
  readonly late: (apply: () => void) => void;
  readonly reached: (point: FaultPoint) => void;
  /** What an agent outside does with a question. @param waitMs after which nobody takes note of an answer. */
  readonly outside: (subject: string, question: Uint8Array, waitMs: number) => readonly OutsideArrival[];
  readonly replied: (replies: readonly PendingReply[]) => void;
  readonly event: (event: string, details: Record<string, unknown>) => void;
}
