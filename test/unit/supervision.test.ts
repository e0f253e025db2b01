import { expect, test } from "vitest";
import { escalate, restart, resume } from "../../runtime/actor/supervision.ts";
import type { Suspect } from "../../runtime/core/attempt.ts";
import { backoffMs, bears, withFailure } from "../../runtime/core/supervisor.ts";
import { ThreadSupervisor, THREAD_STRATEGY } from "../../runtime/core/thread-supervisor.ts";
import { letterOf, mood, startWorker } from "../support/breakable-worker.ts";
import type { ActorKit } from "../support/testkit.ts";

const eventsOf = (actor: ActorKit): string[] => actor.events.map(({ event }) => event);
const eager = { backoffMs: { min: 100, max: 100 } };

test("a budget bears so many failures within its window, and forgets the older ones", () => {
  const budget = { maxRestarts: 2, withinMs: 1_000 };
  const two = withFailure(withFailure([], 0, budget), 900, budget);
  expect(bears(two, budget)).toBe(true);
  expect(bears(withFailure(two, 950, budget), budget)).toBe(false);
  expect(bears(withFailure(two, 1_001, budget), budget)).toBe(true);
});

test("backoff doubles from its least to its most, between half and all of the bound", () => {
  const bound = { min: 100, max: 1_000 };
  expect([1, 2, 3, 4, 5, 60].map((attempts) => backoffMs(bound, attempts, 0))).toEqual([50, 100, 200, 400, 500, 500]);
  expect(backoffMs(bound, 2, 0.999)).toBe(200);
});

test("a thread is replaced within its budget, later each time; then the node has to end", () => {
  const thread = new ThreadSupervisor(1);
  const delays = Array.from({ length: THREAD_STRATEGY.maxRestarts }, (_, death) => thread.died(death));
  expect(delays.every((ms) => ms !== null && ms >= 10 && ms <= 2_000)).toBe(true);
  expect(thread.died(20)).toBeNull();
  expect(thread.died(120_000)).not.toBeNull();
  const others = [1, 2, 3, 4]
    .map((number) => new ThreadSupervisor(number))
    .map((other) => [other.died(0), other.died(1)]);
  expect(new Set(others.map((pair) => pair.join())).size).toBeGreaterThan(2);
});

test("an actor that escalates is stopped, because a keyed actor escalates no further", () => {
  const actor = startWorker(escalate());
  actor.tell("Fail", {});
  expect(actor.events[0]).toMatchObject({
    kind: "worker",
    event: "stopped",
    details: { key: "a", escalated: true, why: "strategy" },
  });
  expect(() => actor.ask("Total", {})).toThrow(expect.objectContaining({ code: "ACTOR_STOPPED" }));
});

test("one more failure than the budget bears stops the actor, and says that it escalated", () => {
  const actor = startWorker(restart({ ...eager, maxRestarts: 2, attemptsMax: 10, then: "escalate" }));
  actor.tell("Fail", {});
  actor.advance(1_000);
  expect(eventsOf(actor)).toEqual(["failed", "failed", "stopped", "dead-letter"]);
  expect(actor.events.find(({ event }) => event === "stopped")?.details).toMatchObject({
    why: "budget",
    escalated: true,
  });
  expect(actor.core.supervision.kinds.get("worker")).toEqual({ failures: 3, restarts: 2, stops: 1 });
});

test("restart drops what was read also when an earlier envelope of the group changed it, and loses none of that", () => {
  const actor = startWorker(restart(eager));
  const activation = actor.core.activate("worker", "a");
  actor.core.ask({ kind: "worker", key: "a", type: "Add", payload: { by: 3 } });
  const value = activation.read("");
  actor.core.ask({ kind: "worker", key: "a", type: "Fail", payload: {} });
  expect(activation.read("")).toBe(value);
  actor.core.close(0);
  expect(activation.read("")).toEqual({ total: 3 });
  expect(activation.read("")).not.toBe(value);
});

test("one-for-one restarts the actor that failed; all-for-one every resident of its kind", () => {
  for (const [siblings, restarts] of [
    ["one-for-one", 0],
    ["all-for-one", 1],
  ] as const) {
    const actor = startWorker(restart({ ...eager, siblings }));
    actor.tell("Add", { by: 1 }, { key: "b" });
    const sibling = actor.core.activate("worker", "b");
    const before = sibling.read("");
    actor.tell("Fail", {});
    expect(sibling.restarts).toBe(restarts);
    expect(sibling.read("") === before).toBe(siblings === "one-for-one");
    expect(actor.core.activate("worker", "a").restarts).toBe(1);
  }
});

