import type { MessagePort } from "node:worker_threads";
import type { WireFault } from "../../protocols/errors.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { Suspect } from "../core/attempt.ts";
import type { TapOrder, TapReport } from "../core/taps.ts";
import type { ShardSettings } from "../core/shard-settings.ts";
import type { AgentSettings } from "./agent-settings.ts";
import type { NatsAccess } from "./nats-access.ts";

/** What a shard's pinned task is started with. */
export interface ShardTask {
  readonly shard: number;
  readonly partitions: number;
  readonly settings: ShardSettings;
  readonly storeFile: string;
  readonly nats: NatsAccess;
  /** AES-256 key of sealed parts, 32 bytes. */
  readonly sealKey: Uint8Array;
  readonly clockOffsetMs: number;
  readonly agents: AgentSettings;
  /** Names the settings a decision was made under. */
  readonly configVersion: string;
  readonly node: string;
  /** Of an `AttemptMemory`: what is being handled (D11). */
  readonly attempt: SharedArrayBuffer;
  readonly control: MessagePort;
  readonly store: MessagePort;
}

/** Questions an operator can ask a shard; the answer is plain data. */
export type InspectQuestion =
  | { readonly about: "actor"; readonly partition: number; readonly kind: string; readonly key: string }
  | { readonly about: "actors"; readonly kind: string | null; readonly limit: number }
  | { readonly about: "partitions" }
  | { readonly about: "timers"; readonly limit: number }
  | { readonly about: "dead-letters"; readonly limit: number }
  | { readonly about: "dead-letter"; readonly partition: number; readonly id: string }
  | { readonly about: "supervision"; readonly limit: number }
  | { readonly about: "handlers" }
  | { readonly about: "load" }
  | { readonly about: "circuits" }
  | { readonly about: "outside" };

export type ControlVerb =
  | { readonly verb: "accept-gap"; readonly partition: number }
  /** Answered with false when the shard has too many taps. */
  | { readonly verb: "tap"; readonly order: TapOrder };

/** From the daemon to a shard. */
export type ToShard =
  | { readonly type: "open"; readonly partition: number; readonly deadly: readonly Suspect[] }
  | { readonly type: "attach"; readonly route: number; readonly port: MessagePort }
  | { readonly type: "snapshot"; readonly topic: string; readonly version: number; readonly buffer: SharedArrayBuffer }
  /** What a learner published: msgpack (D17). */
  | { readonly type: "topic"; readonly topic: string; readonly version: number; readonly bytes: Uint8Array }
  | { readonly type: "inspect"; readonly request: number; readonly question: InspectQuestion }
  | { readonly type: "control"; readonly request: number; readonly control: ControlVerb }
  /** Move the tail of every partition's log (ADR 0008). */
  | { readonly type: "mark-logs" }
  /** Take no more mail; answer `drained` when everything is published, or after the bound. */
  | { readonly type: "drain"; readonly withinMs: number }
  | { readonly type: "stop" };

/** From a shard to the daemon. */
export type FromShard =
  | { readonly type: "ready"; readonly threadId: number }
  | {
      readonly type: "partition-state";
      readonly partition: number;
      readonly state: "opening" | "open" | "refused";
      readonly fault: WireFault | null;
    }
  | { readonly type: "event"; readonly kind: string; readonly event: string; readonly details: Record<string, unknown> }
  /** An actor's order to the node's pool of jobs; its commit is flushed. */
  | { readonly type: "job"; readonly partition: number; readonly order: JobOrder }
  | { readonly type: "tapped"; readonly report: TapReport }
  | { readonly type: "snapshot-taken"; readonly topic: string; readonly version: number }
  | { readonly type: "answer"; readonly request: number; readonly answer: unknown; readonly fault: WireFault | null }
  | { readonly type: "drained"; readonly clean: boolean };
