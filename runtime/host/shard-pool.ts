import { Piscina } from "piscina";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Fault, fromWireFault } from "../../protocols/errors.ts";
import type { Suspect } from "../core/mail-intake.ts";
import type { ControlVerb, FromShard, InspectQuestion, ShardTask, ToShard } from "../threads/shard-thread-messages.ts";

export interface ShardPoolOptions {
  readonly shards: number;
  readonly partitions: number;
  /** Default: `shard-worker.ts`. */
  readonly worker?: URL;
  /** Everything a task needs but its ports. */
  readonly task: Omit<ShardTask, "shard" | "control" | "store" | "attempt">;
  readonly attachStore: (shard: number, port: MessagePort) => void;
  /** A shard runs (again): it needs new ports to those who ask it. */
  readonly onStarted: (shard: number) => void;
  readonly onMessage: (shard: number, message: FromShard) => void;
  /** Too many deaths: the node cannot go on. */
  readonly onEscalate: (fault: Fault) => void;
}

interface ShardSlot {
  control: MessagePort | null;
  readonly attempt: Int32Array;
  readonly partitions: readonly number[];
  deathsMs: number[];
  restarts: number;
  done: Promise<void>;
}

const DEATHS_MAX = 10;
const DEATHS_WITHIN_MS = 60_000;
const BACKOFF_MIN_MS = 20;
const BACKOFF_MAX_MS = 2_000;
const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Runs the shard threads as pinned Piscina tasks and replaces one that dies, with backoff and a budget (D11). V1: after a death the
 * envelope that was being handled is named to its next owner, so that a deadly one is given up after a few tries.
 */
export class ShardPool {
  readonly #options: ShardPoolOptions;
  readonly #pool: Piscina;
  readonly #slots: ShardSlot[] = [];
  readonly #answers = new Map<number, { resolve: (answer: unknown) => void; reject: (fault: Fault) => void }>();
  readonly #suspects = new Map<string, number>();
  #request = 0;
  #stopping = false;

