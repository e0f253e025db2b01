import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { restart } from "../../runtime/actor/supervision.ts";

/** How a handler ends its thread; `none` = it does not. */
export const Doom = z.enum(["none", "hang", "regexp", "oom", "oom-one", "exit"]);
export type Doom = z.infer<typeof Doom>;

/** Counts, and ends its thread when it is told to. */
const deadly = protocol("deadly", {
  Add: tell({ by: z.int(), doom: Doom }),
  /** The same through a timer. */
  Later: tell({ by: z.int(), inMs: z.int(), doom: Doom }),
  /** Tells others in the same partition, one of whom may be doomed. */
  Spread: tell({ to: z.array(z.string()), by: z.int(), doom: Doom }),
  /** Fails until a time, so that its doom comes with a retry. */
  Stumble: tell({ by: z.int(), untilMs: z.int(), doom: Doom }),
  Total: ask({ doom: Doom }, z.int()),
});

const State = z.strictObject({ total: z.int(), doom: Doom, by: z.int() });

export const deadlyActor = defineActor(deadly, {
  state: { version: 1, schema: State, initial: (): z.infer<typeof State> => ({ total: 0, doom: "none", by: 0 }) },
  supervision: restart({ backoffMs: { min: 20, max: 40 }, attemptsMax: 20, maxRestarts: 100 }),
  handlers: {
    Add(state, { by, doom }) {
      meet(doom);
      return { ...state, total: state.total + by };
    },
    Later(state, { by, inMs, doom }, fx) {
      fx.setTimer("doom", fx.nowMs + inMs);
      return { ...state, doom, by };
    },
    Spread(state, { to, by, doom }, fx) {
      for (const key of to) fx.tell(ref(deadly, key, fx.partition), "Add", { by, doom });
      return { ...state, total: state.total + by };
    },
    Stumble(state, { by, untilMs, doom }, fx) {
      if (fx.nowMs < untilMs) throw new Error("stumbled");
      meet(doom);
      return { ...state, total: state.total + by };
    },
    Total(state, { doom }, fx) {
      meet(doom);
      fx.reply(state.total);
      return state;
    },
  },
  timers: {
    doom(state: z.infer<typeof State>) {
      meet(state.doom);
      return { ...state, total: state.total + state.by };
    },
  },
});

function meet(doom: Doom): void {
  switch (doom) {
    case "none":
      return;
    case "hang":
      for (;;);
    case "regexp":
      /^(a+)+$/.test(`${"a".repeat(48)}b`);
      return;
    case "oom": {
      const kept: unknown[] = [];
      for (;;) kept.push(Array.from({ length: 1_000 }, (_, index) => ({ index })));
    }
    case "oom-one": {
      // One object that grows: V8 alone would end the process.
      const kept: number[] = [];
      for (;;) kept.push(kept.length);
    }
    case "exit":
      process.exit(7);
  }
}
