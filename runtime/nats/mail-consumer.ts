import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { mailSubject } from "../../protocols/subjects.ts";
import { identityOf, type StreamIdentity } from "./provision.ts";
import { fromHeaders } from "./publish-outcome.ts";
import { type Delivered, PullSubscription } from "./pull-subscription.ts";

const BATCH_MESSAGES = 256;
const BATCH_BYTES = 8 * 2 ** 20;
const UNACKNOWLEDGED_MAX = 4_096; // below a thousand the throughput halves (facts/runtime.md 4)
const ACKNOWLEDGE_WITHIN_MS = 3_600_000; // never redelivered within an incarnation: what is lost is asked for anew
const RETRY_MS = { min: 50, max: 2_000 };

export interface MailConsumerOptions {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly partition: Partition;
  /** The first sequence wanted: the applied position of the commit record, plus one. */
  readonly startSequence: number;
  /** The stream that the position belongs to (D2); left out where there is no position yet. */
  readonly identity?: StreamIdentity;
  /** Called in order of rising sequence, each once; must not throw. */
  readonly onMessage: (sequence: number, bytes: Uint8Array, headers: Readonly<Record<string, string>>) => void;
  readonly onStatus: (status: MailStatus) => void;
}

export type MailStatus =
  | { readonly state: "consuming"; readonly fromSequence: number }
  /** Nothing comes for now; it is made anew without end. */
  | { readonly state: "lost"; readonly reason: string }
  /** The stream is not the one that was read, or went back: consuming has ended, and messages are missing (P5). */
  | { readonly state: "failed"; readonly fault: Fault };

export interface MailConsumer {
  /** Acknowledges this message and all before it. For operators' eyes and flow only: the position is in the commit record. */
  ack(sequence: number): void;
  /** Asks for nothing more; what was asked for, at most 256 messages and 8 MB, still comes. */
  pause(): void;
  resume(): void;
  /** Ends consuming; the server's consumer stays, for operators to see, until the next owner makes it anew. */
  stop(): Promise<void>;
}

/**
 * Consumes one partition's mail from a sequence on.
 * M1 sequences rise strictly, over reconnects and restarts of the server too. M2 the consumer is made anew each time:
 * one that is taken up again delivers newer messages before the unacknowledged ones (facts/runtime.md 4).
 * M3 what is asked for and not delivered is bounded by messages and bytes.
 * @throws Fault `STREAM_REWOUND` when the position does not fit the stream, `NATS_UNAVAILABLE` when NATS does not answer.
 */
export async function consumeMail(options: MailConsumerOptions): Promise<MailConsumer> {
  const consumption = new MailConsumption(options);
  await consumption.start();
  return consumption;
}

class MailConsumption implements MailConsumer {
  readonly #options: MailConsumerOptions;
  readonly #name: string;
  readonly #statuses: AsyncIterable<{ type: string }> & { stop?: () => void };
  #nextSequence: number;
  #pull: PullSubscription | null = null;
  /** Delivered and not acknowledged, in order; the server bounds it by UNACKNOWLEDGED_MAX. */
  #unacknowledged: { readonly sequence: number; readonly reply: string }[] = [];
  #paused = false;
  #stopping = new AbortController();
  #renewal: Promise<void> | null = null;

  constructor(options: MailConsumerOptions) {
    this.#options = options;
    this.#name = `p${options.partition}`;
    this.#nextSequence = Math.max(1, options.startSequence);
    this.#statuses = options.connection.status();
  }

  async start(): Promise<void> {
    try {
      await this.#incarnate();
    } catch (error) {
      this.#statuses.stop?.();
      if (error instanceof Fault) throw error;
      const message = `cannot consume the mail of partition ${this.#options.partition}`;
      throw new Fault("NATS_UNAVAILABLE", message, { cause: error });
    }
    void this.#watchConnection();
  }

