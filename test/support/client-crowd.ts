import type { Client, ReceivedBid } from "./client.ts";

/** What no answer may break, as the client itself counts: checked whenever a bid arrives. */
export interface Promised {
  readonly campaignId: string;
  /** Most ads of the campaign that one listener may have heard or may still hear. */
  readonly capLimit?: number;
  /** Most money that bids handed out may cost, as long as none of them was given up. */
  readonly budgetNanos?: number;
}

export interface CrowdOptions {
  readonly client: Client;
  readonly listeners: readonly string[];
  /** Requests and beacons under way at once. */
  readonly workers: number;
  readonly random: () => number;
  readonly promised: readonly Promised[];
}

/** Chances of what happens to a bid, out of 1; the rest is never played. */
const PLAYED = 0.55;
const LOST = 0.1;
const PLAYED_LATER = 0.15;
/** nbr of an answer without a decision: the node is under pressure, or its partition is away (decisioning.md 3). */
const SHED = 508;
const ANSWERS_MS = 20_000;
const PROGRESS = ["start", "firstQuartile", "midpoint", "thirdQuartile", "complete"] as const;

/** Several listeners at once, who ask, play, lose and repeat themselves until told to stop, whether the daemon lives or not. */
export class Crowd {
  /** Promises that an answer broke, in words. */
  readonly broken: string[] = [];
  /** Requests whose answer never came: what was decided then is not known. */
  unanswered = 0;
  private readonly options: CrowdOptions;
  private readonly later: ReceivedBid[] = [];
  private running = true;
  private isUp = true;
  private up = Promise.withResolvers<undefined>();
  private answered = 0;
  private waiting: { readonly at: number; readonly settle: (error?: Error) => void } | undefined;
  private readonly done: Promise<unknown>;

  constructor(options: CrowdOptions) {
    this.options = options;
    this.up.resolve(undefined);
    this.done = Promise.all(Array.from({ length: options.workers }, () => this.work()));
  }

  /** From now on whoever loses the connection waits for `daemonIsUp`. */
  daemonGoesDown(): void {
    if (!this.isUp) return; // it went down while it started: those who wait go on waiting
    this.isUp = false;
    this.up = Promise.withResolvers<undefined>();
  }

  daemonIsUp(): void {
    this.isUp = true;
    this.up.resolve(undefined);
  }

  /** Resolves at the n-th answer from now. @throws Error when it does not come in time, or when a promise is broken meanwhile. */
  answers(count: number): Promise<undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const before = this.answered;
    const settle = (error?: Error): void => {
      clearTimeout(late);
      this.waiting = undefined;
      if (error === undefined) resolve(undefined);
      else reject(error);
    };
    const late = setTimeout(() => {
      settle(
        new Error(
          `${this.answered - before} of ${count} answers within ${ANSWERS_MS} ms, ${this.unanswered} unanswered`,
        ),
      );
    }, ANSWERS_MS);
    this.waiting = { at: before + count, settle };
    return promise;
  }

  async stop(): Promise<void> {
    this.running = false;
    this.up.resolve(undefined);
    await this.done;
  }

  private async work(): Promise<void> {
    while (this.running) {
      const listener = this.pick(this.options.listeners);
      try {
        const { received, nbr } = await this.options.client.ask(listener);
        // What was shed says nothing; whoever waits for answers waits for a node that decides.
        if (nbr !== SHED) this.count();
        if (received === undefined) continue;
        this.check(received);
        await this.use(received);
      } catch (error) {
        if (error instanceof SyntaxError || !isConnectionError(error)) {
          this.break(`an answer could not be read: ${String(error)}`);
          return;
        }
        this.unanswered += 1;
        await this.up.promise;
      }
    }
  }

  private async use(received: ReceivedBid): Promise<void> {
    const draw = this.options.random();
    if (draw < PLAYED) return this.play(received);
    if (draw < PLAYED + LOST) return this.fire(received, "loss");
    if (draw < PLAYED + LOST + PLAYED_LATER) this.later.push(received);
    const earlier = this.later.length > 8 ? this.later.shift() : undefined;
    if (earlier !== undefined) await this.play(earlier);
  }

  /** Events in a player's order and out of it, some twice at once, some by the billing notice as well. */
  private async play(received: ReceivedBid): Promise<void> {
    const { random } = this.options;
    const heard = Math.floor(random() * (PROGRESS.length + 1));
    if (random() < 0.2) await this.fire(received, "start");
    const billing = [this.fire(received, "impression")];
    if (random() < 0.2) billing.push(this.fire(received, "impression"));
    if (random() < 0.2) billing.push(this.fire(received, "bill"));
    await Promise.all(billing);
    for (const event of PROGRESS.slice(0, heard)) await this.fire(received, event);
  }

  private async fire(received: ReceivedBid, event: string): Promise<void> {
    if (!received.sent.has(event)) received.sent.set(event, "unknown");
    const known = await this.options.client.fire(received, event);
    if (known === "unknown") await this.up.promise;
    else this.count();
  }

  private count(): void {
    this.answered += 1;
    if (this.waiting !== undefined && this.answered >= this.waiting.at) this.waiting.settle();
  }

  private check({ campaignId, listener }: ReceivedBid): void {
    const promise = this.options.promised.find((one) => one.campaignId === campaignId);
    if (promise === undefined) return;
    const open = this.options.client.bidsOf(campaignId, ({ sent }) => !sent.has("loss"));
    const ofListener = open.filter((bid) => bid.listener === listener).length;
    if (promise.capLimit !== undefined && ofListener > promise.capLimit)
      this.break(`${listener} has ${ofListener} of ${campaignId}, the cap is ${promise.capLimit}`);
    const nanos = open.reduce((sum, bid) => sum + bid.priceNanos, 0);
    if (promise.budgetNanos !== undefined && nanos > promise.budgetNanos)
      this.break(`bids of ${campaignId} cost ${nanos} nanos, the budget is ${promise.budgetNanos}`);
  }

  private break(what: string): void {
    this.broken.push(what);
    this.waiting?.settle(new Error(what));
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.options.random() * from.length)] as T;
  }
}

/** What `fetch` throws when the other side is gone or silent. */
function isConnectionError(error: unknown): boolean {
  if (error instanceof DOMException) return true;
  return error instanceof TypeError && (error.message === "fetch failed" || error.message === "terminated");
}
