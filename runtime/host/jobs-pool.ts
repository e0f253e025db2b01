import { randomUUID } from "node:crypto";
import type { JobFailure, JobResult, JobSpec } from "../../protocols/job.ts";
import type { JobProgress } from "../threads/job-messages.ts";
import type { JobThreads } from "./job-threads.ts";

/** Every job this node can run: name → URL of its module. */
export type JobRegistry = Readonly<Record<string, URL>>;

export interface JobsPoolOptions {
  readonly registry: JobRegistry;
  readonly threads: JobThreads;
  /** Jobs that run at a time. */
  readonly threadsMax: number;
  /** Jobs that wait for a thread; one more is refused. */
  readonly queueMax: number;
  readonly onEvent: (event: string, details: Record<string, unknown>) => void;
}

export interface JobRequest {
  /** Default: a new one. */
  readonly jobId?: string;
  readonly name: string;
  readonly input: unknown;
  /** From now on, waiting included. */
  readonly timeoutMs: number;
  /** Who wants it, for operators. */
  readonly owner: string;
  /** Gives it up. */
  readonly signal?: AbortSignal;
}

/** A job that waits or runs, as operators see it. */
export interface JobView {
  readonly jobId: string;
  readonly name: string;
  readonly owner: string;
  readonly state: "waiting" | "running";
  /** Since it was asked for. */
  readonly ageMs: number;
  /** Until its time is up. */
  readonly remainingMs: number;
  readonly progress: JobProgress | null;
}

export interface JobCount {
  readonly name: string;
  /** `done`, or why not. */
  readonly outcome: "done" | JobFailure;
  readonly count: number;
}

export interface JobsView {
  readonly threads: number;
  readonly threadsMax: number;
  readonly running: number;
  readonly waiting: number;
  readonly queueMax: number;
  /** The oldest first. */
  readonly jobs: readonly JobView[];
  /** Whether there are more than those. */
  readonly truncated: boolean;
  /** Jobs that ended since the node started. */
  readonly ended: readonly JobCount[];
}

interface Job extends JobRequest {
  readonly jobId: string;
  readonly askedAtMs: number;
  readonly ending: AbortController;
  readonly settle: (result: JobResult) => void;
  state: "waiting" | "running";
  progress: JobProgress | null;
  /** Why it was given up, once it was. */
  given: JobFailure | null;
}

/** Timers of Node hold no more. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const ROWS_MAX = 100;

/**
 * Runs heavy work beside the shards, with a bound on everything: threads, waiting jobs, time. P1: every job has exactly one result and no
 * job is an exception. P2: first come, first served. P3: a job that is given up frees its thread at once: the thread is ended.
 */
export class JobsPool {
  readonly #options: JobsPoolOptions;
  readonly #jobs = new Map<string, Job>();
  #waiting: Job[] = [];
  readonly #ended = new Map<string, JobCount>();
  #running = 0;
  #stopping = false;

  constructor(options: JobsPoolOptions) {
    this.#options = options;
  }

  /** Whether the job waits or runs. */
  has(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }

  /** Runs a job of this release from the node itself. Never rejects. */
  async run<Input, Output>(
    spec: JobSpec<Input, Output>,
    input: Input,
    terms: Pick<JobRequest, "timeoutMs" | "owner" | "signal">,
  ): Promise<JobResult<Output>> {
    // Its thread has checked the output by the schema of the job's name.
    return (await this.start({ name: spec.name, input, ...terms })) as JobResult<Output>;
  }

