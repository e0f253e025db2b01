import { expect, test } from "vitest";
import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { defineCall } from "../../runtime/actor/call.ts";
import { defineActor, definePartsActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { upgradeState, type PartsState, type PartTable } from "../../runtime/actor/state.ts";
import { restart, resume, stop } from "../../runtime/actor/supervision.ts";
import { activate } from "../support/testkit.ts";

const counter = protocol("counter", {
  Add: tell({ by: z.int() }),
  Total: ask({}, z.int()),
  Fail: tell({ times: z.int() }),
});

const State = z.strictObject({ total: z.int(), failures: z.int() });
let failures = 0;
const counterActor = defineActor(counter, {
  state: { version: 1, schema: State, initial: () => ({ total: 0, failures: 0 }) },
  supervision: restart({ attemptsMax: 3, backoffMs: { min: 100, max: 1_000 }, maxRestarts: 20 }),
  handlers: {
    Add(state, { by }, fx) {
      fx.tell(ref(counter, "elsewhere"), "Add", { by });
      if (state.total + by >= 100) fx.setTimer("reset", fx.nowMs + 5_000);
      return { ...state, total: state.total + by };
    },
    Total(state, _question, fx) {
      fx.reply(state.total);
      return state;
    },
    Fail(state, { times }) {
      if (failures++ < times) throw new Error("as told");
      return { ...state, failures: state.failures + 1 };
    },
  },
  timers: { reset: (state) => ({ ...state, total: 0 }) },
});

test("state survives a crash through its record", () => {
  const actor = activate(counterActor, { key: "a" });
  actor.tell("Add", { by: 3 });
  actor.tell("Add", { by: 4 });
  actor.crashAndRecover();
  expect(actor.ask("Total", {})).toBe(7);
  expect(actor.sent("Add")).toHaveLength(2);
});

test("a throw discards the envelope's state and effects; it is tried again in order, then becomes a dead letter", () => {
  failures = 0;
  const actor = activate(counterActor, { key: "a" });
  actor.tell("Fail", { times: 10 });
  actor.tell("Add", { by: 1 });
  expect(actor.ask("Total", {})).toBe(0);
  actor.crashAndRecover();
  actor.advance(10_000);
  expect(actor.ask("Total", {})).toBe(1);
  expect(failures).toBe(3);
  expect(actor.records.flatMap((record) => record.deadLetters)).toHaveLength(1);
});

test("a failed envelope that succeeds on its second try is applied once, before what came after it", () => {
  failures = 0;
  const actor = activate(counterActor, { key: "a" });
  actor.tell("Fail", { times: 1 });
  actor.tell("Add", { by: 1 });
  actor.advance(10_000);
  expect(actor.state).toEqual({ total: 1, failures: 1 });
  expect(actor.timers).toEqual({});
});

test("a timer fires once at its time, also after a crash", () => {
  const actor = activate(counterActor, { key: "a" });
  actor.tell("Add", { by: 100 });
  actor.crashAndRecover();
  actor.advance(4_999);
  expect(actor.ask("Total", {})).toBe(100);
  actor.advance(1);
  expect(actor.ask("Total", {})).toBe(0);
  expect(actor.timers).toEqual({});
});

interface Purse {
  [account: `account/${string}`]: { left: number };
}
const purse = protocol("purse", { Fill: tell({ account: z.string(), by: z.int() }) });
const Account = z.strictObject({ left: z.int() });
const purseParts: PartsState<Purse> = { part: () => ({ version: 1, schema: Account }) };
const purseActor = definePartsActor(purse, {
  parts: purseParts,
  pinned: true,
  handlers: {
    Fill: (state: PartTable<Purse>, { account, by }) =>
      state.with(`account/${account}`, { left: (state.get(`account/${account}`)?.left ?? 0) + by }),
  },
});
const take = defineCall("purse", "take", (state: PartTable<Purse>, input: { account: string; by: number }) => {
  const left = state.get(`account/${input.account}`)?.left ?? 0;
  if (left < input.by) throw new Error("not enough");
  return { state: state.with(`account/${input.account}`, { left: left - input.by }), output: left - input.by };
});

test("only the parts that changed are written", () => {
  const actor = activate(purseActor, { key: "p", partition: 3 });
  actor.tell("Fill", { account: "x", by: 5 });
  actor.tell("Fill", { account: "y", by: 7 });
  expect(actor.records.map((record) => record.states.map((state) => state.part))).toEqual([
    ["account/x"],
    ["account/y"],
  ]);
  actor.crashAndRecover();
  expect(actor.partNames()).toEqual(["account/x", "account/y"]);
  expect(actor.part("account/y")).toEqual({ left: 7 });
});

test("a synchronous call changes the called actor in the caller's commit, and a throw undoes both", () => {
  const buyer = protocol("buyer", { Buy: ask({ by: z.int() }, z.int()) });
  const buyerActor = defineActor(buyer, {
    state: { version: 1, schema: z.strictObject({ bought: z.int() }), initial: () => ({ bought: 0 }) },
    pinned: true,
    handlers: {
      Buy(state, { by }, fx) {
        const left = fx.call({ key: "p" }, take, { account: "x", by });
        fx.reply(left);
        if (left === 1) throw new Error("after the call");
        return { bought: state.bought + by };
      },
    },
  });
  const actor = activate(buyerActor, { key: "b", partition: 3, others: [purseActor] });
  actor.tell("Fill", { account: "x", by: 10 }, { kind: "purse", key: "p" });
  expect(actor.ask("Buy", { by: 4 })).toBe(6);
  expect(() => actor.ask("Buy", { by: 5 })).toThrow("after the call");
  expect(() => actor.ask("Buy", { by: 7 })).toThrow("not enough");
  expect(actor.part("account/x", { kind: "purse", key: "p" })).toEqual({ left: 6 });
  expect(actor.state).toEqual({ bought: 4 });
  expect(actor.call(take, { account: "x", by: 1 }, "p")).toBe(5);
});

test("state of a later version than the code is refused instead of being guessed at", () => {
  expect(() => upgradeState(counterActor.state, 2, { total: 5 })).toThrow(
    expect.objectContaining({ code: "STATE_TOO_NEW" }),
  );
});

test("an upgrade chain brings old state to the present version", () => {
  const state = {
    ...counterActor.state,
    version: 3,
    upgrade: { 1: () => ({ total: 1 }), 2: (older: unknown) => ({ ...(older as object), failures: 0 }) },
  };
  expect(upgradeState(state, 1, 7)).toEqual({ total: 1, failures: 0 });
  expect(() => upgradeState({ ...state, upgrade: {} }, 1, 7)).toThrow(
    expect.objectContaining({ code: "STATE_CORRUPT" }),
  );
});

test("a tell sent as an ask is applied, and answered with null once it is durable", () => {
  const actor = activate(counterActor, { key: "a" });
  expect(actor.ask("Add", { by: 3 })).toBeNull();
  expect(actor.ask("Total", {})).toBe(3);
});

test("resume keeps the actor as it is, and tries the envelope again", () => {
  failures = 0;
  const actor = activate(defineActor(counter, { ...counterActor, supervision: resume({ attemptsMax: 3 }) }), {
    key: "a",
  });
  actor.tell("Fail", { times: 1 });
  actor.advance(10_000);
  expect(actor.state).toEqual({ total: 0, failures: 1 });
});

test("stop makes a dead letter of the failed envelope and of everything after it, and faults asks", () => {
  failures = 0;
  const actor = activate(defineActor(counter, { ...counterActor, supervision: stop() }), { key: "a" });
  actor.tell("Fail", { times: 1 });
  actor.tell("Add", { by: 1 });
  expect(actor.counters.deadLetters).toBe(2);
  expect(() => actor.ask("Total", {})).toThrow(expect.objectContaining({ code: "ACTOR_STOPPED" }));
  actor.crashAndRecover();
  expect(() => actor.ask("Total", {})).toThrow(expect.objectContaining({ code: "ACTOR_STOPPED" }));
});
