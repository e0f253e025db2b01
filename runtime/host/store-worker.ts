import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import { Committer } from "../core/committer.ts";
import type { Clock, ToStore } from "../core/ports.ts";
import { LmdbRecordStore } from "../lmdb/record-store.ts";
import type { FromStoreWorker, StoreWorkerData, ToStoreWorker } from "../threads/store-messages.ts";

/*
 * The store thread: carries messages between ports and the committer, and owns the file. It runs no agent's code and must never be
 * terminated: a thread killed inside a transaction hangs the process (reliability.md 1.1). It ends after `close`, or with the process.
 */

const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

class StoreThread {
  readonly #store: LmdbRecordStore;
  readonly #committer: Committer;
  readonly #ports = new Map<number, MessagePort>();
  #closing: { readonly fold: boolean } | null = null;
  #scheduled = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #failed = false;

  constructor(data: StoreWorkerData) {
    this.#store = new LmdbRecordStore(data.file);
    this.#committer = new Committer(this.#store, clock, data.policy);
    tell({ type: "ready", figures: this.#committer.figures });
    this.#schedule();
  }

  on(message: ToStoreWorker): void {
    if (this.#failed && message.type === "close") return this.#leave();
    if (this.#stopped) return;
    switch (message.type) {
      case "attach":
        return this.#attach(message.shard, message.port);
      case "detach":
        return this.#detach(message.shard);
      case "stats":
        return tell({ type: "stats", request: message.request, figures: this.#committer.figures });
      case "close":
        this.#closing = { fold: message.fold };
        return this.#schedule();
    }
  }

  #attach(shard: number, port: MessagePort): void {
    this.#detach(shard);
    this.#ports.set(shard, port);
    port.on("message", (message: ToStore) => {
      this.#committer.receive(shard, message);
      this.#schedule();
    });
  }

  #detach(shard: number): void {
    this.#drain(shard);
    this.#ports.get(shard)?.close();
    this.#ports.delete(shard);
  }

  /** Takes what has arrived: a handler alone would get one message a turn, and timers would starve (facts/runtime.md 4). */
  #drain(shard: number): void {
    const port = this.#ports.get(shard);
    if (port === undefined) return;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      this.#committer.receive(shard, next.message as ToStore);
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    try {
      for (const shard of this.#ports.keys()) this.#drain(shard);
      if (this.#closing !== null) return this.#finish(this.#closing.fold);
      if (this.#committer.hasWork()) this.#turn();
      this.#arm();
    } catch (error) {
      this.#fail(error);
    }
  }

  #turn(finish = false): void {
    for (const { to, message } of this.#committer.turn({ finish })) this.#ports.get(to)?.postMessage(message);
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const dueInMs = this.#committer.dueInMs();
    if (dueInMs === 0) this.#schedule();
    else if (dueInMs !== null) this.#timer = setTimeout(() => this.#schedule(), Math.ceil(dueInMs));
  }

  #finish(fold: boolean): void {
    if (fold) while (!this.#committer.finished) this.#turn(true);
    else if (this.#committer.hasWork()) this.#turn();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stopped = true;
    const { figures } = this.#committer;
    void this.#store.close().then(
      () => {
        tell({ type: "closed", figures });
        this.#leave();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Nothing keeps the thread any more: it ends by itself. */
  #leave(): void {
    for (const port of this.#ports.values()) port.close();
    parentPort?.close();
  }

  /** Fail-stop: the daemon decides; meanwhile nothing is read from the ports, so nothing can seem accepted. */
  #fail(error: unknown): void {
    this.#stopped = true;
    this.#failed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const port of this.#ports.values()) port.removeAllListeners("message");
    reportFailure(error);
  }
}

function tell(message: FromStoreWorker): void {
  parentPort?.postMessage(message);
}

function reportFailure(error: unknown): void {
  const fault = error instanceof Fault ? error : new Fault("STORE_CLOSED", "the store thread failed", { cause: error });
  const causes: string[] = [];
  for (let cause = fault.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  const wire = toWireFault(fault);
  tell({ type: "failed", fault: { ...wire, details: { ...wire.details, causes } } });
}

try {
  const thread = new StoreThread(workerData as StoreWorkerData);
  parentPort?.on("message", (message: ToStoreWorker) => thread.on(message));
} catch (error) {
  reportFailure(error);
}