test("all-for-one shares the budget: when it is spent the kind stops in its partition, also after a crash, until restarted", () => {
  const actor = startWorker(restart({ ...eager, siblings: "all-for-one", maxRestarts: 1, attemptsMax: 1 }));
  actor.tell("Add", { by: 5 }, { key: "c" });
  actor.tell("Fail", {}, { key: "a" });
  actor.tell("Fail", {}, { key: "b" });
  expect(eventsOf(actor)).toContain("kind-stopped");
  actor.crashAndRecover();
  expect(() => actor.ask("Total", {}, { key: "c" })).toThrow(expect.objectContaining({ code: "ACTOR_STOPPED" }));
  const { deadLetters } = actor.counters;
  actor.tell("Add", { by: 1 }, { key: "c" });
  expect(actor.counters.deadLetters).toBe(deadLetters + 1);

  expect(actor.act({ act: "resume", kind: "worker", key: null })).toMatchObject({ done: false, status: 409 });
  expect(actor.act({ act: "restart", kind: "worker", key: null })).toEqual({ done: true });
  expect(actor.ask("Total", {}, { key: "c" })).toBe(5);
  actor.tell("Fail", {}, { key: "a" });
  expect(actor.ask("Total", {}, { key: "c" })).toBe(5);
});

const suspect = (given: Partial<Suspect>): Suspect => ({
  partition: 3,
  of: "mail",
  sequence: 0,
  index: 0,
  kind: "",
  key: "",
  name: "",
  deaths: 3,
  cause: "hang",
  ...given,
});

test("mail in which threads died is a dead letter with the cause, unrun, and what comes after it is applied", () => {
  const actor = startWorker(resume());
  mood.broken = false;
  actor.tell("Add", { by: 1 });
  actor.crashAndRecover([suspect({ sequence: 0, cause: "oom" })]);
  actor.tell("Fail", {});
  actor.tell("Add", { by: 5 });
  expect(actor.state).toEqual({ total: 6 });
  expect(actor.letter(letterOf(actor))).toMatchObject({
    type: "Fail",
    code: "HANDLER_OUT_OF_MEMORY",
    reason: expect.stringMatching(/^oom: /),
    attempts: 3,
  });
});

test("a timer in which threads died is cancelled and becomes a dead letter, which sets it again when retried", () => {
  const actor = startWorker(resume());
  mood.broken = false;
  actor.tell("Wake", { inMs: 500 });
  actor.crashAndRecover([
    suspect({ of: "timer", kind: "worker", key: "a", name: "alarm", sequence: 500, cause: "crash" }),
  ]);
  actor.advance(10_000);
  expect(actor.state).toEqual({ total: 0 });
  expect(actor.timers).toEqual({});
  const id = letterOf(actor);
  expect(actor.letter(id)).toMatchObject({ type: "timer:alarm", code: "HANDLER_CRASHED" });
  expect(actor.act({ act: "retry", id })).toEqual({ done: true, became: "applied" });
  actor.advance(10);
  expect(actor.state).toEqual({ total: 1_000 });
});

test("of a stash only the envelope in which threads died is given up", () => {
  const actor = startWorker(resume({ ...eager, attemptsMax: 10 }));
  actor.tell("Fail", {});
  actor.tell("Add", { by: 7 });
  actor.tell("Fail", {});
  const dueMs = actor.timers["$retry"] ?? 0;
  mood.broken = false;
  const deadly = { of: "timer", kind: "worker", key: "a", name: "$retry", sequence: dueMs, index: 2 } as const;
  actor.crashAndRecover([suspect(deadly)]);
  actor.advance(10_000);
  expect(actor.state).toEqual({ total: 107 });
  expect(actor.core.letters.size).toBe(1);
});

test("an actor in whose asks threads died is stopped when its partition opens, until an operator restarts it", () => {
  const actor = startWorker(resume());
  actor.tell("Add", { by: 3 });
  actor.crashAndRecover([suspect({ of: "ask", kind: "worker", key: "a", name: "Total" })]);
  expect(() => actor.ask("Total", {})).toThrow(/hang: /);
  expect(actor.ask("Total", {}, { key: "b" })).toBe(0);
  expect(actor.act({ act: "restart", kind: "worker", key: "a" })).toEqual({ done: true });
  expect(actor.ask("Total", {})).toBe(3);
});
