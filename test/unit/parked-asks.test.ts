import { beforeEach, describe, expect, test } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import type { TransientRequest } from "../../runtime/actor/transient.ts";
import { CircuitBreaker, type CircuitView } from "../../runtime/core/circuit.ts";
import { ParkedAsks, queueFull } from "../../runtime/core/parked-asks.ts";
import type { Ask, TransientOutcome } from "../../runtime/core/shard-messages.ts";
import { SnapshotTable } from "../../runtime/core/snapshot-table.ts";
import { KitClock } from "../support/testkit.ts";

const TIMEOUT_MS = 20;
/** What an ask keeps for itself after the last answer, and how long an answer that is late is still taken note of. */
const AFTERWARDS_MS = 10;
const OVERDUE_MS = 1_000;

const agentOf = (role: string): AnyAgent => ({
  role,
  variant: "mine",
  version: "1",
  purpose: "scoring",
  answer: () => "said",
  whenFailing: () => "default",
  outside: { timeoutMs: TIMEOUT_MS, encoding: "json" },
});
const one = agentOf("one");
const other = agentOf("other");

const askOf = (id: number, key = "a", partition = 3, deadlineMs = 1_000_000): Ask => ({
  route: 0,
  id,
  partition: asPartition(partition),
  kind: "listener",
  key,
  type: "Decide",
  payload: null,
  deadlineMs,
});

const questionOf = (bytes = 10): TransientRequest => ({
  subject: "chorus.agent.one.mine",
  bytes: new Uint8Array(bytes),
  contentType: "application/json",
  timeoutMs: TIMEOUT_MS,
  read: (answer) => {
    if (answer.length === 0) throw new Error("answer: is empty");
    return { answer: answer[0], version: null };
  },
});

const answered = (value: number): TransientOutcome => ({
  type: "answered",
  bytes: Uint8Array.of(value),
  contentType: null,
});
const garbage: TransientOutcome = { type: "answered", bytes: new Uint8Array(0), contentType: null };

let clock: KitClock;
let circuits: CircuitBreaker;
let parked: ParkedAsks;

function begin(outsideRequestsMax = 100, outsideBytesMax = 10_000): void {
  clock = new KitClock(0);
  circuits = new CircuitBreaker(clock, new SnapshotTable());
  parked = new ParkedAsks(clock, circuits, { outsideRequestsMax, outsideBytesMax });
}
beforeEach(() => begin());

const ask = (agent: AnyAgent, bytes?: number) => ({ agent, request: questionOf(bytes) });
const sent = (): number[] =>
  parked.takeActions().map((action) => {
    if (action.type !== "request") throw new Error(action.type);
    return action.request;
  });
const circuitOf = (agent: AnyAgent): CircuitView | undefined => circuits.view().find(({ role }) => role === agent.role);
const outcomes = (): string[] | undefined =>
  parked.next()?.heard.map(({ agent, outcome }) => `${agent.role} ${outcome}`);

/** Parks an ask with one question and returns the question's number. */
function park(id: number, key: string, partition = 3, agent = one): number {
  expect(parked.park(askOf(id, key, partition), [ask(agent)])).toBeNull();
  const [request = 0] = sent();
  return request;
}

