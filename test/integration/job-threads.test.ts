import { afterEach, expect, test } from "vitest";
import type { JobResult } from "../../protocols/job.ts";
import { startJobThreads } from "../../runtime/host/job-threads.ts";
import { JobsPool } from "../../runtime/host/jobs-pool.ts";
import { eventually } from "../support/daemon-probe.ts";
import { tryingJob } from "../support/trying-job.ts";

/** More than any of these jobs needs on a loaded machine. */
const PLENTY_MS = 30_000;
const NOWHERE = { servers: "nats://127.0.0.1:1", seedFile: null, credentialsFile: null, managed: false };

let pool: JobsPool;

function open(threadsMax = 1, queueMax = 4, idleMs = 50): JobsPool {
  const threads = startJobThreads({
    threadsMax,
    heapBytesMax: 40 * 1_048_576,
    idleMs,
    nats: NOWHERE,
    clockOffsetMs: 0,
  });
  const registry = {
    trying: new URL("../support/trying-job.ts", import.meta.url),
    missing: new URL("../support/there-is-no-such-job.ts", import.meta.url),
  };
  pool = new JobsPool({ registry, threads, threadsMax, queueMax, onEvent: () => undefined });
  return pool;
}

const attempt = (what: string, value = "", timeoutMs = PLENTY_MS, name = "trying"): Promise<JobResult> =>
  pool.start({ name, input: { what, value }, timeoutMs, owner: "test" });

afterEach(() => pool.stop());

test("what a job returns comes back; what it throws is an answer, and its thread goes on", async () => {
  open();
  expect(await attempt("echo", "hello")).toEqual({ outcome: "done", output: "hello" });
  expect(await attempt("throw", "no luck")).toEqual({ outcome: "failed", reason: "threw", message: "no luck" });
  expect(await attempt("echo", "still here")).toEqual({ outcome: "done", output: "still here" });
});

test("a job that ends its process ends its thread only, and the next job gets another", async () => {
  open();
  expect(await attempt("exit")).toMatchObject({ outcome: "failed", reason: "died" });
  expect(await attempt("echo", "next")).toEqual({ outcome: "done", output: "next" });
});

test("a job that fills its heap fails alone", async () => {
  open();
  expect(await attempt("fill")).toMatchObject({ outcome: "failed", reason: "out-of-memory" });
  expect(await attempt("echo", "next")).toEqual({ outcome: "done", output: "next" });
});

test("a job that never returns is cut off at its time, in a loop or in a wait", async () => {
  open();
  for (const what of ["loop", "never"])
    expect(await attempt(what, "", 300)).toMatchObject({ outcome: "failed", reason: "timeout" });
  expect(await attempt("echo", "next")).toEqual({ outcome: "done", output: "next" });
});

test("a job in a loop is cancelled", async () => {
  open();
  const giving = new AbortController();
  const terms = { timeoutMs: PLENTY_MS, owner: "test", signal: giving.signal };
  const result = pool.run(tryingJob, { what: "loop", value: "" }, terms);
  await eventually("it runs", () => pool.view().threads, 1, PLENTY_MS);
  giving.abort();
  expect(await result).toMatchObject({ outcome: "failed", reason: "cancelled" });
});

test("an input or output against its schema, too large, and a module that is not there are answers", async () => {
  open();
  expect(await attempt("dance")).toMatchObject({ reason: "input-invalid", message: expect.stringContaining("what:") });
  expect(await attempt("lie")).toMatchObject({ reason: "output-invalid" });
  expect(await attempt("huge")).toMatchObject({
    reason: "output-invalid",
    message: expect.stringContaining("1048576"),
  });
  expect(await attempt("echo", "", PLENTY_MS, "missing")).toMatchObject({ reason: "threw" });
});

test("progress is passed on at most four times a second, however often a job says it", async () => {
  open();
  const notes = new Set<string>();
  const result = attempt("progress", "1100");
  const look = setInterval(() => notes.add(pool.view().jobs[0]?.progress?.note ?? ""), 5);
  const ended = await result;
  clearInterval(look);
  notes.delete("");
  expect(ended.outcome === "done" ? Number(ended.output) : 0).toBeGreaterThan(1_000);
  expect(notes.size).toBeGreaterThan(0);
  expect(notes.size).toBeLessThanOrEqual(5);
});

test("threads come with the work, up to their bound, and go when there is none", async () => {
  open(2, 4);
  expect(pool.view().threads).toBe(0);
  const jobs = [attempt("loop", "", 1_000), attempt("loop", "", 1_000), attempt("echo", "third")];
  await eventually("both threads run", () => pool.view().threads, 2, PLENTY_MS);
  expect(pool.view()).toMatchObject({ running: 2, waiting: 1 });
  await Promise.all(jobs);
  await eventually("no thread is left", () => pool.view().threads, 0, PLENTY_MS);
});
