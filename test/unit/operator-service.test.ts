import { expect, test } from "vitest";
import { instantText } from "../../protocols/campaign/instant.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { WhyNotView } from "../../protocols/why-not.ts";
import type { Inspection } from "../../runtime/host/inspection.ts";
import type { JobsView } from "../../runtime/host/jobs-pool.ts";
import { OperatorService } from "../../runtime/host/operator-service.ts";
import type { AuditEntry } from "../../runtime/nats/audit-log.ts";
import type { ControlVerb } from "../../runtime/threads/shard-thread-messages.ts";

const NO_JOBS: JobsView = {
  threads: 0,
  threadsMax: 1,
  running: 0,
  waiting: 0,
  queueMax: 4,
  jobs: [],
  truncated: false,
  ended: [],
};
const WHY_NOT: WhyNotView = { campaignId: "spring", timezone: "UTC", since: "", until: "", complete: true, days: [] };

function rig(): { operators: OperatorService; audited: AuditEntry[]; done: [number, ControlVerb][]; order: string[] } {
  const audited: AuditEntry[] = [];
  const done: [number, ControlVerb][] = [];
  const order: string[] = [];
  const actors: Record<string, unknown> = {
    "budget/spring": { partition: 5, shard: 1, stopped: { code: "HANDLER_FAILED" } },
    "budget/autumn": { partition: 6, shard: 0, stopped: null },
  };
  const inspection = {
    node: () => Promise.resolve({ node: "node-1" }),
    actors: (kind: string | null) => Promise.resolve({ actors: [kind] }),
    actor: (kind: string, key: string, partition?: number) =>
      Promise.resolve(partition === undefined ? actors[`${kind}/${key}`] : { kind, key, partition }),
    partition: (partition: number) =>
      Promise.resolve(partition > 3 ? undefined : { partition, gap: partition === 3 ? { sender: 1 } : null }),
    partitions: () => Promise.resolve({ partitions: [] }),
    deadLetters: () => Promise.resolve({ deadLetters: [] }),
    shards: () => Promise.resolve({ shards: [] }),
    timers: () => Promise.resolve({ timers: [] }),
    learners: () => Promise.resolve({ learners: [] }),
  } as unknown as Inspection;
  const operators = new OperatorService({
    inspection,
    pool: {
      shardOf: (partition) => partition % 2,
      control: (shard, verb) => {
        order.push("done");
        done.push([shard, verb]);
        return Promise.resolve({ done: true });
      },
    },
    checkpoints: {
      list: () => Promise.resolve([]),
      create: () => Promise.resolve([]),
      verify: (name) =>
        Promise.resolve(
          name === "p0/there" ? { partition: asPartition(0), needsLogAfter: 3, commitSeq: 4, entries: 2 } : null,
        ),
    },
    jobs: { view: () => NO_JOBS },
    whyNot: {
      of: (campaignId, { sinceMs }) =>
        Promise.resolve(campaignId === "spring" ? { ...WHY_NOT, since: instantText(sinceMs ?? 0) } : null),
    },
    audit: {
      append: (entry) => {
        order.push("audited");
        audited.push(entry);
        return Promise.resolve();
      },
    },
  });
  return { operators, audited, done, order };
}

test("a stopped actor is restarted on its shard, after the audit log has it", async () => {
  const { operators, audited, done, order } = rig();
  const answer = await operators.control("restart", { kind: "budget", key: "spring" }, "admin");
  expect(answer).toEqual({ ok: true, value: { done: true } });
  expect(done).toEqual([[1, { verb: "restart", partition: 5, kind: "budget", key: "spring" }]]);
  expect(audited).toMatchObject([{ who: "admin", verb: "restart", id: "budget/spring", version: null }]);
  expect(order).toEqual(["audited", "done"]);
});

test("a gap is accepted only where there is one", async () => {
  const { operators, done, audited } = rig();
  expect(await operators.control("accept-gap", { partition: 3 }, "nats")).toMatchObject({ ok: true });
  expect(await operators.control("accept-gap", { partition: 2 }, "nats")).toMatchObject({ ok: false, status: 409 });
  expect(await operators.control("accept-gap", { partition: 9 }, "nats")).toMatchObject({ ok: false, status: 404 });
  expect(done).toEqual([[1, { verb: "accept-gap", partition: 3 }]]);
  expect(audited).toHaveLength(1);
});

