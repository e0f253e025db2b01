import type { WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { AppendOutcome, SubjectTail } from "./fenced-append.ts";
import type { PendingReply } from "./open-record.ts";
import type { Suspect } from "./attempt.ts";
import type { FromStore, ToStore } from "./ports.ts";
import type { TapReport } from "./taps.ts";

/** A fenced subject, by what it carries (D5). */
export type FencedSubject =
  | { readonly of: "log" | "decisions" | "dead-letters"; readonly partition: Partition }
  | { readonly of: "topic"; readonly partition: Partition; readonly topic: string };

export interface Ask {
  /** Which port the answer goes back to. */
  readonly route: number;
  readonly id: number;
  readonly partition: Partition;
  readonly kind: string;
  readonly key: string;
  readonly type: string;
  readonly payload: unknown;
  /** Wall clock after which nobody waits: dropped unrun (D5). */
  readonly deadlineMs: number;
}

/** What became of a question to an agent outside (D15); silence is nothing that happens: the shard has its own deadline. */
export type TransientOutcome =
  | { readonly type: "answered"; readonly bytes: Uint8Array; readonly contentType: string | null }
  /** Nobody hears it, or the agent says that it failed. */
  | { readonly type: "failed"; readonly reason: string };

/** What happens to a shard (D19). */
export type ShardEvent =
  | { readonly type: "open"; readonly partition: Partition; readonly deadly: readonly Suspect[] }
  | { readonly type: "ask"; readonly ask: Ask }
  | { readonly type: "mail"; readonly partition: Partition; readonly sequence: number; readonly bytes: Uint8Array }
  | { readonly type: "store"; readonly message: FromStore }
  | {
      readonly type: "appended";
      readonly subject: FencedSubject;
      readonly tag: number;
      readonly outcome: AppendOutcome;
    }
  | {
      readonly type: "tail";
      readonly subject: FencedSubject;
      readonly tag: number;
      readonly tail: SubjectTail | null;
    }
  | { readonly type: "mail-published"; readonly receiver: Partition; readonly stored: boolean }
  | { readonly type: "snapshot"; readonly topic: string; readonly version: number; readonly value: unknown }
  | { readonly type: "heard"; readonly request: number; readonly outcome: TransientOutcome }
  | { readonly type: "accept-gap"; readonly partition: Partition }
  /** Every open partition moves the tail of its log (ADR 0008). */
  | { readonly type: "mark-logs" };

/** What a shard wants done, in this order (D19). `tag` comes back with the answer: one for an older opening is ignored. */
export type ShardAction =
  | { readonly type: "to-store"; readonly message: ToStore }
  | { readonly type: "replies"; readonly replies: readonly PendingReply[] }
  | {
      readonly type: "append";
      readonly subject: FencedSubject;
      readonly rows: readonly Uint8Array[];
      readonly epoch: number;
      readonly first: number;
      readonly last: number;
      readonly expectedSequence: number;
      readonly tag: number;
    }
  | { readonly type: "read-tail"; readonly subject: FencedSubject; readonly tag: number }
  | { readonly type: "publish-mail"; readonly receiver: Partition; readonly bytes: Uint8Array; readonly count: number }
  | { readonly type: "consume"; readonly partition: Partition; readonly startSequence: number }
  | { readonly type: "stop-consuming"; readonly partition: Partition }
  | { readonly type: "flow"; readonly partition: Partition; readonly paused: boolean }
  | { readonly type: "ack"; readonly partition: Partition; readonly sequence: number }
  /** A question to an agent outside; after `waitMs` nobody takes note of an answer. */
  | {
      readonly type: "request";
      readonly request: number;
      readonly subject: string;
      readonly contentType: string;
      readonly bytes: Uint8Array;
      readonly waitMs: number;
    }
  /** For the node's pool of jobs. */
  | { readonly type: "job"; readonly partition: Partition; readonly order: JobOrder }
  /** What a tap has to tell an operator. */
  | { readonly type: "tapped"; readonly report: TapReport }
  | { readonly type: "event"; readonly kind: string; readonly event: string; readonly details: Record<string, unknown> }
  | {
      readonly type: "partition-state";
      readonly partition: Partition;
      readonly state: "opening" | "open" | "refused";
      readonly fault: WireFault | null;
    };
