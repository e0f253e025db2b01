import { afterEach, expect, test } from "vitest";
import type { FaultCode } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { Doom } from "../support/deadly-actor.ts";
import { DeadlyNode } from "../support/deadly-node.ts";
import { describeWithNats } from "../support/nats.ts";

const DEATHS_MAX = 3;
const SETTINGS = {
  shards: 2,
  partitions: 4,
  "supervision.hangAfterMs": 400,
  "supervision.heapBytesMax": 67_108_864,
  "supervision.deathsMax": DEATHS_MAX,
};
/** Of the actor that is doomed, and its neighbours on the same shard and on the other. */
const HOME = asPartition(1);
const SAME_SHARD = asPartition(3);
const OTHER_SHARD = asPartition(0);

let deadly: DeadlyNode;

afterEach(() => deadly.node.stop());

/** For the figures that are published: how long a partition of the dead thread did not serve. */
function tellRecovery(what: string): void {
  const recoveredMs = deadly.deaths().map((death) => {
    const opened = deadly.events.find(
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
    ["oom-one", "HANDLER_OUT_OF_MEMORY", "oom"],
    ["exit", "HANDLER_CRASHED", "crash"],
  ];

  test.each(CASES)(
    "a message that ends it (%s) is a dead letter (%s), and all others are applied once",
    async (doom, code, cause) => {
      // Where memory is to run out, time must not: allocating is slow on a busy machine.
      const hangAfterMs = cause === "hang" ? SETTINGS["supervision.hangAfterMs"] : 20_000;
      deadly = await DeadlyNode.start({ ...SETTINGS, "supervision.hangAfterMs": hangAfterMs });
      await deadly.mail(HOME, [
        ["a", "Add", { by: 1, doom: "none" }],
        ["a", "Add", { by: 1_000, doom }],
        ["b", "Add", { by: 20, doom: "none" }],
        ["a", "Add", { by: 300, doom: "none" }],
      ]);
      await deadly.mail(SAME_SHARD, [["s", "Add", { by: 4, doom: "none" }]]);
      await deadly.mail(OTHER_SHARD, [["o", "Add", { by: 5, doom: "none" }]]);
      await deadly.becomes(OTHER_SHARD, "o", 5);
      await deadly.becomes(SAME_SHARD, "s", 4);
      await deadly.becomes(HOME, "a", 301);
      await deadly.becomes(HOME, "b", 20);
      const payload = { by: 1_000, doom };
      expect(await deadly.letters()).toMatchObject([
        { partition: HOME, kind: "deadly", key: "a", type: "Add", code, attempts: DEATHS_MAX, payload },
      ]);
      const deaths = deadly.deaths().map(({ details }) => [details["shard"], details["cause"]]);
      expect(deaths).toEqual(Array(DEATHS_MAX).fill([1, cause]));
      tellRecovery(doom);
    },
  );

  test("two such messages in one mail are both found, and a local tell counts against what caused it", async () => {
    deadly = await DeadlyNode.start(SETTINGS);
    await deadly.mail(HOME, [
      ["a", "Add", { by: 1, doom: "exit" }],
      ["b", "Spread", { to: ["c", "d"], by: 10, doom: "exit" }],
      ["c", "Add", { by: 100, doom: "none" }],
    ]);
    await deadly.becomes(HOME, "c", 100);
    await deadly.becomes(HOME, "b", 0);
    await deadly.lettersBecome(["Add", "Spread"]);
    expect(deadly.deaths()).toHaveLength(2 * DEATHS_MAX);
  });

  test("a timer that ends it becomes a dead letter, as does what waits in a stash", async () => {
    deadly = await DeadlyNode.start(SETTINGS);
    await deadly.mail(HOME, [["t", "Later", { by: 1, inMs: 50, doom: "hang" }]]);
    await deadly.lettersBecome(["timer:doom"]);
    await deadly.mail(HOME, [
      ["s", "Stumble", { by: 1, untilMs: Date.now() + 200, doom: "exit" }],
      ["s", "Add", { by: 30, doom: "none" }],
    ]);
    await deadly.becomes(HOME, "s", 30);
    expect((await deadly.letters()).map(({ type, code }) => [type, code])).toEqual([
      ["timer:doom", "HANDLER_HUNG"],
      ["Stumble", "HANDLER_CRASHED"],
    ]);
    const actor = await deadly.node.inspection.actor("deadly", "t", HOME);
    expect(actor).toMatchObject({ timers: {}, condition: "running" });
  });

  test("an ask that ends it is a fault, and its actor is stopped after a few; an operator lets it run again", async () => {
    deadly = await DeadlyNode.start(SETTINGS);
    const { inspection, operators } = deadly.node;
    await deadly.becomes(HOME, "q", 0);
    for (let death = 1; death <= DEATHS_MAX; death++) {
      await expect(deadly.total(HOME, "q", "hang")).rejects.toMatchObject({ code: "NOT_OWNER" });
      await deadly.becomes(HOME, "other", 0);
    }
    await expect(deadly.total(HOME, "q")).rejects.toMatchObject({ code: "ACTOR_STOPPED" });
    expect((await inspection.supervision()).shards[1]).toMatchObject({
      restarts: DEATHS_MAX,
      lastDeath: { cause: "hang", suspect: { of: "ask", kind: "deadly", key: "q", name: "Total" } },
      stopped: [{ kind: "deadly", key: "q", partition: HOME, code: "HANDLER_HUNG" }],
    });
    const wanted = { kind: "deadly", key: "q", partition: HOME };
    expect(await operators.control("restart", wanted, "test")).toMatchObject({ ok: true });
    expect(await deadly.total(HOME, "q")).toBe(0);
    expect((await inspection.supervision()).shards[1]).toMatchObject({ stopped: [] });
  });

  test("a thread that idles, or works for long in many small messages, is left alone", async () => {
    deadly = await DeadlyNode.start(SETTINGS);
    const until = performance.now() + 1_500;
    for (let by = 1; performance.now() < until; by++) {
      await deadly.mail(
        HOME,
        Array.from({ length: 200 }, () => ["w", "Add", { by: 1, doom: "none" }] as const),
      );
      await deadly.becomes(HOME, "w", 200 * by);
    }
    expect(deadly.deaths()).toEqual([]);
  });
});
