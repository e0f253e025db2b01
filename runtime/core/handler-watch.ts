import { toWireFault } from "../../protocols/errors.ts";
import type { Activation } from "./activation.ts";
import { HandlerTimes } from "./handler-times.ts";
import type { Clock } from "./ports.ts";
import { type MessageForm, Taps } from "./taps.ts";

/** What a shard's handlers do, as operators see it: how long they take, and the messages of actors that are tapped. */
export class HandlerWatch {
  readonly times = new HandlerTimes();
  readonly taps = new Taps();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds of the monotonic clock. */
  begin(): number {
    return this.#clock.monotonicMs();
  }

  /** A handler returned, or threw `error`. @param startMs from `begin`. */
  end(
    { id, definition }: Activation,
    form: MessageForm,
    message: string,
    payload: unknown,
    startMs: number,
    error: unknown,
  ): void {
    const nowMs = this.#clock.monotonicMs();
    const micros = (nowMs - startMs) * 1_000;
    const handlers = form === "timer" ? definition.timers : definition.handlers;
    // Names that no handler has come from the wire: they would be unbounded.
    if (handlers?.[message] !== undefined) this.times.record(id.kind, message, micros, error !== null);
    if (this.taps.size === 0) return;
    const fault = error === null ? null : toWireFault(error);
    this.taps.handled(id, { form, message, payload, micros, fault }, nowMs, this.#clock.nowMs());
  }
}
