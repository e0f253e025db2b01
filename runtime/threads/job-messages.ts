import type { MessagePort } from "node:worker_threads";
import type { JobResult, JobSpec } from "../../protocols/job.ts";
import type { NatsAccess } from "./nats-access.ts";

/** What a job gets besides its input. */
export interface JobContext {
  readonly nats: NatsAccess;
  /** Added to the system's clock (`clock.offsetMs`). */
  readonly clockOffsetMs: number;
  /**
   * Says how far it is; as often as it likes, at most four a second are passed on.
   * @param share from 0 to 1. @param note a few words for people.
   */
  readonly progress: (share: number, note?: string) => void;
}

/** The default export of a job's module. `run` holds its thread until it settles; where it must not, its thread is ended. */
export interface JobModule<Input, Output> {
  readonly spec: JobSpec<Input, Output>;
  readonly run: (input: Input, context: JobContext) => Output | Promise<Output>;
}

/** Makes the default export of a job's module. */
export function jobModule<Input, Output>(
  spec: JobSpec<Input, Output>,
  run: JobModule<Input, Output>["run"],
): JobModule<Input, Output> {
  return { spec, run };
}

/** One run, as a thread of the jobs pool is given it. */
export interface JobTask {
  /** URL of the job's module. */
  readonly module: string;
  readonly input: unknown;
  readonly nats: NatsAccess;
  readonly clockOffsetMs: number;
  readonly progress: MessagePort;
}

export interface JobProgress {
  /** 0 to 1. */
  readonly share: number;
  readonly note: string;
}

/** What a thread answers: msgpack of the output, or why there is none. */
export type JobAnswer =
  Exclude<JobResult, { outcome: "done" }> | { readonly outcome: "done"; readonly bytes: Uint8Array };
