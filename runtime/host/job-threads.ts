import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { decode } from "../../protocols/codec.ts";
import type { JobFailure, JobResult } from "../../protocols/job.ts";
import type { JobAnswer, JobProgress, JobTask } from "../threads/job-messages.ts";
import type { NatsAccess } from "../threads/nats-access.ts";

/** One run of a job. */
export interface JobRun {
  /** URL of the job's module. */
  readonly module: string;
  readonly input: unknown;
  readonly onProgress: (progress: JobProgress) => void;
}

/** Threads that run jobs, one each (port of the jobs pool). */
export interface JobThreads {
  /** Runs a job; the signal ends its thread. Never rejects: what ends a thread is a result, `cancelled` for the signal. */
  run(run: JobRun, signal: AbortSignal): Promise<JobResult>;
  /** Threads there are now. */
  readonly size: number;
  close(): Promise<void>;
}

export interface JobThreadsOptions {
  readonly threadsMax: number;
  /** Heap of one thread, bytes. Buffers are not part of it: a job bounds those itself (facts/runtime.md 4). */
  readonly heapBytesMax: number;
  /** A thread without work lives so long. */
  readonly idleMs: number;
  readonly nats: NatsAccess;
  readonly clockOffsetMs: number;
}

const MEGABYTE = 1_048_576;
/** Scheduling priority below the shards', where the system knows it. */
const NICE = 10;

/** The second, elastic Piscina pool: no thread while nothing is to do, `threadsMax` at most, a new one for each that died. */
export function startJobThreads(options: JobThreadsOptions): JobThreads {
  const { threadsMax, heapBytesMax, idleMs, nats, clockOffsetMs } = options;
  const pool = new Piscina({
    filename: new URL("./jobs-worker.ts", import.meta.url).href,
    minThreads: 0,
    maxThreads: threadsMax,
    concurrentTasksPerWorker: 1,
    idleTimeout: idleMs,
    atomics: "disabled",
    niceIncrement: NICE,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytesMax / MEGABYTE) },
  });
  // A thread that dies without a task is replaced when it is needed.
  pool.on("error", () => undefined);
  return {
    get size() {
      return pool.threads.length;
    },
    async run({ module, input, onProgress }, signal) {
      const { port1, port2 } = new MessageChannel();
      port1.on("message", onProgress);
      const task: JobTask = { module, input, nats, clockOffsetMs, progress: port2 };
      try {
        const answer = (await pool.run(task, { transferList: [port2], signal })) as JobAnswer;
        return answer.outcome === "failed" ? answer : { outcome: "done", output: decode(answer.bytes) };
      } catch (error) {
        return failed(reasonOf(error, signal), error instanceof Error ? error.message : String(error));
      } finally {
        port1.close();
      }
    },
    close: () => pool.destroy(),
  };
}

function reasonOf(error: unknown, signal: AbortSignal): JobFailure {
  if (signal.aborted) return "cancelled";
  const outOfMemory = (error as { readonly code?: unknown } | null)?.code === "ERR_WORKER_OUT_OF_MEMORY";
  return outOfMemory ? "out-of-memory" : "died";
}

const failed = (reason: JobFailure, message: string): JobResult => ({ outcome: "failed", reason, message });
