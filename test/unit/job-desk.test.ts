import { expect, test } from "vitest";
import { Fault, type FaultCode } from "../../protocols/errors.ts";
import type { JobFailure, JobResult } from "../../protocols/job.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import { JobDesk } from "../../runtime/host/job-desk.ts";
import type { JobRequest } from "../../runtime/host/jobs-pool.ts";

const order = (changes: Partial<Extract<JobOrder, { type: "run" }>> = {}): JobOrder => ({
  type: "run",
  jobId: "j1",
  name: "work",
  input: 1,
  deadlineMs: Date.now() + 60_000,
  owner: "author/a",
  again: false,
  ...changes,
});

const failed = (reason: JobFailure): JobResult => ({ outcome: "failed", reason, message: "as the test wants it" });

/** @param faults what the actor's partition answers, one delivery after the other; then it takes the result. */
function rig(faults: FaultCode[] = []) {
  const started: { request: JobRequest; end: (result: JobResult) => void }[] = [];
  const cancelled: string[] = [];
  const told: unknown[] = [];
  const events: string[] = [];
  const settled = Promise.withResolvers<undefined>();
  const desk = new JobDesk({
    pool: {
      cancel: (jobId) => cancelled.push(jobId) > 0,
      start: (request) => new Promise((end) => started.push({ request, end })),
    },
    asker: {
      ask: (to, type, payload) => {
        told.push({ to, type, payload });
        const code = faults.shift();
        if (code !== undefined) return Promise.reject(new Fault(code, "as the test wants it"));
        settled.resolve(undefined);
        return Promise.resolve(null);
      },
    },
    clockOffsetMs: 0,
    onEvent: (event) => {
      events.push(event);
      settled.resolve(undefined);
    },
  });
  return { desk, started, cancelled, told, events, settled: settled.promise };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a result goes to the job's actor, in the partition that ordered it", async () => {
  const { desk, started, told, settled } = rig();
  desk.take(3, order());
  started[0]?.end({ outcome: "done", output: 7 });
  await settled;
  const to = { kind: "job", key: "j1", partition: 3 };
  expect(told).toEqual([{ to, type: "Result", payload: { result: { outcome: "done", output: 7 } } }]);
});

test("an order that comes again while the job runs starts nothing; after its result was lost it does", async () => {
  const { desk, started } = rig(["ACTOR_ABSENT"]);
  desk.take(3, order());
  desk.take(3, order({ again: true }));
  expect(started).toHaveLength(1);
  started[0]?.end({ outcome: "done", output: 7 });
  await turn();
  desk.take(3, order({ again: true }));
  expect(started).toHaveLength(2);
});

test("a partition that is being opened is told again", async () => {
  const { desk, started, told, events, settled } = rig(["NOT_OWNER", "OVERLOADED"]);
  desk.take(3, order());
  started[0]?.end(failed("threw"));
  await settled;
  expect([told.length, events]).toEqual([3, []]);
});

test("a result that nobody takes is an event, and the actor will order again", async () => {
  const { desk, started, told, events, settled } = rig(["NOT_OWNER", "NOT_OWNER", "NOT_OWNER", "NOT_OWNER"]);
  desk.take(3, order());
  started[0]?.end(failed("threw"));
  await settled;
  expect([told.length, events]).toEqual([4, ["result-undelivered"]]);
});

test.each([
  ["a full queue is an answer to the first order", failed("refused"), false, 1],
  ["a full queue lets a later order wait for the next", failed("refused"), true, 0],
  ["what a stop gave up is not answered: it runs at the next start", failed("stopping"), false, 0],
])("%s", async (_, result, again, answers) => {
  const { desk, started, told } = rig();
  desk.take(3, order({ again }));
  started[0]?.end(result);
  await turn();
  expect(told).toHaveLength(answers);
});

test("an order whose time is up is left to the actor's own timer; a cancellation reaches the pool", () => {
  const { desk, started, cancelled } = rig();
  desk.take(3, order({ deadlineMs: Date.now() - 1 }));
  desk.take(3, { type: "cancel", jobId: "j1" });
  expect([started, cancelled]).toEqual([[], ["j1"]]);
});