test("checkpoints are listed, made and verified by name, and making is audited", async () => {
  const { operators, audited } = rig();
  expect(await operators.inspect(["checkpoints"])).toEqual({ checkpoints: [] });
  expect(await operators.control("checkpoint", {}, "admin")).toEqual({ ok: true, value: { checkpoints: [] } });
  expect(audited).toMatchObject([{ who: "admin", verb: "checkpoint" }]);
  expect(await operators.control("verify-checkpoint", { name: "p0/there" }, "admin")).toMatchObject({
    ok: true,
    value: { name: "p0/there", entries: 2 },
  });
  const absent = await operators.control("verify-checkpoint", { name: "p0/gone" }, "admin");
  expect(absent).toMatchObject({ ok: false, status: 404 });
});

test.each([
  ["restart", { kind: "budget", key: "autumn" }, 409],
  ["restart", { kind: "budget", key: "winter" }, 404],
  ["restart", { kind: "bud.get", key: "spring" }, 400],
  ["restart", { kind: "budget", key: "spring", force: true }, 400],
  ["restart", null, 400],
  ["restart", "spring", 400],
  ["accept-gap", { partition: "3" }, 400],
  ["pause", {}, 501],
  ["explode", {}, 404],
])("%s with %j is refused with %i and does nothing", async (verb, body, status) => {
  const { operators, done, audited } = rig();
  expect(await operators.control(verb, body, "nats")).toMatchObject({ ok: false, status });
  expect([done, audited]).toEqual([[], []]);
});

test("inspection understands the words of the subjects, and nothing else", async () => {
  const { operators } = rig();
  expect(await operators.inspect(["node"])).toEqual({ node: "node-1" });
  expect(await operators.inspect(["actors"])).toEqual({ actors: [null] });
  expect(await operators.inspect(["actors", "budget"])).toEqual({ actors: ["budget"] });
  expect(await operators.inspect(["actor", "budget", "spring"])).toMatchObject({ partition: 5 });
  expect(await operators.inspect(["actor", "budget", "spring@2"])).toMatchObject({ key: "spring", partition: 2 });
  for (const words of [
    [],
    [""],
    ["gremlins"],
    ["node", "x"],
    ["actor"],
    ["actor", "budget"],
    ["actor", "budget", "spring", "x"],
    ["actor", "budget", "spring@x"],
    ["actor", "budget", "spring@1@2"],
    ["actor", "bud/get", "spring"],
    ["actors", "budget", "x"],
  ])
    expect(await operators.inspect(words)).toBeUndefined();
});

test("jobs are shown, and why a campaign was not served is asked with its times in the body", async () => {
  const { operators } = rig();
  expect(await operators.inspect(["jobs"])).toEqual(NO_JOBS);
  const endpoint = operators.endpoints().find(({ subject }) => subject === "chorus.inspect.why-not.*");
  const ask = (campaign: string, body: unknown): unknown =>
    endpoint?.answer(["chorus", "inspect", "why-not", campaign], body);
  const since = "2026-03-01T00:00:00Z";
  expect(await ask("spring", { since })).toMatchObject({ ok: true, value: { since: "2026-03-01T00:00:00.000Z" } });
  expect(await ask("spring", undefined)).toMatchObject({ ok: true });
  expect(await ask("winter", {})).toMatchObject({ ok: false, status: 404 });
  for (const body of [{ since: "yesterday" }, { sine: since }, 7])
    expect(await ask("spring", body)).toMatchObject({ ok: false, status: 400 });
});

test("every subject of the interface is an endpoint with its schemas", () => {
  const endpoints = rig().operators.endpoints();
  expect(endpoints.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([
      "chorus.inspect.node",
      "chorus.inspect.shards",
      "chorus.inspect.actors",
      "chorus.inspect.actors.*",
      "chorus.inspect.actor.*.*",
      "chorus.inspect.partitions",
      "chorus.inspect.dead-letters",
      "chorus.inspect.timers",
      "chorus.inspect.learners",
      ...["pause", "resume", "restart", "retry", "drop", "drain", "accept-gap", "freeze", "reset"].map(
        (verb) => `chorus.control.${verb}`,
      ),
    ]),
  );
  for (const { metadata } of endpoints)
    for (const name of ["request_schema", "response_schema"])
      expect(JSON.parse(metadata[name] ?? "")).toHaveProperty("type");
});