  ack(sequence: number): void {
    let last: string | null = null;
    let count = 0;
    for (const delivered of this.#unacknowledged) {
      if (delivered.sequence > sequence) break;
      last = delivered.reply;
      count += 1;
    }
    if (last === null) return; // of an earlier incarnation, which the server has forgotten
    this.#unacknowledged.splice(0, count);
    if (!this.#options.connection.isClosed()) this.#options.connection.publish(last);
  }

  pause(): void {
    this.#paused = true;
    this.#pull?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#pull?.resume();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#statuses.stop?.();
    this.#pull?.close();
    await this.#renewal;
    this.#pull?.close();
  }

  /** Deletes the server's consumer and makes it anew at the next sequence. */
  async #incarnate(): Promise<void> {
    const { jsm, stream, partition, connection } = this.#options;
    await this.#refuseRewound();
    await this.#deleteConsumer();
    const fromSequence = this.#nextSequence;
    await jsm.consumers.add(stream, {
      durable_name: this.#name,
      filter_subject: mailSubject(partition),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: fromSequence,
      ack_policy: AckPolicy.All,
      ack_wait: nanos(ACKNOWLEDGE_WITHIN_MS),
      max_ack_pending: UNACKNOWLEDGED_MAX,
      mem_storage: true, // it is made anew after every restart: syncing its state would cost and gain nothing
    });
    this.#unacknowledged = [];
    if (this.#stopping.signal.aborted) return;
    this.#options.onStatus({ state: "consuming", fromSequence });
    this.#pull = new PullSubscription(
      {
        connection,
        apiPrefix: jsm.getOptions().apiPrefix ?? "$JS.API",
        stream,
        consumer: this.#name,
        batchMessages: BATCH_MESSAGES,
        batchBytes: BATCH_BYTES,
        onDelivered: (delivered) => this.#deliver(delivered),
        onLost: (reason) => this.#renew(reason),
      },
      this.#paused,
    );
  }

  #deliver({ sequence, reply, message }: Delivered): void {
    if (sequence < this.#nextSequence) return;
    this.#nextSequence = sequence + 1;
    this.#unacknowledged.push({ sequence, reply });
    this.#options.onMessage(sequence, message.data, message.headers ? fromHeaders(message.headers) : {});
  }

  /** A server that lost messages reuses their numbers: a position beyond its end would wait, and then skip (reliability.md 1.4). */
  async #refuseRewound(): Promise<void> {
    const { jsm, stream, identity, partition } = this.#options;
    const info = await jsm.streams.info(stream);
    const present = identityOf(info);
    const lastSequence = info.state.last_seq;
    if ((identity === undefined || identity === present) && this.#nextSequence <= lastSequence + 1) return;
    throw new Fault(
      "STREAM_REWOUND",
      `the mail of partition ${partition} continues at ${this.#nextSequence} of ${identity ?? stream}, but ${present} ends at ${lastSequence}`,
      { details: { partition, nextSequence: this.#nextSequence, identity: identity ?? null, present, lastSequence } },
    );
  }

  async #deleteConsumer(): Promise<void> {
    try {
      await this.#options.jsm.consumers.delete(this.#options.stream, this.#name);
    } catch (error) {
      const absent = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
      if (!absent) throw error;
    }
  }

  #renew(reason: string): void {
    if (this.#stopping.signal.aborted || this.#renewal !== null) return;
    this.#pull?.close();
    this.#options.onStatus({ state: "lost", reason });
    this.#renewal = this.#incarnateUntilDone().finally(() => {
      this.#renewal = null;
    });
  }

  async #incarnateUntilDone(): Promise<void> {
    for (let waitMs = RETRY_MS.min; !this.#stopping.signal.aborted; waitMs = Math.min(2 * waitMs, RETRY_MS.max)) {
      try {
        await this.#incarnate();
        return;
      } catch (error) {
        if (error instanceof Fault) {
          this.#options.onStatus({ state: "failed", fault: error });
          return;
        }
        // NATS does not answer, or not yet as it should: that is what the loop is for.
        await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** What a server forgets at a restart is asked for at once, not when the heartbeats have been missed. */
  async #watchConnection(): Promise<void> {
    for await (const status of this.#statuses) {
      if (status.type === "reconnect") this.#renew("reconnected");
    }
  }
}
