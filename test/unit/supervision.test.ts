import { expect, test } from "vitest";
import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { escalate, restart, resume, type SupervisionStrategy } from "../../runtime/actor/supervision.ts";
import type { Suspect } from "../../runtime/core/attempt.ts";
import { ThreadSupervisor, THREAD_STRATEGY } from "../../runtime/core/thread-supervisor.ts";
import { backoffMs, bears, withFailure } from "../../runtime/core/supervisor.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const worker = protocol("worker", {
  Add: tell({ by: z.int() }),
  Fail: tell({}),
  Wake: tell({ inMs: z.int() }),
  Total: ask({}, z.int()),
});
const State = z.strictObject({ total: z.int() });

/** Whether `Fail` and the timer throw. */
let broken = true;

function workerOf(supervision: SupervisionStrategy) {
  return defineActor(worker, {
    state: { version: 1, schema: State, initial: () => ({ total: 0 }) },
    supervision,
    handlers: {
      Add: (state, { by }) => ({ total: state.total + by }),
      Fail(state, _message, fx) {
        fx.tell(ref(worker, "elsewhere-xyz"), "Add", { by: 1 });
        if (broken) throw new Error("as told");
        return { total: state.total + 100 };
      },
      Wake(state, { inMs }, fx) {
        fx.setTimer("alarm", fx.nowMs + inMs);
        return { ...state };
      },
      Total(state, _question, fx) {
        fx.reply(state.total);
        return state;
      },
    },
    timers: {
      alarm(state: { total: number }) {
        if (broken) throw new Error("alarm");
        return { total: state.total + 1_000 };
      },
    },
  });
}

function start(supervision: SupervisionStrategy): ActorKit {
  broken = true;
  return activate(workerOf(supervision), { key: "a", partition: 3 });
}

const eventsOf = (actor: ActorKit): string[] => actor.events.map(({ event }) => event);
const letterOf = (actor: ActorKit, index = 0): string => [...actor.core.letters.ids][index] ?? "none";
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
  const actor = start(escalate());
  actor.tell("Fail", {});
  expect(actor.events[0]).toMatchObject({
    kind: "worker",
    event: "stopped",
    details: { key: "a", escalated: true, why: "strategy" },
  });
  expect(() => actor.ask("Total", {})).toThrow(expect.objectContaining({ code: "ACTOR_STOPPED" }));
});

test("one more failure than the budget bears stops the actor, and says that it escalated", () => {
  const actor = start(restart({ ...eager, maxRestarts: 2, attemptsMax: 10, then: "escalate" }));
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
  const actor = start(restart(eager));
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
    const actor = start(restart({ ...eager, siblings }));
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
  const actor = start(restart({ ...eager, siblings: "all-for-one", maxRestarts: 1, attemptsMax: 1 }));
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

test("a paused actor's mail and timers wait, its asks are refused, and nothing is lost or reordered by a crash", () => {
  const actor = start(resume());
  broken = false;
  actor.tell("Wake", { inMs: 500 });
  expect(actor.act({ act: "pause", kind: "worker", key: "a" })).toEqual({ done: true });
  expect(actor.act({ act: "pause", kind: "worker", key: "a" })).toMatchObject({ done: false, status: 409 });
  actor.tell("Add", { by: 1 });
  actor.tell("Fail", {});
  expect(() => actor.ask("Total", {})).toThrow(expect.objectContaining({ code: "ACTOR_PAUSED" }));
  expect(actor.ask("Total", {}, { key: "b" })).toBe(0);
  actor.advance(5_000);
  expect(actor.state).toBeDefined();
  actor.crashAndRecover();
  actor.advance(60_000);
  expect(actor.core.activate("worker", "a").header.stash).toHaveLength(2);

  expect(actor.act({ act: "resume", kind: "worker", key: "a" })).toEqual({ done: true });
  actor.advance(60_000);
  expect(actor.state).toEqual({ total: 1_101 });
  expect(actor.counters.deadLetters).toBe(0);
  expect(actor.timers).toEqual({});
});

test("a kind that is paused and resumed at once fires the timers that came due meanwhile", () => {
  const actor = start(resume());
  broken = false;
  actor.tell("Wake", { inMs: 100 });
  actor.act({ act: "pause", kind: "worker", key: null });
  actor.advance(1_000);
  expect(actor.state).toEqual({ total: 0 });
  actor.act({ act: "resume", kind: "worker", key: null });
  actor.core.fireTimers(10);
  expect(actor.core.activate("worker", "a").read("")).toEqual({ total: 1_000 });
});

test("mail of a partition waits while it is paused, also for its next owner; asks go on", () => {
  const actor = start(resume());
  actor.act({ act: "pause", kind: null, key: null });
  actor.tell("Add", { by: 2 });
  expect(actor.core.intake.queue.length).toBe(1);
  expect(actor.ask("Total", {})).toBe(0);
  expect(actor.core.hasWork(actor.clock.nowMs())).toBe(true); // the first look for timers
  actor.core.fireTimers(10);
  expect(actor.core.hasWork(actor.clock.nowMs())).toBe(false);
  actor.act({ act: "resume", kind: null, key: null });
  actor.core.intake.apply(10);
  expect(actor.ask("Total", {})).toBe(2);
  actor.act({ act: "pause", kind: null, key: null });
  actor.crashAndRecover();
  expect(actor.core.intake.paused).toBe(true);
});

test("a pause of a kind that does not exist is refused, and a thousand and first one too", () => {
  const actor = start(resume());
  expect(actor.act({ act: "pause", kind: "gremlin", key: null })).toMatchObject({ done: false, status: 404 });
  for (let number = 0; number < 1_000; number++) actor.act({ act: "pause", kind: "worker", key: `k${number}` });
  expect(() => actor.act({ act: "pause", kind: "worker", key: "one-more" })).toThrow(
    expect.objectContaining({ code: "OVERLOADED" }),
  );
});

test("a dead letter that is retried runs as a new envelope, and is gone in the same record", () => {
  const actor = start(restart({ attemptsMax: 1 }));
  actor.tell("Fail", {});
  const id = letterOf(actor);
  broken = false;
  const before = actor.records.length;
  expect(actor.act({ act: "retry", id })).toEqual({ done: true, became: "applied" });
  expect(actor.records).toHaveLength(before + 1);
  expect(actor.records.at(-1)?.states.map(({ kind, bytes }) => [kind, bytes === null])).toEqual([
    ["$dead-letter", true],
    ["worker", false],
  ]);
  expect(actor.state).toEqual({ total: 100 });
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: false, status: 404 });
  actor.crashAndRecover();
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: false, status: 404 });
  expect(actor.state).toEqual({ total: 100 });
});

