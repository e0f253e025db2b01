import { headers as natsHeaders } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";
import { afterEach, expect, test } from "vitest";
import { encodeMail, INGRESS, type Envelope } from "../../protocols/envelope.ts";
import type { FaultCode } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";
import { HEADERS, mailSubject, MSGPACK } from "../../protocols/subjects.ts";
import type { Doom } from "../support/deadly-actor.ts";
import { eventually } from "../support/daemon-probe.ts";
import { describeWithNats, natsBinary } from "../support/nats.ts";
import { type OperatedNode, startOperatedNode } from "../support/operated-node.ts";

const HANG_AFTER_MS = 400;
const DEATHS_MAX = 3;
const SETTLED_MS = 30_000;
const SETTINGS = {
  shards: 2,
  partitions: 4,
  "supervision.hangAfterMs": HANG_AFTER_MS,
  "supervision.heapBytesMax": 67_108_864,
  "supervision.deathsMax": DEATHS_MAX,
};
/** Of the actor that is doomed, and its neighbours in the same partition, on the same shard, and on the other. */
const HOME = asPartition(1);
const SAME_SHARD = asPartition(3);
const OTHER_SHARD = asPartition(0);

interface NodeEvent {
  readonly kind: string;
  readonly event: string;
  readonly details: Record<string, unknown>;
  readonly atMs: number;
}

let node: OperatedNode;
let events: NodeEvent[];

afterEach(() => node.stop());

async function start(): Promise<void> {
  events = [];
  node = await startOperatedNode(natsBinary(), {
    settings: SETTINGS,
    shardWorker: new URL("../support/deadly-worker.ts", import.meta.url),
    onEvent: (kind, event, details) => void events.push({ kind, event, details, atMs: performance.now() }),
  });
}

/** What a gateway hands to JetStream when the owner does not answer: one message. */
async function mail(partition: number, messages: readonly (readonly [key: string, type: string, payload: object])[]) {
  const receiver = asPartition(partition);
  const envelopes = messages.map(([key, type, payload]): Envelope => ({ kind: "deadly", key, type, payload }));
  const bytes = encodeMail({ runs: [{ sender: INGRESS, receiver, first: 0, envelopes }] });
  const headers = natsHeaders();
  for (const [name, value] of Object.entries({
    [HEADERS.contentType]: MSGPACK,
    [HEADERS.type]: "mail",
    [HEADERS.count]: String(envelopes.length),
  }))
    headers.set(name, value);
  await jetstream(node.nats.connection.connection).publish(mailSubject(receiver), bytes, { headers });
}

function ask(partition: number, key: string, doom: Doom = "none"): Promise<unknown> {
  return node.runtime.asker.ask({ kind: "deadly", key, partition: asPartition(partition) }, "Total", { doom }, 5_000);
}

const becomes = (partition: number, key: string, total: number): Promise<void> =>
  eventually(`${key} in ${partition} has ${total}`, () => ask(partition, key), total, SETTLED_MS);

const deaths = (): NodeEvent[] => events.filter(({ kind, event }) => kind === "shard" && event === "died");

interface Letters {
  readonly deadLetters: readonly { readonly letter: string; readonly code: string; readonly type: string }[];
}

async function letters(): Promise<Letters["deadLetters"]> {
  return ((await node.inspection.deadLetters()) as Letters).deadLetters;
}

/** For the figures that are published: how long a partition of the dead thread did not serve. */
function tellRecovery(what: string): void {
  const recoveredMs = deaths().map((death) => {
    const opened = events.find(
      ({ kind, event, details, atMs }) =>
        kind === "partition" && event === "opened" && atMs > death.atMs && details["partition"] === HOME,
    );
    return Math.round((opened?.atMs ?? Number.NaN) - death.atMs);
  });
  console.info(`${what}: partition ${HOME} open again ${recoveredMs.join(", ")} ms after each death`);
}

