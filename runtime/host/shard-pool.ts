import { Piscina } from "piscina";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Fault, fromWireFault } from "../../protocols/errors.ts";
import type { Attempt, DeathCause, Suspect } from "../core/attempt.ts";
import { DeathRecord } from "../core/death-record.ts";
import { ThreadSupervisor } from "../core/thread-supervisor.ts";
import { AttemptMemory } from "../threads/attempt-memory.ts";
import type { ControlVerb, FromShard, InspectQuestion, ShardTask, ToShard } from "../threads/shard-thread-messages.ts";
import { ShardWatchdog } from "./shard-watchdog.ts";

export interface ShardPoolOptions {
  readonly shards: number;
  readonly partitions: number;
  /** The file that a shard's thread runs. */
  readonly worker: URL;
  /** Milliseconds without a turn of its event loop after which a thread is ended; 0 = never. */
  readonly hangAfterMs: number;
  /** Of a thread's JavaScript objects; buffers are not counted. */
  readonly heapBytesMax: number;
  /** Threads that may die in one envelope before it is given up. */
  readonly deathsMax: number;
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
  /** What its thread is running; one memory a life, so that a thread that is being ended writes to nobody's. */
  memory: AttemptMemory;
  /** Ends its thread wherever that stands; it holds no lock of the store (facts/faults.md 2a.4). */
  end: AbortController;
  /** Why it is being ended; null: it is not. */
  ending: "hang" | "oom" | null;
  /** Of its thread, once that runs. */
  threadId: number | null;
  readonly partitions: readonly number[];
  readonly supervisor: ThreadSupervisor;
  lastDeath: ShardDeath | null;
  done: Promise<void>;
}

/** How a shard's thread ended. */
export interface ShardDeath {
  readonly atMs: number;
  readonly cause: DeathCause;
  readonly message: string;
  readonly suspect: Suspect | null;
}

/** Between the heap that the watchdog allows and V8's own limit, at which a single growing object ends the process (ADR 0014). */
const HEAP_LEEWAY_BYTES = 2 ** 30;
/** V8 gives a thread at its limit 16 MB to end in: what lives in the young generation has to fit (ADR 0014). */
const YOUNG_MB_MAX = 16;
const ANSWER_TIMEOUT_MS = 2_000;
/** Questions to shards that wait for their answers. */
const ANSWERS_MAX = 10_000;

/**
 * Runs the shard threads as pinned Piscina tasks, ends one that hangs, and replaces one that died, with backoff and a budget (D11). V1:
 * after a death the envelope that was being handled is named to its next owner, so that a deadly one is given up after a few tries.
 */
export class ShardPool {
  readonly #options: ShardPoolOptions;
  readonly #pool: Piscina;
  readonly #slots: ShardSlot[] = [];
  readonly #answers = new Map<number, { resolve: (answer: unknown) => void; reject: (fault: Fault) => void }>();
  readonly #deaths: DeathRecord;
  readonly #watchdog: ShardWatchdog;
  #request = 0;
  #stopping = false;

