import type { Answer, Connection } from "./http-connection.ts";
import { Latencies } from "./latencies.ts";
import type { LoadResult } from "./load-plan.ts";

/** Time as the generator sees it; real in the harness, moved by hand in its test. */
export interface LoadClock {
  nowMs(): number;
  /** Runs `then` once, not before `durationMs` have passed. */
  after(durationMs: number, then: () => void): void;
}

export interface OpenLoopOptions {
  readonly clock: LoadClock;
  readonly connections: readonly Connection[];
  readonly count: number;
  readonly ratePerSecond: number;
  /** Bytes of request `index`. */
  readonly requestAt: (index: number) => Uint8Array;
  readonly onAnswer: (answer: Answer) => void;
}

/** After the last request was due, its answer is waited for this long. */
const GRACE_MS = 5_000;

/**
 * Sends at a fixed pace whatever the answers do, as independent listeners would, and counts each latency from the moment the request
 * was **due**. A generator that waits for an answer before it sends the next measures one slow answer where a thousand listeners waited
 * (coordinated omission).
 */
export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #idle: Connection[];
  readonly #latencies = new Latencies();
  readonly #sendLags = new Latencies();
  readonly #isAnswered: Uint8Array;
  readonly #statuses = new Map<string, number>();
  readonly #finished = Promise.withResolvers<LoadResult>();
  readonly #startMs: number;
  readonly #intervalMs: number;
  /** Requests that are due. */
  #due = 0;
  /** Of these, those that were written; the rest waits for a connection. */
  #sent = 0;
  #answered = 0;
  #answeredInTime = 0;
  /** Each takes its request along and is not opened again: a server that drops connections does not hold the rate. */
  #connectionsLost = 0;
  #isOver = false;

  private constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#idle = [...options.connections];
    this.#isAnswered = new Uint8Array(options.count);
    this.#intervalMs = 1_000 / options.ratePerSecond;
    this.#startMs = options.clock.nowMs();
  }

  /** Resolves when every request is answered or lost, at the latest five seconds after the last was due. */
  static run(options: OpenLoopOptions): Promise<LoadResult> {
    const loop = new OpenLoop(options);
    options.clock.after(loop.#windowMs + GRACE_MS, () => loop.#finish());
    loop.#tick();
    return loop.#finished.promise;
  }

  get #windowMs(): number {
    return this.#options.count * this.#intervalMs;
  }

  #tick(): void {
    if (this.#isOver) return;
    const { clock, count } = this.#options;
    const elapsedMs = clock.nowMs() - this.#startMs;
    this.#due = Math.min(Math.floor(elapsedMs / this.#intervalMs) + 1, count);
    this.#sendDue();
    if (this.#due < count)
      clock.after(this.#startMs + this.#due * this.#intervalMs - clock.nowMs(), () => this.#tick());
  }

  #sendDue(): void {
    while (this.#sent < this.#due) {
      // The one idle longest: all connections stay in use, on whichever gateway they ended.
      const connection = this.#idle.shift();
      if (connection === undefined) return;
      const index = this.#sent++;
      this.#send(connection, index);
    }
  }

  #send(connection: Connection, index: number): void {
    const { clock, requestAt } = this.#options;
    const dueMs = this.#startMs + index * this.#intervalMs;
    this.#sendLags.record(clock.nowMs() - dueMs);
    connection.send(requestAt(index), (answer) => {
      if (this.#isOver) return;
      if (answer === null) {
        this.#connectionsLost += 1;
      } else {
        this.#idle.push(connection);
        this.#isAnswered[index] = 1;
        this.#count(answer, clock.nowMs(), dueMs);
      }
      this.#sendDue();
      this.#finishIfDone();
    });
  }

  #count(answer: Answer, nowMs: number, dueMs: number): void {
    this.#answered += 1;
    if (nowMs - this.#startMs <= this.#windowMs) this.#answeredInTime += 1;
    this.#latencies.record(nowMs - dueMs);
    const status = answer.noBidReason === null ? String(answer.status) : `${answer.status}/${answer.noBidReason}`;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#options.onAnswer(answer);
  }

  #finishIfDone(): void {
    const { connections, count } = this.#options;
    const isAlone = this.#connectionsLost === connections.length;
    if (isAlone || this.#answered + this.#connectionsLost === count) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { clock, count } = this.#options;
    const elapsedMs = clock.nowMs() - this.#startMs;
    // Left out, the worst would be missing from the percentiles: they count with the time they have waited.
    for (let index = 0; index < this.#due; index++) {
      if (this.#isAnswered[index] === 0) this.#latencies.record(elapsedMs - index * this.#intervalMs);
    }
    this.#finished.resolve({
      ...this.#latencies.figures(),
      offered: count,
      answered: this.#answered,
      achievedPerSecond: this.#answeredInTime / (this.#windowMs / 1_000),
      statuses: Object.fromEntries(this.#statuses),
      lost: count - this.#answered,
      sendLagP99Ms: this.#sendLags.percentileMs(99),
      beacons: [],
    });
  }
}
