import { expect, test } from "vitest";
import { instantText } from "../../protocols/campaign/instant.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { WhyNotView } from "../../protocols/why-not.ts";
import type { Inspection } from "../../runtime/host/inspection.ts";
import type { JobsView } from "../../runtime/host/jobs-pool.ts";
import type { SupervisorAct, SupervisorAnswer } from "../../runtime/core/partition-supervisor.ts";
import { OperatorService } from "../../runtime/host/operator-service.ts";
import { TapDesk } from "../../runtime/host/tap-desk.ts";
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

/** Answers of partitions to acts; the default is that it was done. */
type Answers = Readonly<Record<number, SupervisorAnswer>>;

function rig(answers: Answers = {}): {
  operators: OperatorService;
  audited: AuditEntry[];
  done: [number, ControlVerb | SupervisorAct][];
  order: string[];
  drained: () => boolean;
} {
  let drained = false;
  const audited: AuditEntry[] = [];
  const done: [number, ControlVerb | SupervisorAct][] = [];
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
    homeOf: (_kind: string, _key: string, partition?: number) => (partition === 99 ? undefined : (partition ?? 2)),
    deadLetter: (name: string) => Promise.resolve(name === "3-17-0" ? { letter: name } : undefined),
    supervision: () => Promise.resolve({ shards: [] }),
    handlers: () => Promise.resolve({ handlers: [] }),
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
        return Promise.resolve(verb.verb === "tap" ? verb.order.key !== "crowded" : { done: true });
      },
    },
    asker: {
      partitions: 4,
      ask: ({ partition }, _type, act) => {
        order.push("done");
        done.push([Number(partition), act as SupervisorAct]);
        return Promise.resolve(answers[Number(partition)] ?? { done: true });
      },
    },
    taps: new TapDesk({ nowMs: () => 0, publish: () => undefined }),
    drain: () => {
      drained = true;
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
  return { operators, audited, done, order, drained: () => drained };
}

test("a stopped actor is restarted on its shard, after the audit log has it", async () => {
  const { operators, audited, done, order } = rig();
  const answer = await operators.control("restart", { kind: "budget", key: "spring" }, "admin");
  expect(answer).toEqual({ ok: true, value: { done: true } });
  expect(done).toEqual([[5, { act: "restart", kind: "budget", key: "spring" }]]);
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

test("a kind is paused in every partition, and those that did not do it say why", async () => {
  const { operators, done, audited } = rig({ 1: { done: false, status: 409, reason: "it is paused already" } });
  expect(await operators.control("pause", { kind: "budget" }, "admin")).toEqual({
    ok: true,
    value: { kind: "budget", partitions: [0, 2, 3], others: "it is paused already" },
  });
  expect(done.map(([partition]) => partition)).toEqual([0, 1, 2, 3]);
  expect(audited).toMatchObject([{ verb: "pause", id: "budget" }]);
});

test("what no partition does is refused with its reason", async () => {
  const no = { done: false, status: 404, reason: "there is no kind gremlin" } as const;
  const { operators } = rig({ 0: no, 1: no, 2: no, 3: no });
  const { status, reason } = no;
  expect(await operators.control("resume", { kind: "gremlin" }, "admin")).toEqual({ ok: false, status, reason });
});

test("an actor, or the mail of a partition, is paused where it is", async () => {
  const { operators, done } = rig();
  await operators.control("pause", { kind: "budget", key: "spring" }, "nats");
  await operators.control("resume", { partition: 3 }, "nats");
  expect(done).toEqual([
    [5, { act: "pause", kind: "budget", key: "spring" }],
    [3, { act: "resume", kind: null, key: null }],
  ]);
});

test("a dead letter is retried and dropped in its partition, after the audit log has it", async () => {
  const { operators, done, audited, order } = rig();
  expect(await operators.control("retry", { letter: "3-17-0" }, "admin")).toMatchObject({ ok: true });
  expect(await operators.control("drop", { letter: "3-17-0" }, "admin")).toMatchObject({ ok: true });
  expect(done).toEqual([
    [3, { act: "retry", id: "17-0" }],
    [3, { act: "drop", id: "17-0" }],
  ]);
  expect(audited).toMatchObject([
    { verb: "retry", id: "3-17-0" },
    { verb: "drop", id: "3-17-0" },
  ]);
  expect(order).toEqual(["audited", "done", "audited", "done"]);
});

test("draining is audited and begun", async () => {
  const { operators, audited, drained } = rig();
  expect(await operators.control("drain", {}, "admin")).toEqual({ ok: true, value: { draining: true } });
  expect(drained()).toBe(true);
  expect(audited).toMatchObject([{ verb: "drain", who: "admin" }]);
});

test("a tap is ordered from the shard of its actor, audited with what it shows, and read by its name", async () => {
  const { operators, audited, done } = rig();
  const started = await operators.control("tap", { kind: "budget", key: "spring", payloads: true, count: 5 }, "admin");
  expect(started).toMatchObject({ ok: true, value: { tap: "tap-1", partition: 2, count: 5 } });
  expect(done).toMatchObject([[0, { verb: "tap", order: { tap: "tap-1", countMax: 5, forMs: 30_000 } }]]);
  expect(audited).toMatchObject([{ verb: "tap with payloads", id: "budget/spring" }]);
  expect(await operators.control("tap", { tap: "tap-1" }, "admin")).toEqual({
    ok: true,
    value: { tap: "tap-1", messages: [], next: 0, ended: null },
  });
  const crowded = await operators.control("tap", { kind: "budget", key: "crowded" }, "admin");
  expect(crowded).toMatchObject({ ok: false, status: 429 });
});

test.each([
  ["restart", { kind: "budget", key: "autumn" }, 409],
  ["restart", { kind: "budget", key: "winter" }, 404],
  ["restart", { kind: "bud.get", key: "spring" }, 400],
  ["restart", { kind: "budget", key: "spring", force: true }, 400],
  ["restart", null, 400],
  ["restart", "spring", 400],
  ["accept-gap", { partition: "3" }, 400],
  ["pause", {}, 400],
  ["pause", { kind: "budget", partition: 1 }, 400],
  ["pause", { kind: "budget", key: "winter" }, 404],
  ["pause", { partition: 4 }, 404],
  ["retry", { letter: "3-17" }, 400],
  ["retry", { letter: "3-18-0" }, 404],
  ["drop", { letter: "3-18-0" }, 404],
  ["freeze", {}, 400],
  ["reset", { learner: "x" }, 400],
  ["reset", { learner: "creative.nobody" }, 404],
  ["drain", { now: true }, 400],
  ["tap", { kind: "budget" }, 400],
  ["tap", { kind: "budget", key: "spring", count: 1_001 }, 400],
  ["tap", { kind: "budget", key: "spring", partition: 99 }, 404],
  ["tap", { tap: "tap-7" }, 404],
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
      "chorus.inspect.dead-letter.*",
      "chorus.inspect.supervision",
      "chorus.inspect.handlers",
      ...["pause", "resume", "restart", "retry", "drop", "drain", "accept-gap", "freeze", "reset", "tap"].map(
        (verb) => `chorus.control.${verb}`,
      ),
    ]),
  );
  for (const { metadata } of endpoints)
    for (const name of ["request_schema", "response_schema"])
      expect(JSON.parse(metadata[name] ?? "")).toHaveProperty("type");
});