  constructor(options: ShardPoolOptions) {
    this.#options = options;
    this.#deaths = new DeathRecord(options.deathsMax);
    const { hangAfterMs, heapBytesMax } = options;
    this.#watchdog = new ShardWatchdog({
      hangAfterMs,
      heapBytesMax,
      heapOf: (shard) => this.#heapOf(shard),
      onHang: (shard) => this.#end(shard, "hang", { forMs: hangAfterMs }),
      onFull: (shard, heapBytes) => this.#end(shard, "oom", { heapBytes }),
    });
    this.#pool = new Piscina({
      filename: options.worker.href,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil((heapBytesMax + HEAP_LEEWAY_BYTES) / 2 ** 20),
        maxYoungGenerationSizeMb: YOUNG_MB_MAX,
      },
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
      this.#slots.push({
        control: null,
        memory: new AttemptMemory(),
        end: new AbortController(),
        ending: null,
        threadId: null,
        partitions,
        supervisor: new ThreadSupervisor(shard),
        lastDeath: null,
        done: Promise.resolve(),
      });
    }
  }

  shardOf(partition: number): number {
    return partition % this.#options.shards;
  }

  restartsOf(shard: number): number {
    return this.#slots[shard]?.supervisor.deaths ?? 0;
  }

  /** What supervision knows of a shard's thread. */
  supervisionOf(shard: number): { readonly restarts: number; readonly recent: number; readonly lastDeath: unknown } {
    const { supervisor, lastDeath } = this.#slots[shard] ?? {};
    return { restarts: supervisor?.deaths ?? 0, recent: supervisor?.recent ?? 0, lastDeath: lastDeath ?? null };
  }

  /** What threads died in. */
  get suspects(): readonly Suspect[] {
    return this.#deaths.suspects;
  }

  partitionsOf(shard: number): readonly number[] {
    return this.#slots[shard]?.partitions ?? [];
  }

  start(): void {
    for (let shard = 0; shard < this.#slots.length; shard++) this.#run(shard);
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
    this.#watchdog.stop();
    for (let shard = 0; shard < this.#slots.length; shard++) this.tell(shard, { type: "stop" });
    await Promise.allSettled(this.#slots.map(({ done }) => done));
    await this.#pool.destroy();
  }

  #run(shard: number): void {
    const slot = this.#slots[shard];
    if (slot === undefined) return;
    const control = new MessageChannel();
    const store = new MessageChannel();
    slot.control = control.port1;
    slot.memory = new AttemptMemory();
    slot.end = new AbortController();
    slot.ending = null;
    slot.threadId = null;
    this.#watchdog.watch(shard, slot.memory);
    control.port1.on("message", (message: FromShard) => this.#onMessage(shard, message));
    this.#options.attachStore(shard, store.port1);
    const task: ShardTask = {
      ...this.#options.task,
      shard,
      control: control.port2,
      store: store.port2,
      attempt: slot.memory.buffer,
    };
    const { signal } = slot.end;
    slot.done = this.#pool.run(task, { transferList: [control.port2, store.port2], signal }).then(
      () => undefined,
      (error: unknown) => this.#died(shard, error),
    );
    for (const partition of slot.partitions) {
      this.tell(shard, { type: "open", partition, deadly: this.#deaths.deadly(partition) });
    }
    this.#options.onStarted(shard);
  }

  #onMessage(shard: number, message: FromShard): void {
    const slot = this.#slots[shard];
    if (message.type === "ready" && slot !== undefined) slot.threadId = message.threadId;
    if (message.type === "answer") {
      const waiting = this.#answers.get(message.request);
      this.#answers.delete(message.request);
      if (message.fault === null) waiting?.resolve(message.answer);
      else waiting?.reject(fromWireFault(message.fault));
      return;
    }
    this.#options.onMessage(shard, message);
  }

  #heapOf(shard: number): Promise<number> {
    const threadId = this.#slots[shard]?.threadId;
    const thread = this.#pool.threads.find((one) => one.threadId === threadId);
    if (thread === undefined) return Promise.reject(new Fault("NOT_OWNER", `shard ${shard} is being started`));
    return thread.getHeapStatistics().then(({ used_heap_size: bytes }) => bytes);
  }

  /** A thread does not come back from what it runs: it is ended where it stands. */
  #end(shard: number, cause: "hang" | "oom", details: Record<string, unknown>): void {
    const slot = this.#slots[shard];
    if (slot === undefined || this.#stopping) return;
    slot.ending = cause;
    this.#event(cause === "hang" ? "hung" : "heap-full", { shard, ...details, attempt: slot.memory.read() });
    slot.end.abort();
  }

  #died(shard: number, error: unknown): void {
    const slot = this.#slots[shard];
    if (slot === undefined || this.#stopping) return;
    this.#watchdog.forget(shard);
    slot.control?.close();
    slot.control = null;
    const cause = slot.ending ?? causeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    const suspect = this.#suspectOf(slot.memory.read(), cause);
    slot.lastDeath = { atMs: Date.now(), cause, message, suspect };
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    this.#event("died", { shard, cause, message, stack, suspect });
    const backoffMs = slot.supervisor.died(performance.now());
    if (backoffMs === null) {
      this.#event("escalated", { shard, cause, deaths: slot.supervisor.recent });
      const died = `shard ${shard} died ${slot.supervisor.recent} times within a minute: ${message}`;
      this.#options.onEscalate(new Fault("HANDLER_FAILED", died, { cause: error }));
      return;
    }
    setTimeout(() => {
      if (this.#stopping) return;
      this.#run(shard);
      this.#event("restarted", { shard, cause, afterMs: backoffMs });
    }, backoffMs);
  }

  #suspectOf(attempt: Attempt | null, cause: DeathCause): Suspect | null {
    return attempt === null ? null : this.#deaths.died(attempt, cause, performance.now());
  }

  #event(event: string, details: Record<string, unknown> & { readonly shard: number }): void {
    this.#options.onMessage(details.shard, { type: "event", kind: "shard", event, details });
  }

  #asked(shard: number, message: (request: number) => ToShard): Promise<unknown> {
    if (this.#answers.size >= ANSWERS_MAX)
      return Promise.reject(new Fault("OVERLOADED", `${ANSWERS_MAX} questions to shards wait for answers`));
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

/** A hang is known by who ended it; of other deaths only running out of memory has a code (facts/faults.md 2c). */
function causeOf(error: unknown): "oom" | "crash" {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_WORKER_OUT_OF_MEMORY" ? "oom" : "crash";
}
