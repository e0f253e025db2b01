import type { Partition } from "../../protocols/ids.ts";
import { toWireFault } from "../../protocols/errors.ts";
import type { MailConsumer, MailConsumerOptions } from "../nats/mail-consumer.ts";

type Start = (
  options: Pick<MailConsumerOptions, "partition" | "startSequence" | "onMessage" | "onStatus">,
) => Promise<MailConsumer>;

interface Consumption {
  consumer: MailConsumer | null;
  paused: boolean;
  stopped: boolean;
}

const RETRY_MS = 500;

/** The mail consumers of one shard by partition. Starting takes a while; what is asked meanwhile is done when it has started. */
export class MailConsumers {
  readonly #start: Start;
  readonly #consumptions = new Map<Partition, Consumption>();
  onMail: (partition: Partition, sequence: number, bytes: Uint8Array) => void = () => undefined;
  onStatus: (partition: Partition, event: string, details: Record<string, unknown>) => void = () => undefined;

  constructor(start: Start) {
    this.#start = start;
  }

  start(partition: Partition, startSequence: number): void {
    this.stop(partition);
    const consumption: Consumption = { consumer: null, paused: false, stopped: false };
    this.#consumptions.set(partition, consumption);
    this.#begin(partition, startSequence, consumption);
  }

  stop(partition: Partition): void {
    const consumption = this.#consumptions.get(partition);
    if (consumption === undefined) return;
    consumption.stopped = true;
    this.#consumptions.delete(partition);
    void consumption.consumer?.stop();
  }

  stopAll(): void {
    for (const partition of [...this.#consumptions.keys()]) this.stop(partition);
  }

  flow(partition: Partition, paused: boolean): void {
    const consumption = this.#consumptions.get(partition);
    if (consumption === undefined) return;
    consumption.paused = paused;
    if (paused) consumption.consumer?.pause();
    else consumption.consumer?.resume();
  }

  ack(partition: Partition, sequence: number): void {
    this.#consumptions.get(partition)?.consumer?.ack(sequence);
  }

  #begin(partition: Partition, startSequence: number, consumption: Consumption): void {
    this.#start({
      partition,
      startSequence,
      onMessage: (sequence, bytes) => {
        if (!consumption.stopped) this.onMail(partition, sequence, bytes);
      },
      onStatus: (status) => {
        if (status.state === "failed") this.onStatus(partition, "mail-failed", { ...toWireFault(status.fault) });
        if (status.state === "lost") this.onStatus(partition, "mail-lost", { reason: status.reason });
      },
    }).then(
      (consumer) => {
        consumption.consumer = consumer;
        if (consumption.stopped) void consumer.stop();
        else if (consumption.paused) consumer.pause();
      },
      (error: unknown) => {
        this.onStatus(partition, "mail-failed", { ...toWireFault(error) });
        if (!consumption.stopped) setTimeout(() => this.#again(partition, startSequence, consumption), RETRY_MS);
      },
    );
  }

  #again(partition: Partition, startSequence: number, consumption: Consumption): void {
    if (!consumption.stopped) this.#begin(partition, startSequence, consumption);
  }
}
