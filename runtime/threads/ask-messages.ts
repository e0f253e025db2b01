import type { WireFault } from "../../protocols/errors.ts";

/** An ask as it crosses a port: from a gateway or the daemon to a shard, several in one message (D4). */
export interface WireAsk {
  readonly id: number;
  readonly partition: number;
  readonly kind: string;
  readonly key: string;
  readonly type: string;
  readonly payload: unknown;
  /** Wall clock, milliseconds; later the ask is dropped unrun (D5). */
  readonly deadlineMs: number;
}

export interface WireReply {
  readonly id: number;
  readonly answer: unknown;
  readonly fault: WireFault | null;
}