describe("W1: an ask goes on exactly once", () => {
  test("when the last of its questions is answered, in whatever order", () => {
    expect(parked.park(askOf(1), [ask(one), ask(other)])).toBeNull();
    const [first = 0, second = 0] = sent();
    clock.advance(3);
    parked.settled(second, answered(2));
    expect(parked.next()).toBeUndefined();
    clock.advance(4);
    parked.settled(first, answered(1));
    expect(parked.next()).toMatchObject({
      ask: { id: 1 },
      heard: [
        { agent: other, outcome: "answered", hearing: { answer: 2 }, micros: 3_000 },
        { agent: one, outcome: "answered", hearing: { answer: 1 }, micros: 7_000 },
      ],
    });
    parked.settled(first, answered(1));
    parked.settled(second, answered(2));
    parked.release();
    expect(parked.next()).toBeUndefined();
    expect(parked.figures).toEqual({ waiting: 0, requests: 0, requestBytes: 0, refused: 0 });
  });

  test("at the deadline of the last question, with what was heard by then; what comes later is ignored and counted", () => {
    parked.park(askOf(1), [ask(one), ask(other)]);
    const [first = 0, second = 0] = sent();
    parked.settled(first, answered(1));
    expect(parked.wakeAtMs()).toBe(TIMEOUT_MS);
    clock.advance(TIMEOUT_MS - 1);
    parked.expire();
    expect(parked.next()).toBeUndefined();
    clock.advance(1);
    parked.expire();
    expect(outcomes()).toEqual(["one answered", "other late"]);
    expect(parked.release()).toEqual([]);
    parked.settled(second, answered(9));
    expect(parked.next()).toBeUndefined();
    expect(circuitOf(other)).toMatchObject({ answered: 0, late: 1, ignored: 1, lastError: "no answer within 20 ms" });
    parked.settled(second, answered(9)); // twice: it is not known any more
    expect(circuitOf(other)?.ignored).toBe(1);
  });

  test("with an answer that came before its ask was put on, although its time was up", () => {
    const request = park(1, "a");
    clock.advance(TIMEOUT_MS + 5);
    parked.settled(request, answered(1));
    parked.expire();
    expect(outcomes()).toEqual(["one answered"]);
  });

  test("when nobody is there, when the agent says that it failed, and when its answer cannot be read: failed, and why", () => {
    for (const outcome of [{ type: "failed", reason: "nobody listens" } as const, garbage]) {
      const request = park(1, "a");
      parked.settled(request, outcome);
      expect(outcomes()).toEqual(["one failed"]);
      parked.release();
    }
    expect(circuitOf(one)).toMatchObject({ failed: 2, lastError: "answer: is empty" });
  });

  test("at once where no question can leave", () => {
    expect(parked.park(askOf(1), [{ agent: one, request: null }])).toMatchObject([{ outcome: "open" }]);
    const soon = askOf(1, "a", 3, AFTERWARDS_MS);
    expect(parked.park(soon, [ask(one)])).toMatchObject([{ outcome: "late", micros: 0 }]);
    expect(circuitOf(one)).toMatchObject({ late: 0, failed: 0, passedOver: 1 });
    expect(sent()).toEqual([]);
    expect(parked.next()).toBeUndefined();
  });

  test("early enough to be answered in time: the ask's own deadline comes first", () => {
    expect(parked.park(askOf(1, "a", 3, AFTERWARDS_MS + 5), [ask(one)])).toBeNull();
    expect(parked.wakeAtMs()).toBe(5);
    clock.advance(5);
    parked.expire();
    expect(outcomes()).toEqual(["one late"]);
  });

  test("or is dropped with its partition, with those behind it; answers that still come belong to nobody", () => {
    const mine = park(1, "a", 3);
    const theirs = park(2, "b", 4);
    parked.queue(askOf(3, "a", 3));
    const done = park(4, "c", 3);
    parked.settled(done, answered(1));
    expect(parked.drop(asPartition(3)).map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(parked.next()).toBeUndefined();
    parked.settled(mine, answered(1));
    clock.advance(TIMEOUT_MS);
    parked.expire();
    expect(parked.next()?.ask.id).toBe(2);
    parked.settled(theirs, answered(1));
    expect(circuitOf(one)).toMatchObject({ answered: 1, late: 1, ignored: 1 });
  });
});

describe("W2: everything is bounded", () => {
  test("four asks wait behind one of their actor; the fifth is refused, others proceed", () => {
    const request = park(1, "a");
    for (const id of [2, 3, 4, 5]) expect(parked.queue(askOf(id, "a"))).toBe(true);
    expect(parked.queue(askOf(6, "a"))).toBe(false);
    expect(queueFull(askOf(6, "a"))).toMatchObject({ code: "OVERLOADED" });
    expect(parked.queue(askOf(7, "b"))).toBeNull();
    expect(parked.queue(askOf(8, "a", 4))).toBeNull(); // another partition's actor of that name
    expect(parked.figures).toMatchObject({ waiting: 1, refused: 1 });
    parked.settled(request, answered(1));
    expect(parked.queue(askOf(9, "a"))).toBe(false); // until its second turn has run
    expect(parked.release().map(({ id }) => id)).toEqual([2, 3, 4, 5]);
    expect(parked.queue(askOf(9, "a"))).toBeNull();
  });

  test("questions: above the bound a decision goes on without them, and the agent is not blamed", () => {
    begin(2);
    park(1, "a");
    park(2, "b");
    expect(parked.park(askOf(3, "c"), [ask(one)])).toMatchObject([{ outcome: "failed", micros: 0 }]);
    expect(circuitOf(one)).toMatchObject({ failed: 0, passedOver: 1, state: "closed" });
  });

  test("bytes, likewise; an answer makes room", () => {
    begin(100, 25);
    const request = park(1, "a");
    park(2, "b");
    expect(parked.figures).toMatchObject({ requests: 2, requestBytes: 20 });
    expect(parked.park(askOf(3, "c"), [ask(one)])).not.toBeNull();
    parked.settled(request, answered(1));
    expect(parked.park(askOf(4, "d"), [ask(one)])).toBeNull();
  });

  test("a question that is never answered is forgotten a second after its time", () => {
    park(1, "a");
    clock.advance(TIMEOUT_MS);
    parked.expire();
    expect(parked.figures.requests).toBe(1);
    expect(parked.wakeAtMs()).toBe(TIMEOUT_MS + OVERDUE_MS);
    clock.advance(OVERDUE_MS);
    parked.expire();
    expect(parked.figures).toMatchObject({ requests: 0, requestBytes: 0 });
    expect(parked.wakeAtMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("C2: the circuit of an agent outside", () => {
  function failTimes(times: number): void {
    for (let time = 0; time < times; time++) {
      parked.settled(park(100 + time, `f${time}`), garbage);
      parked.release();
    }
  }

  test("opens after five failures in a row, late ones too, and then one ask at a time tries it, after a backoff that doubles", () => {
    failTimes(4);
    expect(circuits.admits(one)).toBe(true);
    park(1, "a");
    clock.advance(TIMEOUT_MS);
    parked.expire();
    expect(circuits.admits(one)).toBe(false);
    expect(circuitOf(one)).toMatchObject({ state: "open", failed: 4, late: 1 });
    for (const backoffMs of [1_000, 2_000, 4_000]) {
      clock.advance(backoffMs - 1);
      expect(circuits.admits(one)).toBe(false);
      clock.advance(1);
      expect(circuits.admits(one)).toBe(true);
      const trial = park(2, `trial${backoffMs}`);
      expect(circuits.admits(one)).toBe(false);
      parked.settled(trial, garbage);
      expect(circuits.admits(one)).toBe(false);
    }
  });

  test("looking whether it may be asked uses up no trial, nor does a question that there is no room for", () => {
    begin(1);
    failTimes(5);
    clock.advance(1_000);
    expect([circuits.admits(one), circuits.admits(one)]).toEqual([true, true]);
    park(1, "a", 3, other);
    expect(parked.park(askOf(2, "b"), [ask(one)])).not.toBeNull();
    expect(circuits.admits(one)).toBe(true);
  });

  test("closes with the first answer", () => {
    failTimes(5);
    clock.advance(1_000);
    parked.settled(park(1, "a"), answered(1));
    expect(circuitOf(one)).toMatchObject({ state: "closed", answered: 1 });
    failTimes(4);
    expect(circuits.admits(one)).toBe(true);
  });

  test("is tried anew when the ask that tried it was dropped", () => {
    failTimes(5);
    clock.advance(1_000);
    park(1, "a");
    parked.drop(asPartition(3));
    expect(circuits.admits(one)).toBe(false);
    clock.advance(2_000);
    expect(circuits.admits(one)).toBe(true);
  });

  test("counts many that were under way together as one reason to open", () => {
    for (let id = 0; id < 20; id++) park(id, `k${id}`);
    clock.advance(TIMEOUT_MS);
    parked.expire();
    expect(circuitOf(one)).toMatchObject({ late: 20, state: "open" });
    clock.advance(1_000);
    expect(circuits.admits(one)).toBe(true);
  });

  test("keeps of an error what fits a line", () => {
    const request = park(1, "a");
    parked.settled(request, { type: "failed", reason: "x".repeat(100_000) });
    expect(circuitOf(one)?.lastError?.length).toBe(300);
  });
});
