import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { actorRegistry, defineActor, definePartsActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import type { PartTable } from "../../runtime/actor/state.ts";
import { restart, stop } from "../../runtime/actor/supervision.ts";
import { advisedActor } from "./advised.ts";

/*
 * Actors whose states are their own history, so that a checker sees every loss, repetition and reordering. A sender numbers what it
 * tells each receiver: 1, 2, 3, …
 */

const Numbered = { from: z.string(), number: z.int() };
const Ops = z.array(z.string());
const Sent = z.record(z.string(), z.int());

/** Where what was told is written down; passes some of it on. */
const tally = protocol("tally", {
  Count: tell({ ...Numbered, route: z.array(z.string()) }),
  Read: ask({ from: z.string() }, z.object({ numbers: z.array(z.int()) })),
});

/** Throws now and then, for some messages always. */
const flaky = protocol("flaky", { Poke: tell({ ...Numbered, poison: z.boolean() }) });

const counter = protocol("counter", {
  Add: ask({ op: z.string(), to: z.array(z.string()), copies: z.int() }, z.object({ ops: Ops })),
  Poke: ask({ op: z.string(), to: z.string(), poison: z.boolean() }, z.object({ ops: Ops })),
  Read: ask({}, z.object({ ops: Ops })),
});

const alarm = protocol("alarm", {
  Arm: ask({ op: z.string(), delayMs: z.int(), to: z.string() }, z.object({ armed: z.boolean() })),
});

const herald = protocol("herald", { Announce: ask({ op: z.string() }, z.object({ version: z.int() })) });

/** What a gateway sends by the bus when the owner does not answer: no sequence, so each stored message counts once. */
const beacon = protocol("beacon", { Event: tell({ op: z.string() }) });

const session = protocol("session", {
  Begin: ask({ op: z.string() }, z.object({ ops: Ops })),
  End: ask({}, z.object({ ops: Ops })),
});

/** Stops at its first failure. */
const guard = protocol("guard", {
  Arm: ask({ delayMs: z.int() }, z.object({ rang: z.int() })),
  Break: ask({}, z.object({})),
});

interface CounterState {
  readonly ops: readonly string[];
  readonly sent: Readonly<Record<string, number>>;
}

function next(sent: Readonly<Record<string, number>>, to: string): { number: number; sent: Record<string, number> } {
  const number = (sent[to] ?? 0) + 1;
  return { number, sent: { ...sent, [to]: number } };
}

const counterActor = defineActor(counter, {
  state: {
    version: 1,
    schema: z.strictObject({ ops: Ops, sent: Sent }),
    initial: (): CounterState => ({ ops: [], sent: {} }),
  },
  passivateAfterMs: 30,
  handlers: {
    Add(state, { op, to, copies }, fx) {
      let { sent } = state;
      for (let copy = 0; copy < copies; copy++) {
        for (const key of to) {
          const step = next(sent, `tally/${key}`);
          sent = step.sent;
          fx.tell(ref(tally, key), "Count", { from: fx.key, number: step.number, route: to });
        }
      }
      const ops = [...state.ops, op];
      fx.record({ op, id: fx.decisionId() });
      fx.reply({ ops });
      return { ops, sent };
    },
    Poke(state, { op, to, poison }, fx) {
      const { number, sent } = next(state.sent, `flaky/${to}`);
      fx.tell(ref(flaky, to), "Poke", { from: fx.key, number, poison });
      const ops = [...state.ops, op];
      fx.reply({ ops });
      return { ops, sent };
    },
    Read(state, _question, fx) {
      fx.reply({ ops: [...state.ops] });
      return state;
    },
  },
});

export type TallyParts = Record<`from-${string}`, readonly number[]> & Record<`sent-${string}`, number>;

const tallyActor = definePartsActor(tally, {
  parts: {
    part: (name: string) => ({ version: 1, schema: name.startsWith("sent-") ? z.int() : z.array(z.int()) }) as never,
  },
  passivateAfterMs: 10,
  handlers: {
    Count(state: PartTable<TallyParts>, { from, number, route }, fx) {
      const counted = state.with(`from-${from}`, [...(state.get(`from-${from}`) ?? []), number]);
      const [, ...rest] = route;
      const [to] = rest;
      if (to === undefined || number % 4 !== 0) return counted;
      const sent = (state.get(`sent-${to}`) ?? 0) + 1;
      fx.tell(ref(tally, to), "Count", { from: fx.key, number: sent, route: rest });
      return counted.with(`sent-${to}`, sent);
    },
    Read(state: PartTable<TallyParts>, { from }, fx) {
      fx.reply({ numbers: [...(state.get(`from-${from}`) ?? [])] });
      return state;
    },
  },
});

export interface FlakyState {
  readonly done: readonly { readonly from: string; readonly number: number }[];
}

const flakyActor = defineActor(flaky, {
  state: {
    version: 1,
    schema: z.strictObject({ done: z.array(z.strictObject(Numbered)) }),
    initial: (): FlakyState => ({ done: [] }),
  },
  supervision: restart({ maxRestarts: 1_000_000, attemptsMax: 3, backoffMs: { min: 10, max: 40 } }),
  handlers: {
    Poke(state, { from, number, poison }, fx) {
      fx.record({ from, number });
      if (poison || fx.random() < 0.4) throw new Error("a bad day");
      return { done: [...state.done, { from, number }] };
    },
  },
});

export interface AlarmState {
  readonly pending: { readonly op: string; readonly to: string; readonly dueMs: number } | null;
  readonly fired: readonly string[];
  readonly sent: Readonly<Record<string, number>>;
}

const alarmActor = defineActor(alarm, {
  state: {
    version: 1,
    schema: z.strictObject({
      pending: z.strictObject({ op: z.string(), to: z.string(), dueMs: z.int() }).nullable(),
      fired: Ops,
      sent: Sent,
    }),
    initial: (): AlarmState => ({ pending: null, fired: [], sent: {} }),
  },
  handlers: {
    Arm(state, { op, delayMs, to }, fx) {
      const dueMs = fx.nowMs + delayMs;
      fx.reply({ armed: state.pending === null });
      fx.setTimer("ring", dueMs);
      return { ...state, pending: state.pending === null ? { op, to, dueMs } : { ...state.pending, dueMs } };
    },
  },
  timers: {
    ring(state: AlarmState, fx) {
      if (state.pending === null) return { ...state, fired: [...state.fired, "rang with nothing pending"] };
      const { op, to, dueMs } = state.pending;
      if (fx.nowMs < dueMs) return { ...state, fired: [...state.fired, "rang early"] };
      const { number, sent } = next(state.sent, `tally/${to}`);
      fx.tell(ref(tally, to), "Count", { from: fx.key, number, route: [to] });
      return { pending: null, fired: [...state.fired, op], sent };
    },
  },
});

const heraldActor = defineActor(herald, {
  state: { version: 1, schema: z.strictObject({ ops: Ops }), initial: () => ({ ops: [] as string[] }) },
  handlers: {
    Announce(state, { op }, fx) {
      const ops = [...state.ops, op];
      fx.publish(`news-${fx.key}`, ops.length, { ops });
      fx.reply({ version: ops.length });
      return { ops };
    },
  },
});

const beaconActor = defineActor(beacon, {
  state: { version: 1, schema: z.strictObject({ ops: Ops }), initial: () => ({ ops: [] as string[] }) },
  handlers: { Event: (state, { op }) => ({ ops: [...state.ops, op] }) },
});

const sessionActor = defineActor(session, {
  opens: ["Begin"],
  state: { version: 1, schema: z.strictObject({ ops: Ops }), initial: () => ({ ops: [] as string[] }) },
  handlers: {
    Begin(state, { op }, fx) {
      const ops = [...state.ops, op];
      fx.setTimer("idle", fx.nowMs + 400);
      fx.reply({ ops });
      return { ops };
    },
    End(state, _message, fx) {
      fx.reply({ ops: state.ops });
      fx.forget();
      return state;
    },
  },
  timers: {
    idle(state: { ops: string[] }, fx) {
      fx.forget();
      return state;
    },
  },
});

const guardActor = defineActor(guard, {
  supervision: stop(),
  state: { version: 1, schema: z.strictObject({ rang: z.int() }), initial: () => ({ rang: 0 }) },
  handlers: {
    Arm(state, { delayMs }, fx) {
      fx.setTimer("ring", fx.nowMs + delayMs);
      fx.reply(state);
      return { ...state };
    },
    Break() {
      throw new Error("broken");
    },
  },
  timers: { ring: (state: { rang: number }) => ({ rang: state.rang + 1 }) },
});

export const workloadRegistry = actorRegistry([
  counterActor,
  tallyActor,
  flakyActor,
  alarmActor,
  heraldActor,
  beaconActor,
  sessionActor,
  guardActor,
  advisedActor,
]);

/** One thing a client does. */
export interface Operation {
  readonly op: string;
  readonly by: "ask" | "ingress";
  readonly kind: string;
  readonly key: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Not asked again when it was not run. */
  readonly once?: boolean;
}

const TALLIES = 5;

/** A client's whole programme, drawn from `random`. */
export function programme(count: number, random: () => number): Operation[] {
  const pick = (bound: number): number => Math.floor(random() * bound);
  const tallyKey = (): string => `t${pick(TALLIES)}`;
  const operations: Operation[] = [];
  for (let index = 0; index < count; index++) {
    const op = `op${index}`;
    const draw = random();
    const of = (kind: string, key: string, type: string, payload: object, by: Operation["by"] = "ask"): void =>
      void operations.push({ op, by, kind, key, type, payload: payload as Operation["payload"] });
    if (draw < 0.42) {
      const copies = random() < 0.1 ? 45 : 1 + pick(3);
      const to = [...new Set([tallyKey(), tallyKey()])];
      of("counter", `c${pick(4)}`, "Add", { op, to, copies });
    } else if (draw < 0.54) of("counter", `c${pick(4)}`, "Poke", { op, to: `f${pick(2)}`, poison: random() < 0.1 });
    else if (draw < 0.64) of("counter", `c${pick(4)}`, "Read", {});
    else if (draw < 0.7) of("tally", tallyKey(), "Read", { from: `c${pick(4)}` });
    else if (draw < 0.8)
      of("alarm", `a${pick(3)}`, "Arm", { op, delayMs: pick(random() < 0.2 ? 16_000 : 300), to: tallyKey() });
    else if (draw < 0.86) of("herald", `h${pick(2)}`, "Announce", { op });
    else if (draw < 0.94) {
      const copies = random() < 0.3 ? 70 : 1 + pick(3);
      of("beacon", `b${pick(2)}`, "Event", { op, copies }, "ingress");
    } else if (draw < 0.97) of("session", `s${pick(2)}`, random() < 0.6 ? "Begin" : "End", { op });
    else {
      // Several at once, so that they wait behind one another.
      const key = `v${pick(3)}`;
      const burst = Array.from({ length: 1 + pick(6) }, (_, at) => `${op}.${at}`);
      for (const one of burst)
        operations.push({ op: one, by: "ask", kind: "advised", key, type: "Advise", payload: { op: one } });
    }
  }
  return operations;
}
