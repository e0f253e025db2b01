import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import type { TransientRequest } from "../../runtime/actor/transient.ts";
import { activate } from "../support/testkit.ts";

const agent: AnyAgent = {
  role: "advice",
  variant: "mine",
  version: "1",
  purpose: "scoring",
  answer: () => null,
  whenFailing: () => null,
  outside: { timeoutMs: 20, encoding: "json" },
};
const question: TransientRequest = {
  subject: "chorus.agent.advice.mine",
  bytes: new TextEncoder().encode('{"role":"advice"}'),
  contentType: "application/json",
  timeoutMs: 20,
  read: () => ({ answer: "said", version: null }),
};

const clerk = protocol("clerk", {
  Sign: ask({ first: z.string() }, z.object({ signed: z.int() })),
  Note: tell({}),
});

type Fx = AskEffects<{ signed: number }>;
/** What a handler may be tempted to do before it has heard. */
const TEMPTATIONS: Readonly<Record<string, (fx: Fx) => void>> = {
  "sets a timer": (fx) => fx.setTimer("ring", fx.nowMs + 10),
  "writes a row": (fx) => fx.record({ row: 1 }),
  "publishes a topic": (fx) => fx.publish("news", 1, {}),
  "forgets itself": (fx) => fx.forget(),
  replies: (fx) => fx.reply({ signed: 0 }),
};

const clerkActor = defineActor(clerk, {
  state: { version: 1, schema: z.strictObject({ signed: z.int() }), initial: () => ({ signed: 0 }) },
  handlers: {
    Sign(state, { first }, fx) {
      const heard = fx.requestTransient([agent], () => (first === "asks nothing" ? null : question));
      if (heard === null) {
        TEMPTATIONS[first]?.(fx);
        return first === "changes its state" ? { signed: 100 } : state;
      }
      fx.reply({ signed: state.signed + 1 });
      return { signed: state.signed + 1 };
    },
    Note(state, _nothing, fx) {
      (fx as Fx).requestTransient([agent], () => question);
      return state;
    },
  },
});

describe("an ask of two turns", () => {
  test.each(["changes its state", ...Object.keys(TEMPTATIONS)])(
    "is refused when its first turn %s, and nothing of it is kept",
    (first) => {
      const kit = activate(clerkActor);
      expect(() => kit.begin("Sign", { first }).end()).toThrow(/changes something before agents outside answered/);
      expect(
        kit.records.flatMap(({ states, timers, decisions, topics }) => [states, timers, decisions, topics]),
      ).toEqual(kit.records.flatMap(() => [[], [], [], []]));
      expect(kit.part("")).toBeUndefined();
    },
  );

  test("runs its handler once more, on the state of that moment", () => {
    const kit = activate(clerkActor, { state: { signed: 4 } });
    const begun = kit.begin("Sign", { first: "waits" });
    expect(begun.questions).toHaveLength(1);
    begun.hear("advice", {});
    expect(begun.end()).toEqual({ signed: 5 });
    expect(kit.state).toEqual({ signed: 5 });
  });

  test("is one of one turn where there is nothing to ask", () => {
    const kit = activate(clerkActor);
    const begun = kit.begin("Sign", { first: "asks nothing" });
    expect(begun.questions).toEqual([]);
    expect(begun.end()).toEqual({ signed: 1 });
  });

  test("is for asks alone: a tell has nobody who waits", () => {
    const kit = activate(clerkActor);
    kit.tell("Note", {});
    expect(kit.counters.stashed).toBe(1);
  });
});