describeWithNats("what a handler can do to its thread", () => {
  const CASES: readonly (readonly [Doom, FaultCode, string])[] = [
    ["hang", "HANDLER_HUNG", "hang"],
    ["regexp", "HANDLER_HUNG", "hang"],
    ["oom", "HANDLER_OUT_OF_MEMORY", "oom"],
    ["exit", "HANDLER_CRASHED", "crash"],
  ];

  test.each(CASES)(
    "a message that ends it (%s) becomes a dead letter (%s), and all others are applied once",
    async (doom, code, cause) => {
      await start();
      await Promise.all([becomes(HOME, "before", 0), becomes(SAME_SHARD, "s", 0), becomes(OTHER_SHARD, "o", 0)]);
      await mail(HOME, [
        ["a", "Add", { by: 1, doom: "none" }],
        ["a", "Add", { by: 1_000, doom }],
        ["b", "Add", { by: 20, doom: "none" }],
        ["a", "Add", { by: 300, doom: "none" }],
      ]);
      await mail(SAME_SHARD, [["s", "Add", { by: 4, doom: "none" }]]);
      await mail(OTHER_SHARD, [["o", "Add", { by: 5, doom: "none" }]]);
      await becomes(OTHER_SHARD, "o", 5);
      await becomes(SAME_SHARD, "s", 4);
      await becomes(HOME, "a", 301);
      await becomes(HOME, "b", 20);
      expect(await letters()).toMatchObject([
        {
          partition: HOME,
          kind: "deadly",
          key: "a",
          type: "Add",
          code,
          attempts: DEATHS_MAX,
          payload: { by: 1_000, doom },
        },
      ]);
      expect(deaths().map(({ details }) => details["cause"])).toEqual(Array(DEATHS_MAX).fill(cause));
      expect(deaths().every(({ details }) => details["shard"] === 1)).toBe(true);
      tellRecovery(doom);
    },
  );

  test("two such messages in one mail are both found, and a local tell counts against what caused it", async () => {
    await start();
    await mail(HOME, [
      ["a", "Add", { by: 1, doom: "exit" }],
      ["b", "Spread", { to: ["c", "d"], by: 10, doom: "exit" }],
      ["c", "Add", { by: 100, doom: "none" }],
    ]);
    await becomes(HOME, "c", 100);
    await becomes(HOME, "b", 0);
    expect((await letters()).map(({ type }) => type)).toEqual(["Add", "Spread"]);
    expect(deaths()).toHaveLength(2 * DEATHS_MAX);
  });

  test("a timer that ends it becomes a dead letter, as does what waits in a stash", async () => {
    await start();
    await mail(HOME, [["t", "Later", { by: 1, inMs: 50, doom: "hang" }]]);
    await eventually(
      "the timer is given up",
      async () => (await letters()).map(({ type }) => type),
      ["timer:doom"],
      SETTLED_MS,
    );
    await mail(HOME, [
      ["s", "Stumble", { by: 1, untilMs: Date.now() + 200, doom: "exit" }],
      ["s", "Add", { by: 30, doom: "none" }],
    ]);
    await becomes(HOME, "s", 30);
    expect((await letters()).map(({ type, code }) => [type, code])).toEqual([
      ["timer:doom", "HANDLER_HUNG"],
      ["Stumble", "HANDLER_CRASHED"],
    ]);
    expect(await node.inspection.actor("deadly", "t", HOME)).toMatchObject({ timers: {}, condition: "running" });
  });

  test("an ask that ends it is a fault, and its actor is stopped after a few; an operator lets it run again", async () => {
    await start();
    await becomes(HOME, "q", 0);
    for (let death = 1; death <= DEATHS_MAX; death++) {
      await expect(ask(HOME, "q", "hang")).rejects.toMatchObject({ code: "NOT_OWNER" });
      await becomes(HOME, "other", 0);
    }
    await expect(ask(HOME, "q")).rejects.toMatchObject({ code: "ACTOR_STOPPED" });
    expect((await node.inspection.supervision()).shards[1]).toMatchObject({
      restarts: DEATHS_MAX,
      lastDeath: { cause: "hang", suspect: { of: "ask", kind: "deadly", key: "q", name: "Total" } },
      stopped: [{ kind: "deadly", key: "q", partition: HOME, code: "HANDLER_HUNG" }],
    });
    const restarted = await node.operators.control("restart", { kind: "deadly", key: "q", partition: HOME }, "test");
    expect(restarted).toMatchObject({ ok: true });
    expect(await ask(HOME, "q")).toBe(0);
    expect((await node.inspection.supervision()).shards[1]).toMatchObject({ stopped: [] });
  });
});
