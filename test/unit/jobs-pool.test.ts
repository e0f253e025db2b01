import { expect, test } from "vitest";
import { z } from "zod";
import { defineJob, type JobResult } from "../../protocols/job.ts";
import type { JobRun, JobThreads } from "../../runtime/host/job-threads.ts";
import { type JobRequest, JobsPool } from "../../runtime/host/jobs-pool.ts";

interface Running extends JobRun {
  readonly signal: AbortSignal;
  readonly end: (result: JobResult) => void;
}

/** Threads that do nothing by themselves: the test ends each run. */
class HandThreads implements JobThreads {
  readonly runs: Running[] = [];
  closed = false;
  get size(): number {
    return this.runs.length;
  }
  run(run: JobRun, signal: AbortSignal): Promise<JobResult> {
    return new Promise((resolve) => {
      this.runs.push({ ...run, signal, end: resolve });
      signal.addEventListener("abort", () => resolve({ outcome: "failed", reason: "cancelled", message: "ended" }));
    });
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const done = (output: unknown): JobResult => ({ outcome: "done", output });

function rig(threadsMax = 1, queueMax = 2) {
  const threads = new HandThreads();
  const events: string[] = [];
  const pool = new JobsPool({
    registry: { work: new URL("file:///work.ts") },
    threads,
    threadsMax,
    queueMax,
    onEvent: (event, details) => void events.push(`${event} ${String(details["reason"])}`),
  });
  const start = (input: unknown, more: Partial<JobRequest> = {}): Promise<JobResult> =>
    pool.start({ name: "work", input, timeoutMs: 60_000, owner: "author/a", ...more });
  return { threads, events, pool, start };
}

test("jobs beyond the threads wait, first come first served; beyond the queue they are refused at once", async () => {
  const { threads, pool, start } = rig();
  const [first, second, third] = [start(1), start(2), start(3)];
  expect(await start(4)).toEqual({ outcome: "failed", reason: "refused", message: "2 jobs wait already" });
  expect(pool.view()).toMatchObject({ running: 1, waiting: 2, jobs: [{ state: "running" }, {}, { state: "waiting" }] });
  threads.runs[0]?.end(done("a"));
  expect(await first).toEqual(done("a"));
  expect(threads.runs.map(({ input }) => input)).toEqual([1, 2]);
  threads.runs[1]?.end(done("b"));
  await second;
  threads.runs[2]?.end(done("c"));
  expect(await third).toEqual(done("c"));
  expect(pool.view()).toMatchObject({
    running: 0,
    jobs: [],
    ended: [
      { name: "work", outcome: "refused", count: 1 },
      { name: "work", outcome: "done", count: 3 },
    ],
  });
});

test("the time of a job runs while it waits, and frees its place", async () => {
  const { threads, pool, start } = rig();
  const first = start(1);
  expect(await start(2, { timeoutMs: 5 })).toMatchObject({ reason: "timeout", message: "it did not end within 5 ms" });
  expect(pool.view()).toMatchObject({ running: 1, waiting: 0 });
  threads.runs[0]?.end(done(1));
  await first;
  expect(threads.runs).toHaveLength(1);
});

test("a running job whose time is up has its thread ended", async () => {
  const { threads, start } = rig();
  expect(await start(1, { timeoutMs: 5 })).toMatchObject({ outcome: "failed", reason: "timeout" });
  expect(threads.runs[0]?.signal.aborted).toBe(true);
});

test("a job is cancelled by its signal or by its id, waiting or running", async () => {
  const { threads, pool, start } = rig();
  const giving = new AbortController();
  const [running, waiting] = [start(1, { jobId: "j1" }), start(2, { signal: giving.signal })];
  giving.abort();
  expect(await waiting).toMatchObject({ reason: "cancelled" });
  expect(pool.has("j1")).toBe(true);
  expect(pool.cancel("j1")).toBe(true);
  expect(await running).toMatchObject({ reason: "cancelled" });
  expect([threads.runs[0]?.signal.aborted, pool.cancel("j1"), pool.has("j1")]).toEqual([true, false, false]);
  expect(await start(3, { signal: AbortSignal.abort() })).toMatchObject({ reason: "cancelled" });
});

test("a result that was there when the job was given up is its result", async () => {
  const { threads, pool, start } = rig();
  const result = start(1, { jobId: "j1" });
  threads.runs[0]?.end(done(1));
  pool.cancel("j1");
  expect(await result).toEqual(done(1));
});

test("progress shows while the job runs", async () => {
  const { threads, pool, start } = rig();
  const result = start(1);
  threads.runs[0]?.onProgress({ share: 0.25, note: "reading" });
  expect(pool.view().jobs).toMatchObject([
    { name: "work", owner: "author/a", progress: { share: 0.25, note: "reading" } },
  ]);
  threads.runs[0]?.end(done(1));
  await result;
});

test("a job nobody registered is unknown, and does not grow the counters", async () => {
  const { pool, start, events } = rig();
  for (const name of ["a", "b", "toString"]) expect(await start(1, { name })).toMatchObject({ reason: "unknown" });
  expect(pool.view().ended).toEqual([{ name: "(unknown)", outcome: "unknown", count: 3 }]);
  expect(events).toEqual(["failed unknown", "failed unknown", "failed unknown"]);
});

test("at a stop everything is given up as stopping, and nothing more begins", async () => {
  const { threads, pool, start } = rig();
  const jobs = [start(1), start(2)];
  await pool.stop();
  for (const job of jobs) expect(await job).toMatchObject({ reason: "stopping" });
  expect(await start(3)).toMatchObject({ reason: "stopping" });
  expect([threads.runs.length, threads.closed]).toEqual([1, true]);
});

test("a job of the node itself keeps its types", async () => {
  const { threads, pool } = rig();
  const spec = defineJob("work", z.string(), z.int());
  const result = pool.run(spec, "x", { timeoutMs: 1_000, owner: "node" });
  threads.runs[0]?.end(done(7));
  const ended = await result;
  expect(ended.outcome === "done" ? ended.output + 1 : null).toBe(8);
});
