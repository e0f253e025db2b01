import { expect, test } from "vitest";
import { escalate, restart, resume } from "../../runtime/actor/supervision.ts";
import { letterOf, mood, startWorker } from "../support/breakable-worker.ts";

test("a paused actor's mail and timers wait, its asks are refused, and nothing is lost or reordered by a crash", () => {
  const actor = startWorker(resume());
  mood.broken = false;
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
  const actor = startWorker(resume());
  mood.broken = false;
  actor.tell("Wake", { inMs: 100 });
  actor.act({ act: "pause", kind: "worker", key: null });
  actor.advance(1_000);
  expect(actor.state).toEqual({ total: 0 });
  actor.act({ act: "resume", kind: "worker", key: null });
  actor.core.fireTimers(10);
  expect(actor.core.activate("worker", "a").read("")).toEqual({ total: 1_000 });
});

test("mail of a partition waits while it is paused, also for its next owner; asks go on", () => {
  const actor = startWorker(resume());
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
  const actor = startWorker(resume());
  expect(actor.act({ act: "pause", kind: "gremlin", key: null })).toMatchObject({ done: false, status: 404 });
  for (let number = 0; number < 1_000; number++) actor.act({ act: "pause", kind: "worker", key: `k${number}` });
  expect(() => actor.act({ act: "pause", kind: "worker", key: "one-more" })).toThrow(
    expect.objectContaining({ code: "OVERLOADED" }),
  );
});

test("a dead letter that is retried runs as a new envelope, and is gone in the same record", () => {
  const actor = startWorker(restart({ attemptsMax: 1 }));
  actor.tell("Fail", {});
  const id = letterOf(actor);
  mood.broken = false;
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
  const actor = startWorker(restart({ attemptsMax: 1 }));
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
  const actor = startWorker(restart({ attemptsMax: 1 }));
  actor.tell("Fail", {});
  actor.tell("Fail", {});
  const [first = "", second = ""] = actor.core.letters.ids;
  mood.broken = false;
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
  const actor = startWorker(escalate());
  actor.tell("Fail", {});
  const id = letterOf(actor);
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: false, status: 409 });
  actor.act({ act: "restart", kind: "worker", key: "a" });
  mood.broken = false;
  expect(actor.act({ act: "retry", id })).toMatchObject({ done: true, became: "applied" });
  actor.tell("Dance", {});
  expect(actor.act({ act: "retry", id: letterOf(actor) })).toMatchObject({ done: false, status: 409 });
});