  /** Runs a job by its name. Never rejects. */
  async start(request: JobRequest): Promise<JobResult> {
    const refused = this.#refusal(request);
    if (refused !== null) {
      this.#count(request.name, refused);
      return refused;
    }
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    const job: Job = {
      ...request,
      jobId: request.jobId ?? randomUUID(),
      askedAtMs: performance.now(),
      ending: new AbortController(),
      settle: resolve,
      state: "waiting",
      progress: null,
      given: null,
    };
    this.#jobs.set(job.jobId, job);
    const timer = setTimeout(() => this.#give(job, "timeout"), Math.min(request.timeoutMs, TIMER_MS_MAX));
    const cancel = (): void => this.#give(job, "cancelled");
    request.signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.push(job);
    this.#next();
    const result = await promise;
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", cancel);
    this.#jobs.delete(job.jobId);
    this.#count(job.name, result);
    return result;
  }

  /** @returns false when it neither waits nor runs. */
  cancel(jobId: string): boolean {
    const job = this.#jobs.get(jobId);
    if (job !== undefined) this.#give(job, "cancelled");
    return job !== undefined;
  }

  view(): JobsView {
    const { threads, threadsMax, queueMax } = this.#options;
    const nowMs = performance.now();
    const shown = [...this.#jobs.values()].slice(0, ROWS_MAX);
    return {
      threads: threads.size,
      threadsMax,
      running: this.#running,
      waiting: this.#waiting.length,
      queueMax,
      jobs: shown.map(({ jobId, name, owner, state, askedAtMs, timeoutMs, progress }) => ({
        jobId,
        name,
        owner,
        state,
        ageMs: Math.round(nowMs - askedAtMs),
        remainingMs: Math.round(Math.max(0, askedAtMs + timeoutMs - nowMs)),
        progress,
      })),
      truncated: shown.length < this.#jobs.size,
      ended: [...this.#ended.values()],
    };
  }

  /** Gives everything up (`stopping`) and ends all threads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const job of this.#jobs.values()) this.#give(job, "stopping");
    await this.#options.threads.close();
  }

  #refusal({ name, signal }: JobRequest): JobResult | null {
    const { registry, queueMax } = this.#options;
    if (this.#stopping) return failed("stopping", "the node stops");
    if (!Object.hasOwn(registry, name)) return failed("unknown", `there is no job ${name} in this release`);
    if (signal?.aborted === true) return failed("cancelled", "it was cancelled before it began");
    if (this.#running < this.#options.threadsMax || this.#waiting.length < queueMax) return null;
    return failed("refused", `${queueMax} jobs wait already`);
  }

  #next(): void {
    while (this.#running < this.#options.threadsMax && !this.#stopping) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      job.state = "running";
      this.#running++;
      void this.#runOne(job);
    }
  }

  async #runOne(job: Job): Promise<void> {
    const module = this.#options.registry[job.name]?.href ?? "";
    const onProgress = (progress: JobProgress): void => void (job.progress = progress);
    const result = await this.#options.threads.run({ module, input: job.input, onProgress }, job.ending.signal);
    this.#running--;
    job.settle(job.given === null || result.outcome === "done" ? result : givenUp(job.given, job.timeoutMs));
    this.#next();
  }

  #give(job: Job, reason: JobFailure): void {
    if (job.given !== null) return;
    job.given = reason;
    if (job.state === "running") return job.ending.abort();
    this.#waiting = this.#waiting.filter((other) => other !== job);
    job.settle(givenUp(reason, job.timeoutMs));
  }

  #count(name: string, result: JobResult): void {
    const outcome = result.outcome === "done" ? "done" : result.reason;
    // A name that nobody registered comes from a message: it must not grow the table.
    const known = Object.hasOwn(this.#options.registry, name) ? name : "(unknown)";
    const key = `${known} ${outcome}`;
    this.#ended.set(key, { name: known, outcome, count: (this.#ended.get(key)?.count ?? 0) + 1 });
    if (result.outcome === "failed")
      this.#options.onEvent("failed", { job: name, reason: result.reason, message: result.message });
  }
}

const failed = (reason: JobFailure, message: string): JobResult => ({ outcome: "failed", reason, message });

function givenUp(reason: JobFailure, timeoutMs: number): JobResult {
  if (reason === "timeout") return failed(reason, `it did not end within ${timeoutMs} ms`);
  return failed(reason, reason === "stopping" ? "the node stops" : "it was cancelled");
}