test("a retry that fails again becomes another dead letter, which names the first", () => {
  const actor = start(restart({ attemptsMax: 1 }));
  actor.tell("Fail", {});
  const id = letterOf(actor);
  expect(actor.act({ act: "retry", id })).toEqual({ done: true, became: "dead-letter" });
  const [next] = actor.core.letters.ids;
  expect(next).not.toBe(id);
  expect(actor.records.at(-1)?.deadLetters).toHaveLength(1);
  expect(actor.letter(next ?? "")).toMatchObject({
    retryOf: `3-${id}`,
    origin: `retry:3-${id}`,
    code: "HANDLER_FAILED",
  });
});

test("a letter is retried twice in one group once, and one that was dropped not at all", () => {
  const actor = start(restart({ attemptsMax: 1 }));
  actor.tell("Fail", {});
  actor.tell("Fail", {});
  const [first = "", second = ""] = actor.core.letters.ids;
  broken = false;
  const ask = (act: "retry" | "drop", id: string): unknown =>
    actor.core.ask({ kind: "$supervisor", key: "3", type: act, payload: { act, id } });
  expect(ask("retry", first)).toMatchObject({ answer: { done: true } });
  expect(ask("retry", first)).toMatchObject({ answer: { done: false, status: 404 } });
  expect(ask("drop", second)).toMatchObject({ answer: { done: true } });
  expect(ask("retry", second)).toMatchObject({ answer: { done: false, status: 404 } });
  actor.core.close(0);
  expect(actor.core.activate("worker", "a").read("")).toEqual({ total: 100 });
  expect(actor.core.letters.size).toBe(0);
});

test("a dead letter of an actor that is stopped, or of a message that nobody understands, is not run", () => {
  const actor = start(escalate());
  actor.tell("Fail", {});
  const id = letterOf(actor);
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: false, status: 409 });
  actor.act({ act: "restart", kind: "worker", key: "a" });
  broken = false;
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: true, became: "applied" });
  actor.tell("Dance", {});
  expect(actor.act({ act: "retry", id: letterOf(actor) })).toMatchObject({ done: false, status: 409 });
});

test("a thousand dead letters stay as rows; the oldest leaves for the next, and is counted", () => {
  const actor = start(restart({ attemptsMax: 1, maxRestarts: 10_000 }));
  actor.tell("Fail", {});
  const first = letterOf(actor);
  for (let letter = 0; letter < 1_001; letter++) actor.tell("Fail", {});
  expect([actor.core.letters.size, actor.core.letters.dropped]).toEqual([1_000, 2]);
  expect([...actor.core.letters.ids]).not.toContain(first);
  const ids = [...actor.core.letters.ids];
  actor.crashAndRecover();
  expect([...actor.core.letters.ids]).toEqual(ids);
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
  const actor = start(resume());
  broken = false;
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
  const actor = start(resume());
  broken = false;
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
  const actor = start(resume({ ...eager, attemptsMax: 10 }));
  actor.tell("Fail", {});
  actor.tell("Add", { by: 7 });
  actor.tell("Fail", {});
  const dueMs = actor.timers["$retry"] ?? 0;
  broken = false;
  const deadly = { of: "timer", kind: "worker", key: "a", name: "$retry", sequence: dueMs, index: 2 } as const;
  actor.crashAndRecover([suspect(deadly)]);
  actor.advance(10_000);
  expect(actor.state).toEqual({ total: 107 });
  expect(actor.core.letters.size).toBe(1);
});

test("an actor in whose asks threads died is stopped when its partition opens, until an operator restarts it", () => {
  const actor = start(resume());
  actor.tell("Add", { by: 3 });
  actor.crashAndRecover([suspect({ of: "ask", kind: "worker", key: "a", name: "Total" })]);
  expect(() => actor.ask("Total", {})).toThrow(/hang: /);
  expect(actor.ask("Total", {}, { key: "b" })).toBe(0);
  expect(actor.act({ act: "restart", kind: "worker", key: "a" })).toEqual({ done: true });
  expect(actor.ask("Total", {})).toBe(3);
});
