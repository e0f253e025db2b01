import { encode } from "../../protocols/codec.ts";
import type { WireFault } from "../../protocols/errors.ts";
import { redacted } from "./redaction.ts";

/** Taps one shard has at once. */
export const TAPS_MAX = 8;
/** Messages of one tap that are shown in a second; the others are counted. */
const PER_SECOND_MAX = 100;

/** What an operator wants to see of one actor's messages. */
export interface TapOrder {
  readonly tap: string;
  readonly partition: number;
  readonly kind: string;
  readonly key: string;
  /** Messages after which it ends. */
  readonly countMax: number;
  readonly forMs: number;
  /** Show payloads too, without what may be personal. */
  readonly payloads: boolean;
}

/** How a message reached the actor. */
export type MessageForm = "tell" | "ask" | "timer" | "retry";

export interface TappedMessage {
  readonly atMs: number;
  readonly form: MessageForm;
  readonly message: string;
  /** Encoded payload. */
  readonly bytes: number;
  readonly micros: number;
  /** null: it was handled. */
  readonly fault: Pick<WireFault, "code" | "message"> | null;
  readonly payload?: unknown;
  /** Messages not shown since the last one, because there were too many in a second. */
  readonly dropped: number;
}

export interface TapEnd {
  readonly why: "count" | "time";
  readonly seen: number;
  readonly dropped: number;
}

export type TapReport =
  { readonly tap: string; readonly message: TappedMessage } | { readonly tap: string; readonly ended: TapEnd };

interface Running {
  readonly order: TapOrder;
  readonly untilMs: number;
  seen: number;
  shown: number;
  second: number;
  inSecond: number;
  dropped: number;
  untold: number;
}

/**
 * Taps of one shard's actors: each bounded in time, messages and messages a second, and it tells what it leaves out. P1: nothing is
 * encoded or kept for an actor without a tap; without any tap a message costs one comparison.
 */
export class Taps {
  readonly #running = new Map<string, Running>();
  #reports: TapReport[] = [];

  /** @returns false when there are too many already. An actor has one tap: a new one takes the place of the old. */
  start(order: TapOrder, nowMs: number): boolean {
    this.#expire(nowMs);
    const name = nameOf(order.partition, order.kind, order.key);
    const before = this.#running.get(name);
    if (before === undefined && this.#running.size >= TAPS_MAX) return false;
    if (before !== undefined) this.#end(name, before, "time");
    const counters = { seen: 0, shown: 0, second: 0, inSecond: 0, dropped: 0, untold: 0 };
    this.#running.set(name, { order, untilMs: nowMs + order.forMs, ...counters });
    return true;
  }

  get size(): number {
    return this.#running.size;
  }

  /** An actor handled a message. @param nowMs monotonic. @param atMs wall clock. */
  handled(
    { partition, kind, key }: { readonly partition: number; readonly kind: string; readonly key: string },
    what: Pick<TappedMessage, "form" | "message" | "micros" | "fault"> & { readonly payload: unknown },
    nowMs: number,
    atMs: number,
  ): void {
    const name = nameOf(partition, kind, key);
    const tap = this.#running.get(name);
    if (tap === undefined) return;
    if (nowMs >= tap.untilMs) return this.#end(name, tap, "time");
    tap.seen++;
    const second = Math.floor(nowMs / 1_000);
    if (second !== tap.second) {
      tap.second = second;
      tap.inSecond = 0;
    }
    if (tap.inSecond >= PER_SECOND_MAX) {
      tap.dropped++;
      tap.untold++;
      return;
    }
    tap.inSecond++;
    tap.shown++;
    const { payload, form, message, micros, fault } = what;
    const bytes = payload === undefined ? 0 : encode(payload).byteLength;
    const shown = { atMs, form, message, bytes, micros: Math.round(micros), fault, dropped: tap.untold };
    tap.untold = 0;
    const seen = tap.order.payloads ? { ...shown, payload: redacted(payload) } : shown;
    this.#reports.push({ tap: tap.order.tap, message: seen });
    if (tap.shown >= tap.order.countMax) this.#end(name, tap, "count");
  }

  /** What there is to tell. */
  take(nowMs: number): readonly TapReport[] {
    if (this.#running.size > 0) this.#expire(nowMs);
    if (this.#reports.length === 0) return this.#reports;
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  #expire(nowMs: number): void {
    for (const [name, tap] of this.#running) if (nowMs >= tap.untilMs) this.#end(name, tap, "time");
  }

  #end(name: string, { order, seen, dropped }: Running, why: "count" | "time"): void {
    this.#running.delete(name);
    this.#reports.push({ tap: order.tap, ended: { why, seen, dropped } });
  }
}

function nameOf(partition: number, kind: string, key: string): string {
  return `${partition}/${kind}/${key}`;
}
