import { createInbox, type Msg, nanos, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { inboxPrefixOf } from "./connect.ts";

const HEARTBEAT_MS = 2_000;
const PULL_EXPIRES_MS = 20_000;
const SILENT_BEATS_MAX = 3;
const STATUS_FRAMING_BYTES = 65_536;

/** One delivered message; `reply` is where its acknowledgement goes. */
export interface Delivered {
  readonly sequence: number;
  readonly reply: string;
  readonly message: Msg;
}

export interface PullSubscriptionOptions {
  readonly connection: NatsConnection;
  /** Subject prefix of the JetStream API, `$JS.API`. */
  readonly apiPrefix: string;
  readonly stream: string;
  readonly consumer: string;
  readonly batchMessages: number;
  readonly batchBytes: number;
  onDelivered(delivered: Delivered): void;
  /** The consumer is gone, or silent: nothing comes any more. Called once. */
  onLost(reason: string): void;
}

/**
 * Pulls one consumer's messages, one bounded batch at a time: no more than `batchMessages` and `batchBytes` are ever
 * asked for and not delivered, and nothing is asked for while paused (D11). The library's `consume` bounds either
 * messages or bytes and asks ahead while its reader stands still, hence this.
 * Owns one inbox and one batch. Does not own the consumer, nor what happens when it is lost.
 */
export class PullSubscription {
  readonly #options: PullSubscriptionOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  readonly #batch: string;
  #batchNumber = 0;
  /** Messages of the current batch that may still come; 0 means that no batch is asked for. */
  #expected = 0;
  #paused: boolean;
  #closed = false;
  #heard = true;
  #silentBeats = 0;

  constructor(options: PullSubscriptionOptions, paused: boolean) {
    this.#options = options;
    this.#paused = paused;
    this.#batch = JSON.stringify({
      batch: options.batchMessages,
      // A batch smaller than the largest message would never deliver it.
      max_bytes: Math.max(options.batchBytes, (options.connection.info?.max_payload ?? 0) + STATUS_FRAMING_BYTES),
      expires: nanos(PULL_EXPIRES_MS),
      idle_heartbeat: nanos(HEARTBEAT_MS),
    });
    this.#inbox = createInbox(inboxPrefixOf(options.connection));
    this.#subscription = options.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error ? this.#lose(error.message) : this.#receive(message)),
    });
    this.#watch = setInterval(() => this.#countSilence(), HEARTBEAT_MS);
    this.#pull();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pull();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    this.#subscription.unsubscribe();
  }

  #pull(): void {
    if (this.#paused || this.#closed || this.#expected > 0) return;
    const { connection, apiPrefix, stream, consumer, batchMessages } = this.#options;
    this.#batchNumber += 1;
    this.#expected = batchMessages;
    this.#silentBeats = 0;
    connection.publish(`${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, this.#batch, {
      reply: `${this.#inbox}.${this.#batchNumber}`,
    });
  }

  #receive(message: Msg): void {
    if (this.#closed) return;
    this.#heard = true;
    if (message.subject.startsWith(this.#inbox)) {
      this.#receiveStatus(message);
      return;
    }
    const reply = message.reply ?? "";
    this.#expected = Math.max(0, this.#expected - 1);
    this.#options.onDelivered({ sequence: streamSequenceOf(reply), reply, message });
    this.#pull();
  }

  #receiveStatus(message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (status === 100) return; // a heartbeat
    if (message.subject !== `${this.#inbox}.${this.#batchNumber}`) return; // of a batch that was over already
    // What ends one batch and leaves the consumer as it is says how much of the batch was left.
    if (message.headers?.has("Nats-Pending-Messages") === true) {
      this.#expected = 0;
      this.#pull();
      return;
    }
    this.#lose(`${status} ${message.headers?.description ?? ""}`);
  }

  /** Counts beats, not time: a blocked event loop must not look like a silent server (facts/nats.md, pitfalls). */
  #countSilence(): void {
    if (this.#heard || this.#expected === 0) this.#silentBeats = 0;
    else this.#silentBeats += 1;
    this.#heard = false;
    if (this.#silentBeats > SILENT_BEATS_MAX) this.#lose("no heartbeat");
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.onLost(reason);
  }
}

/**
 * Reads the stream sequence from an acknowledgement subject:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…`, in its newer form with domain and account before the stream.
 */
export function streamSequenceOf(reply: string): number {
  const tokens = reply.split(".");
  const sequence = Number(tokens[tokens.length === 9 ? 5 : 7]);
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || !Number.isSafeInteger(sequence)) {
    throw new Error(`not an acknowledgement subject: ${reply}`);
  }
  return sequence;
}
