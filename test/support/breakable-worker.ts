import { z } from "zod";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import type { SupervisionStrategy } from "../../runtime/actor/supervision.ts";
import { activate, type ActorKit } from "./testkit.ts";

export const worker = protocol("worker", {
  Add: tell({ by: z.int() }),
  Fail: tell({}),
  Wake: tell({ inMs: z.int() }),
  Total: ask({}, z.int()),
});
export const WorkerState = z.strictObject({ total: z.int() });

/** Whether `Fail` and the timer throw. */
export const mood = { broken: true };

export function workerOf(supervision: SupervisionStrategy) {
  return defineActor(worker, {
    state: { version: 1, schema: WorkerState, initial: () => ({ total: 0 }) },
    supervision,
    handlers: {
      Add: (state, { by }) => ({ total: state.total + by }),
      Fail(state, _message, fx) {
        fx.tell(ref(worker, "elsewhere-xyz"), "Add", { by: 1 });
        if (mood.broken) throw new Error("as told");
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
        if (mood.broken) throw new Error("alarm");
        return { total: state.total + 1_000 };
      },
    },
  });
}

/** One of it, broken, in a partition of its own. */
export function startWorker(supervision: SupervisionStrategy): ActorKit {
  mood.broken = true;
  return activate(workerOf(supervision), { key: "a", partition: 3 });
}

export const letterOf = (actor: ActorKit, index = 0): string => [...actor.core.letters.ids][index] ?? "none";
