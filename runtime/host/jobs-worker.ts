import { encode } from "../../protocols/codec.ts";
import { JOB_BYTES_MAX, type JobFailure } from "../../protocols/job.ts";
import type { JobAnswer, JobModule, JobProgress, JobTask } from "../threads/job-messages.ts";

const PROGRESS_EVERY_MS = 250;
const NOTE_CHARS_MAX = 120;

/**
 * Runs one job in a thread of the jobs pool. What the job throws is an answer; what ends the thread (exit, out of memory, its time) is for
 * the pool to see. W1: nothing that runs here opens LMDB: this thread may be ended at any moment, and one that ends inside a transaction
 * hangs the process (reliability.md 1).
 */
export default async function runJob(task: JobTask): Promise<JobAnswer> {
  try {
    const { spec, run } = ((await import(task.module)) as { readonly default: JobModule<unknown, unknown> }).default;
    const input = spec.input.safeParse(task.input);
    if (!input.success) return failed("input-invalid", rulesOf(input.error.issues));
    const { nats, clockOffsetMs } = task;
    const context = { nats, clockOffsetMs, progress: throttled((progress) => task.progress.postMessage(progress)) };
    const output = spec.output.safeParse(await run(input.data, context));
    if (!output.success) return failed("output-invalid", rulesOf(output.error.issues));
    const bytes = Uint8Array.from(encode(output.data));
    if (bytes.byteLength > JOB_BYTES_MAX)
      return failed("output-invalid", `it has ${bytes.byteLength} bytes, allowed are ${JOB_BYTES_MAX}`);
    return { outcome: "done", bytes };
  } catch (error) {
    return failed("threw", error instanceof Error ? error.message : String(error));
  } finally {
    task.progress.close();
  }
}

const failed = (reason: JobFailure, message: string): JobAnswer => ({ outcome: "failed", reason, message });

function rulesOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues.map(({ path, message }) => `${path.map(String).join(".") || "(whole)"}: ${message}`).join("; ");
}

function throttled(post: (progress: JobProgress) => void): (share: number, note?: string) => void {
  let nextMs = 0;
  return (share, note = "") => {
    const nowMs = performance.now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + PROGRESS_EVERY_MS;
    post({ share: Math.min(Math.max(share, 0), 1), note: note.slice(0, NOTE_CHARS_MAX) });
  };
}