  constructor(options: ShardPoolOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: (options.worker ?? new URL("./shard-worker.ts", import.meta.url)).href,
      minThreads: options.shards,
      maxThreads: options.shards,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: "disabled",
    });
    for (let shard = 0; shard < options.shards; shard++) {
      const partitions = Array.from({ length: options.partitions }, (_, p) => p).filter(
        (p) => p % options.shards === shard,
      );
      const attempt = new Int32Array(new SharedArrayBuffer(16));
      this.#slots.push({ control: null, attempt, partitions, deathsMs: [], restarts: 0, done: Promise.resolve() });
    }
  }

  shardOf(partition: number): number {
    return partition % this.#options.shards;
  }

  restartsOf(shard: number): number {
    return this.#slots[shard]?.restarts ?? 0;
  }

  partitionsOf(shard: number): readonly number[] {
    return this.#slots[shard]?.partitions ?? [];
  }

  start(): void {
    for (let shard = 0; shard < this.#slots.length; shard++) this.#run(shard, null);
  }

  tell(shard: number, message: ToShard, transfer: MessagePort[] = []): void {
    this.#slots[shard]?.control?.postMessage(message, transfer);
  }

  /** @throws Fault of the shard, or ASK_EXPIRED. */
  inspect(shard: number, question: InspectQuestion): Promise<unknown> {
    return this.#asked(shard, (request) => ({ type: "inspect", request, question }));
  }

  control(shard: number, control: ControlVerb): Promise<unknown> {
    return this.#asked(shard, (request) => ({ type: "control", request, control }));
  }

  /** Asks every shard to finish, waits at most `withinMs`. @returns whether all did. */
  async drain(withinMs: number): Promise<boolean> {
    this.#stopping = true;
    const drained = this.#slots.map((slot, shard) => {
      const { control } = slot;
      if (control === null) return Promise.resolve(false);
      return new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), withinMs + 500);
        control.on("message", (message: FromShard) => {
          if (message.type !== "drained") return;
          clearTimeout(timer);
          resolve(message.clean);
        });
        this.tell(shard, { type: "drain", withinMs });
      });
    });
    return (await Promise.all(drained)).every(Boolean);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (let shard = 0; shard < this.#slots.length; shard++) this.tell(shard, { type: "stop" });
    await Promise.allSettled(this.#slots.map(({ done }) => done));
    await this.#pool.destroy();
  }

  #run(shard: number, suspect: (Suspect & { readonly partition: number }) | null): void {
    const slot = this.#slots[shard];
    if (slot === undefined) return;
    const control = new MessageChannel();
    const store = new MessageChannel();
    slot.control = control.port1;
    Atomics.store(slot.attempt, 0, 0);
    control.port1.on("message", (message: FromShard) => this.#onMessage(shard, message));
    this.#options.attachStore(shard, store.port1);
    const task: ShardTask = {
      ...this.#options.task,
      shard,
      control: control.port2,
      store: store.port2,
      attempt: slot.attempt.buffer as SharedArrayBuffer,
    };
    slot.done = this.#pool.run(task, { transferList: [control.port2, store.port2] }).then(
      () => undefined,
      (error: unknown) => this.#died(shard, error),
    );
    for (const partition of slot.partitions) {
      this.tell(shard, { type: "open", partition, suspect: suspect?.partition === partition ? suspect : null });
    }
    this.#options.onStarted(shard);
  }

  #onMessage(shard: number, message: FromShard): void {
    if (message.type === "answer") {
      const waiting = this.#answers.get(message.request);
      this.#answers.delete(message.request);
      if (message.fault === null) waiting?.resolve(message.answer);
      else waiting?.reject(fromWireFault(message.fault));
      return;
    }
    this.#options.onMessage(shard, message);
  }

  #died(shard: number, error: unknown): void {
    const slot = this.#slots[shard];
    if (slot === undefined || this.#stopping) return;
    slot.control?.close();
    slot.control = null;
    const nowMs = performance.now();
    slot.deathsMs = [...slot.deathsMs.filter((atMs) => atMs > nowMs - DEATHS_WITHIN_MS), nowMs];
    slot.restarts++;
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    const suspect = this.#suspectOf(slot);
    this.#options.onMessage(shard, {
      type: "event",
      kind: "shard",
      event: "died",
      details: { shard, message, stack, suspect },
    });
    if (slot.deathsMs.length > DEATHS_MAX) {
      this.#options.onEscalate(
        new Fault("HANDLER_FAILED", `shard ${shard} died ${slot.deathsMs.length} times within a minute: ${message}`, {
          cause: error,
        }),
      );
      return;
    }
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (slot.deathsMs.length - 1));
    setTimeout(() => {
      if (!this.#stopping) this.#run(shard, suspect);
    }, backoffMs);
  }

  #suspectOf(slot: ShardSlot): (Suspect & { readonly partition: number }) | null {
    const [partitionPlusOne = 0, high = 0, low = 0, index = 0] = slot.attempt;
    if (partitionPlusOne === 0) return null;
    const partition = partitionPlusOne - 1;
    const sequence = high * 2 ** 31 + low;
    const name = `${partition}:${sequence}:${index}`;
    const deaths = (this.#suspects.get(name) ?? 0) + 1;
    this.#suspects.clear();
    this.#suspects.set(name, deaths);
    return { partition, sequence, index, deaths };
  }

  #asked(shard: number, message: (request: number) => ToShard): Promise<unknown> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(request);
        reject(new Fault("ASK_EXPIRED", `shard ${shard} did not answer within ${ANSWER_TIMEOUT_MS} ms`));
      }, ANSWER_TIMEOUT_MS);
      this.#answers.set(request, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (fault) => {
          clearTimeout(timer);
          reject(fault);
        },
      });
      this.tell(shard, message(request));
    });
  }
}
