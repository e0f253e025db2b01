import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AnsweringNode } from "../support/answering-node.ts";

let node: AnsweringNode;
beforeAll(async () => {
  node = await AnsweringNode.start();
});
afterAll(() => node.stop());
beforeEach(() => node.forget());

const chorus = (...args: string[]) => node.chorus(...args);

test("control sends the act, and a refusal of the node is a fault with its reason", async () => {
  node.answer.body = { restarted: true };
  expect(await chorus("control", "restart", "budget", "spring")).toMatchObject({ code: 0 });
  expect(node.seen.at(-1)).toMatchObject({
    method: "POST",
    url: "/v1/control/restart",
    body: '{"kind":"budget","key":"spring"}',
  });
  const errors = [{ path: "", value: { partition: 3 }, rule: "partition 3 has no gap" }];
  node.answer = { status: 409, body: { title: "the node refuses", status: 409, code: "CONTROL_REFUSED", errors } };
  const refused = await chorus("control", "accept-gap", "3");
  expect({ code: refused.code, text: refused.complained() }).toEqual({
    code: 1,
    text: 'chorus: the node refuses (CONTROL_REFUSED)\n  (whole) = {"partition":3}: partition 3 has no gap',
  });
});

test.each([
  [["pause", "budget"], "pause", { kind: "budget" }],
  [["pause", "wallet", "w3@3"], "pause", { kind: "wallet", key: "w3", partition: 3 }],
  [["resume", "--mail", "3"], "resume", { partition: 3 }],
  [["restart", "budget"], "restart", { kind: "budget" }],
  [["retry", "3-17-0"], "retry", { letter: "3-17-0" }],
  [["drop", "3-17-0"], "drop", { letter: "3-17-0" }],
  [["drain"], "drain", {}],
  [["freeze", "creative.spring"], "freeze", { learner: "creative.spring", frozen: true }],
  [["freeze", "creative.spring", "--off"], "freeze", { learner: "creative.spring", frozen: false }],
  [["reset", "creative.spring"], "reset", { learner: "creative.spring" }],
])("control %j is the verb %s with %j", async (args, verb, body) => {
  expect(await chorus("control", ...args)).toMatchObject({ code: 0 });
  expect(node.seen.at(-1)).toMatchObject({ method: "POST", url: `/v1/control/${verb}` });
  expect(JSON.parse(node.seen.at(-1)?.body ?? "")).toEqual(body);
});

test("control tells what became of a retry, and where a kind was paused", async () => {
  node.answer.body = { done: true, became: "dead-letter" };
  expect((await chorus("control", "retry", "3-17-0")).printed()).toBe("done: dead-letter");
  node.answer.body = { kind: "budget", partitions: [0, 2], others: "it is paused already" };
  expect((await chorus("control", "pause", "budget")).printed()).toBe(
    "done in partitions 0, 2; elsewhere: it is paused already",
  );
});

test("pause wants a kind or a partition's mail, not both and not neither", async () => {
  for (const args of [[], ["budget", "--mail", "3"], ["--mail", "x"], ["budget", "spring@x"]])
    expect(await chorus("control", "pause", ...args)).toMatchObject({ code: 2 });
  expect(node.seen).toEqual([]);
});

test("the supervision tree is printed with who died in what, and who stands still", async () => {
  const suspect = { of: "ask", partition: 1, kind: "listener", key: "k", name: "Decide", sequence: 0, index: 0 };
  node.answer.body = {
    node: "node-1",
    suspects: [{ ...suspect, deaths: 2, cause: "hang" }],
    shards: [
      {
        id: 0,
        restarts: 2,
        recent: 1,
        lastDeath: { atMs: Date.now() - 5_000, cause: "hang", suspect: { ...suspect, deaths: 2, cause: "hang" } },
        kinds: [
          {
            kind: "budget",
            strategy: { directive: "restart", siblings: "one-for-one", maxRestarts: 5, withinMs: 60_000, then: "stop" },
            actors: 3,
            failures: 4,
            restarts: 4,
            stops: 1,
            troubled: [{ key: "spring", partition: 2, condition: "retrying", mailbox: 3, lastError: "no" }],
          },
        ],
        stopped: [{ kind: "budget", key: "autumn", message: "broken" }],
        suspensions: [{ partition: 2, kind: null, key: null, state: "paused", reason: "by an operator" }],
      },
      { id: 1, restarts: 0, recent: 0, lastDeath: null },
    ],
  };
  const text = (await chorus("inspect", "supervision")).printed();
  for (const part of [
    "shard 0: 2 restarts, 1 within a minute, last 5 s ago: hang in ask Decide of listener k@1",
    "budget: 3 actors, 4 failures, 4 restarts, 1 stops (restart, one-for-one, 5 in 1 min, then stop)",
    "spring@2 retrying, 3 wait: no",
    "stopped: budget autumn: broken",
    "paused in partition 2: mail, by an operator",
    "shard 1: 0 restarts",
    "is being started",
    "died in ask Decide of listener k@1: 2 × hang",
  ])
    expect(text).toContain(part);
});

test("handlers, and a dead letter whole, are printed", async () => {
  const times = { count: 7, failed: 1, meanMicros: 3.5, p50Micros: 3, p99Micros: 9, maxMicros: 12 };
  node.answer.body = { handlers: [{ kind: "budget", message: "Report", ...times }] };
  expect((await chorus("inspect", "handlers")).printed()).toMatch(/^budget\.Report +7 +1 +3\.5 +3 +9 +12$/m);
  node.answer.body = {
    letter: "3-17-0",
    code: "HANDLER_FAILED",
    payload: { by: 1 },
    stack: "Error: as told\n    at x",
  };
  const { code, printed } = await chorus("inspect", "dead-letter", "3-17-0");
  expect(node.seen.at(-1)?.url).toBe("/v1/inspect/dead-letter/3-17-0");
  expect({ code, text: printed() }).toMatchObject({
    code: 0,
    text: expect.stringContaining("Error: as told\n    at x"),
  });
});

test("a tap is begun, followed until it ended, and printed line by line", async () => {
  const message = { atMs: 0, form: "ask", message: "Decide", bytes: 12, micros: 40, fault: null, dropped: 0 };
  const failed = { ...message, fault: { code: "HANDLER_FAILED", message: "no" }, dropped: 3 };
  const ended = { why: "count", seen: 5, dropped: 3 };
  node.answer.body = { tap: "tap-1", messages: [message, failed], next: 2, ended };
  const { code, printed } = await chorus("inspect", "tap", "listener", "k@2", "--count", "2", "--for", "5");
  expect(node.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { kind: "listener", key: "k", partition: 2, count: 2, forMs: 5_000, payloads: false },
    { tap: "tap-1", after: 0 },
  ]);
  expect({ code, text: printed() }).toEqual({
    code: 0,
    text: [
      "1970-01-01T00:00:00.000Z  ask Decide  12 B  40 µs",
      "(3 not shown)",
      "1970-01-01T00:00:00.000Z  ask Decide  12 B  40 µs  HANDLER_FAILED: no",
      "5 messages seen, 3 not shown",
    ].join("\n"),
  });
  for (const wrong of [
    ["--count", "1001"],
    ["--for", "x"],
  ])
    expect(await chorus("inspect", "tap", "listener", "k", ...wrong)).toMatchObject({ code: 2 });
});
