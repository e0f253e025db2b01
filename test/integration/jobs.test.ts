import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JobResult } from "../../protocols/job.ts";
import type { JobRegistry } from "../../runtime/host/jobs-pool.ts";
import { jobRegistry } from "../../runtime/host/job-registry.ts";
import { eventually } from "../support/daemon-probe.ts";
import { describeWithNats, natsBinary } from "../support/nats.ts";
import { type OperatedNode, startOperatedNode } from "../support/operated-node.ts";

const registry: JobRegistry = { ...jobRegistry, trying: new URL("../support/trying-job.ts", import.meta.url) };
const shardWorker = new URL("../support/author-shard-worker.ts", import.meta.url);
const author = { kind: "author", key: "a" };
const PLENTY_MS = 30_000;

let folder: string;
let node: OperatedNode;

const start = async (): Promise<void> => {
  node = await startOperatedNode(natsBinary(), { dataDir: join(folder, "data"), shardWorker, jobRegistry: registry });
};
const write = (what: string, value = "", timeoutMs = PLENTY_MS): Promise<unknown> =>
  node.runtime.asker.ask(author, "Write", { what, value, timeoutMs }, 5_000);
const read = async (): Promise<JobResult[]> => (await node.runtime.asker.ask(author, "Read", {}, 5_000)) as JobResult[];
/** Outputs, and reasons of failures. */
const ends = async (): Promise<unknown[]> =>
  (await read()).map((result) => (result.outcome === "done" ? result.output : result.reason));

describeWithNats("jobs that actors order", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "chorus-jobs-"));
    await start();
  });
  afterEach(async () => {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("results and failures of every kind come back as messages, and the node goes on", async () => {
    const expected = ["hello", "threw", "died", "input-invalid"];
    for (const [at, what] of ["echo", "throw", "exit", "dance"].entries()) {
      await write(what, "hello");
      await eventually(`${what} is answered`, ends, expected.slice(0, at + 1), PLENTY_MS);
    }
    expect(node.runtime.unready).toBeNull();
    expect(await node.operators.inspect(["jobs"])).toMatchObject({ running: 0, waiting: 0, jobs: [] });
  });

  test("a job shows while it runs, and ends by its deadline or a cancellation", async () => {
    const jobId = await write("never");
    await eventually("it runs", () => node.runtime.jobs.view().running, 1, PLENTY_MS);
    expect(await node.operators.inspect(["jobs"])).toMatchObject({ jobs: [{ jobId, owner: "author/a" }] });
    expect(await node.operators.inspect(["actor", "job", String(jobId)])).toMatchObject({ state: { name: "trying" } });
    await node.runtime.asker.ask(author, "GiveUp", { jobId }, 5_000);
    await eventually("it is cancelled", ends, ["cancelled"], PLENTY_MS);
    await write("loop", "", 400);
    await eventually("it times out", ends, ["cancelled", "timeout"], PLENTY_MS);
    await eventually("no thread is busy", () => node.runtime.jobs.view().running, 0, PLENTY_MS);
  });

  test("a job outlives its node: it runs again after a restart, and answers once", async () => {
    const sign = join(folder, "sign");
    await write("await-file", sign);
    await eventually("it runs", () => node.runtime.jobs.view().running, 1, PLENTY_MS);
    await node.stop();
    await writeFile(sign, "");
    await start();
    await eventually("it is answered", read, [{ outcome: "done", output: `saw ${sign}` }], PLENTY_MS);
    expect(await read()).toHaveLength(1);
  });
});
