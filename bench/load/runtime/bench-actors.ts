import { z } from "zod";
import { ask, protocol, tell } from "../../../protocols/protocol.ts";
import { defineAgent } from "../../../runtime/actor/agent.ts";
import { type AnyActor, defineActor } from "../../../runtime/actor/define.ts";
import { ref } from "../../../runtime/actor/reference.ts";

/* The actors of W1 and W2 (facts/runtime.md) and of the timers: only the bench runs them. */

/** Events of a counter between two outputs. */
export const OUTPUT_EVERY = 64;
const LAST_KEPT = 8;
/** Actors that take the outputs, so many that each partition has some. */
export const TOTALS = 64;

const CounterState = z.strictObject({ count: z.int(), sum: z.int(), last: z.array(z.int()) });
export type CounterState = z.infer<typeof CounterState>;

const total = protocol("bench-total", {
  Emitted: tell({ count: z.int() }),
  Read: ask({}, z.int()),
});

const totalActor = defineActor(total, {
  state: { version: 1, schema: z.int(), initial: () => 0 },
  handlers: {
    Emitted: (emitted) => emitted + 1,
    Read(emitted, _question, fx) {
      fx.reply(emitted);
      return emitted;
    },
  },
});

/** Answers at once and says nothing new: what a consultation costs by itself. */
const echoAgent = defineAgent({
  role: "bench",
  variant: "default",
  version: "1",
  purpose: "scoring",
  answer: (request: number) => request + 1,
  whenFailing: () => 0,
});

const counter = protocol("bench-counter", {
  /** W1. `note` fills the event up to its 124 bytes. */
  Add: tell({ value: z.int(), atMs: z.int(), note: z.string() }),
  /** W2. */
  Bump: ask({ value: z.int() }, z.int()),
  /** Changes nothing, so that nothing is committed. */
  Peek: ask({}, z.int()),
  /** Consults a local agent so many times. */
  Consult: ask({ times: z.int() }, z.int()),
});

const counterActor = defineActor(counter, {
  state: { version: 1, schema: CounterState, initial: (): CounterState => ({ count: 0, sum: 0, last: [] }) },
  handlers: {
    Add(state, { value }, fx) {
      const next = added(state, value);
      if (next.count % OUTPUT_EVERY === 0) {
        const key = `total-${Math.floor(fx.random() * TOTALS)}`;
        fx.tell(ref(total, key), "Emitted", { count: next.count });
      }
      return next;
    },
    Bump(state, { value }, fx) {
      const next = added(state, value);
      fx.reply(next.count);
      return next;
    },
    Peek(state, _question, fx) {
      fx.reply(state.count);
      return state;
    },
    Consult(state, { times }, fx) {
      let sum = 0;
      for (let time = 0; time < times; time++) sum += fx.consult(echoAgent, time, undefined, "seed").answer;
      fx.reply(sum);
      return state;
    },
  },
});

function added({ count, sum, last }: CounterState, value: number): CounterState {
  const kept = last.length < LAST_KEPT ? [...last, value] : [...last.slice(1), value];
  return { count: count + 1, sum: sum + value, last: kept };
}

const alarm = protocol("bench-alarm", {
  Set: tell({ dueMs: z.int() }),
  /** How often it rang, and how late at last. */
  Read: ask({}, z.strictObject({ rings: z.int(), lateMs: z.int() })),
});

const AlarmState = z.strictObject({ dueMs: z.int(), rings: z.int(), lateMs: z.int() });

const alarmActor = defineActor(alarm, {
  state: { version: 1, schema: AlarmState, initial: () => ({ dueMs: 0, rings: 0, lateMs: 0 }) },
  handlers: {
    Set(state, { dueMs }, fx) {
      fx.setTimer("ring", dueMs);
      return { ...state, dueMs };
    },
    Read({ rings, lateMs, ...state }, _question, fx) {
      fx.reply({ rings, lateMs });
      return { rings, lateMs, ...state };
    },
  },
  timers: {
    ring: (state, fx) => ({ ...state, rings: state.rings + 1, lateMs: fx.nowMs - state.dueMs }),
  },
});

export const benchActors: readonly AnyActor[] = [counterActor, totalActor, alarmActor];
export const KINDS = { counter: counter.name, total: total.name, alarm: alarm.name } as const;
