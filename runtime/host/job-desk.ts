import { setTimeout as wait } from "node:timers/promises";
import { Fault } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { JobResult } from "../../protocols/job.ts";
import { job, type JobOrder } from "../../protocols/messages/job.ts";
import type { JobsPool } from "./jobs-pool.ts";
import type { PortAsker } from "./port-asker.ts";

export interface JobDeskOptions {
  readonly pool: Pick<JobsPool, "start" | "cancel">;
  readonly asker: Pick<PortAsker, "ask">;
  /** What deadlines are ahead of the system's clock (`clock.offsetMs`). */
  readonly clockOffsetMs: number;
  readonly onEvent: (event: string, details: Record<string, unknown>) => void;
}

const TELL_TIMEOUT_MS = 2_000;
const TRIES = 4;
const BACKOFF_MS = 100;

/**
 * Takes the orders of job actors to the pool and brings them the results (ADR 0013). Keeps nothing that must last: an order that is lost
 * here is given again by its actor. K1: a job that waits, runs, or whose result is on its way is not run a second time here.
 */
export class JobDesk {
  readonly #options: JobDeskOptions;
  readonly #under = new Set<string>();

  constructor(options: JobDeskOptions) {
    this.#options = options;
  }

  /** @param partition where the job actor lives. */
  take(partition: number, order: JobOrder): void {
    if (order.type === "cancel") this.#options.pool.cancel(order.jobId);
    else if (!this.#under.has(order.jobId)) void this.#run(partition, order);
  }

  async #run(partition: number, order: Extract<JobOrder, { type: "run" }>): Promise<void> {
    const { jobId, name, input, owner, deadlineMs, again } = order;
    const timeoutMs = deadlineMs - (Date.now() + this.#options.clockOffsetMs);
    if (timeoutMs <= 0) return; // The actor's own timer answers.
    this.#under.add(jobId);
    const result = await this.#options.pool.start({ jobId, name, input, owner, timeoutMs });
    // A job of before a restart may wait for its turn; one that was given up at a stop runs again at the next start.
    const keeps =
      result.outcome === "failed" && (result.reason === "stopping" || (result.reason === "refused" && again));
    if (!keeps) await this.#deliver(partition, jobId, result);
    this.#under.delete(jobId);
  }

  async #deliver(partition: number, jobId: string, result: JobResult): Promise<void> {
    const to = { kind: job.name, key: jobId, partition: asPartition(partition) };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await wait(BACKOFF_MS * 2 ** attempt);
      try {
        await this.#options.asker.ask(to, "Result", { result }, TELL_TIMEOUT_MS);
        return;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        if (error.code === "ACTOR_ABSENT") return; // It has replied: its time was up, or it was cancelled.
        if (attempt === TRIES - 1)
          this.#options.onEvent("result-undelivered", { jobId, code: error.code, message: error.message });
      }
    }
  }
}
