import { Piscina } from "piscina";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Fault } from "../../protocols/errors.ts";
import { ThreadSupervisor } from "../core/thread-supervisor.ts";
import type { FromGateway, GatewayTask, RequestTally, ToGateway } from "../threads/gateway-thread-messages.ts";

export interface GatewayPoolOptions {
  readonly gateways: number;
  readonly task: Omit<GatewayTask, "gateway" | "control" | "port" | "reusePort">;
  readonly port: number;
  /** Gives a gateway its ports to the shards, now and whenever one is replaced. */
  readonly connect: (gateway: number, give: (shard: number, port: MessagePort) => void) => void;
  readonly disconnect: (gateway: number) => void;
  readonly onTallies: (tallies: readonly RequestTally[]) => void;
  readonly onError: (message: string, stack: string | null) => void;
  readonly onEscalate: (fault: Fault) => void;
}

interface GatewaySlot {
  control: MessagePort | null;
  readonly supervisor: ThreadSupervisor;
  done: Promise<void>;
}

/** Runs the gateway threads as pinned Piscina tasks; one that dies is replaced on the same port (D11). */
export class GatewayPool {
  readonly #options: GatewayPoolOptions;
  readonly #pool: Piscina;
  readonly #slots: GatewaySlot[] = [];
  #unready: string | null = "starting";
  #stopping = false;
  #port: number;

  constructor(options: GatewayPoolOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#pool = new Piscina({
      filename: new URL("./gateway-worker.ts", import.meta.url).href,
      minThreads: options.gateways,
      maxThreads: options.gateways,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: "disabled",
    });
  }

  /** @returns the URL all gateways listen at. @throws Fault CONFIG_INVALID when the port is taken. */
  async start(): Promise<string> {
    const url = await this.#run(0);
    this.#port = Number(new URL(url).port);
    for (let gateway = 1; gateway < this.#options.gateways; gateway++) await this.#run(gateway);
    return url;
  }

  readiness(unready: string | null): void {
    if (unready === this.#unready) return;
    this.#unready = unready;
    for (const { control } of this.#slots) control?.postMessage({ type: "readiness", unready } satisfies ToGateway);
  }

  /** Stops accepting, lets requests under way finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { control } of this.#slots) control?.postMessage({ type: "close" } satisfies ToGateway);
    await Promise.allSettled(this.#slots.map(({ done }) => done));
    await this.#pool.destroy();
  }

  #run(gateway: number): Promise<string> {
    const slot = (this.#slots[gateway] ??= {
      control: null,
      supervisor: new ThreadSupervisor(gateway),
      done: Promise.resolve(),
    });
    const { port1, port2 } = new MessageChannel();
    slot.control = port1;
    const listening = Promise.withResolvers<string>();
    port1.on("message", (message: FromGateway) => this.#onMessage(message, listening));
    const task: GatewayTask = {
      ...this.#options.task,
      gateway,
      port: this.#port,
      reusePort: this.#options.gateways > 1,
      control: port2,
    };
    slot.done = this.#pool.run(task, { transferList: [port2] }).then(
      () => undefined,
      (error: unknown) => {
        listening.reject(error);
        this.#died(gateway, error);
      },
    );
    this.#options.connect(gateway, (shard, port) =>
      port1.postMessage({ type: "attach", shard, port } satisfies ToGateway, [port]),
    );
    port1.postMessage({ type: "readiness", unready: this.#unready } satisfies ToGateway);
    return listening.promise;
  }

  #onMessage(message: FromGateway, listening: PromiseWithResolvers<string>): void {
    switch (message.type) {
      case "listening":
        return listening.resolve(message.url);
      case "listen-failed": {
        const { host } = this.#options.task;
        const why =
          message.code === "EADDRINUSE"
            ? "is taken: choose another with --http HOST:PORT"
            : `cannot be used: ${message.message}`;
        return listening.reject(
          new Fault("CONFIG_INVALID", `http ${host}:${this.#port} ${why}`, { details: { key: "http" } }),
        );
      }
      case "tallies":
        return this.#options.onTallies(message.tallies);
      case "error":
        return this.#options.onError(message.message, message.stack);
    }
  }

  #died(gateway: number, error: unknown): void {
    this.#options.disconnect(gateway);
    const slot = this.#slots[gateway];
    if (slot === undefined || this.#stopping) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onError(`gateway ${gateway} died: ${message}`, error instanceof Error ? (error.stack ?? null) : null);
    const { supervisor } = slot;
    const backoffMs = supervisor.died(performance.now());
    if (backoffMs === null) {
      const died = `gateway ${gateway} died ${supervisor.recent} times within a minute: ${message}`;
      this.#options.onEscalate(new Fault("HANDLER_FAILED", died, { cause: error }));
      return;
    }
    setTimeout(() => {
      if (!this.#stopping) this.#run(gateway).catch((fault: unknown) => this.#options.onError(String(fault), null));
    }, backoffMs);
  }
}
