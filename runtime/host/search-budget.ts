/** How far the clocks of this node and of the server may be apart. */
export const SKEW_MS = 2_000;
/** Rows may be stored so much later than their decisions were made: while NATS is away they wait. */
export const LATE_MS = 60_000;
const MESSAGES_MAX = 2_048;
const SEARCH_MS = 2_000;

/** Bounds one search through a stream, in messages and in time. */
export class SearchBudget {
  readonly #untilMs = performance.now() + SEARCH_MS;
  #messages = 0;

  /** Counts one message more. */
  spent(): boolean {
    return ++this.#messages >= MESSAGES_MAX || performance.now() >= this.#untilMs;
  }
}
