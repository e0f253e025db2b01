import type { MessagePort } from "node:worker_threads";
import { decode, encode } from "../../protocols/codec.ts";
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

/**
 * Posts asks or replies as msgpack in a buffer that changes hands: a structured clone of the same values was the largest single item of a
 * decision in the shard (12 % of its time; ADR 0009).
 */
export function postPacked(port: MessagePort, values: readonly WireAsk[] | readonly WireReply[]): void {
  const bytes = Uint8Array.from(encode(values));
  port.postMessage(bytes, [bytes.buffer]);
}

/** Reads what `postPacked` posted within this process. */
export function readPacked<Value extends WireAsk | WireReply>(message: unknown): readonly Value[] {
  return decode(message as Uint8Array) as readonly Value[];
}
