import { expect, test } from "vitest";
import { jobActor } from "../../actors/job/actor.ts";
import type { JobResult } from "../../protocols/job.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { AnyActor } from "../../runtime/actor/define.ts";
import { authorActor } from "../support/author.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const done: JobResult = { outcome: "done", output: "3" };

function start(timeoutMs = 60_000): { kit: ActorKit; jobId: string } {
  const kit = activate(authorActor, { others: [jobActor], nowMs: 1_000 });
  return { kit, jobId: kit.ask("Write", { what: "echo", value: "x", timeoutMs }) as string };
}

const result = (kit: ActorKit, jobId: string, what: JobResult): void =>
  kit.tell("Result", { result: what }, { kind: "job", key: jobId });

test("a job leaves with the commit that ordered it, and its result comes as a message", () => {
  const { kit, jobId } = start();
  expect(kit.orders).toMatchObject([
    { type: "run", jobId, name: "trying", input: { what: "echo", value: "x" }, deadlineMs: 61_000, again: false },
  ]);
  result(kit, jobId, done);
  expect(kit.state).toEqual([done]);
});

test("a result that comes twice counts once, also over a crash", () => {
  const { kit, jobId } = start();
  result(kit, jobId, done);
  result(kit, jobId, { outcome: "done", output: "4" });
  kit.crashAndRecover();
  result(kit, jobId, { outcome: "done", output: "5" });
  expect(kit.state).toEqual([done]);
});

test("a job whose order is lost in a crash is ordered again until there is a result", () => {
  const { kit, jobId } = start();
  kit.crashAndRecover();
  kit.advance(12_000);
  expect(kit.orders.map((order: JobOrder) => order.type === "run" && order.again)).toEqual([false, true, true]);
  result(kit, jobId, done);
  kit.advance(60_000);
  expect(kit.orders).toHaveLength(3);
  expect(kit.state).toEqual([done]);
});

test("at its deadline whoever wants it hears so, and the pool is told to let it go", () => {
  const { kit, jobId } = start(7_000);
  kit.crashAndRecover();
  kit.advance(7_000);
  expect(kit.state).toMatchObject([{ outcome: "failed", reason: "timeout" }]);
  expect(kit.orders.at(-1)).toEqual({ type: "cancel", jobId });
  result(kit, jobId, done);
  expect(kit.state).toHaveLength(1);
});

test("a cancelled job replies so once; one that has ended cannot be cancelled", () => {
  const { kit, jobId } = start();
  kit.tell("GiveUp", { jobId });
  kit.tell("GiveUp", { jobId });
  expect(kit.state).toMatchObject([{ outcome: "failed", reason: "cancelled" }]);
  expect(kit.orders.filter(({ type }) => type === "cancel")).toHaveLength(1);
});

test("a handler that throws after ordering a job orders none", () => {
  const thrower: AnyActor = {
    ...(authorActor as AnyActor),
    handlers: {
      ...authorActor.handlers,
      Write: (...args: Parameters<typeof authorActor.handlers.Write>) => {
        authorActor.handlers.Write(...args);
        throw new Error("after all");
      },
    },
  };
  const kit = activate(thrower, { others: [jobActor] });
  expect(() => kit.ask("Write", { what: "echo", value: "x", timeoutMs: 1_000 })).toThrow("after all");
  expect(kit.orders).toEqual([]);
  expect(kit.timers).toEqual({});
});

test("a time out of bounds and an input of more than a megabyte are refused by name", () => {
  const kit = activate(authorActor, { others: [jobActor] });
  expect(() => kit.ask("Write", { what: "echo", value: "", timeoutMs: 0 })).toThrow(
    "timeoutMs 0 of the job trying must be 1 to 86400000",
  );
  expect(() => kit.ask("Write", { what: "echo", value: "x".repeat(1_100_000), timeoutMs: 1 })).toThrow(
    "allowed are 1048576",
  );
  expect(kit.orders).toEqual([]);
});
