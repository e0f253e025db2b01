import { z } from "zod";
import { orphan } from "../../protocols/messages/orphan.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { restart } from "../../runtime/actor/supervision.ts";

const MINUTE_MS = 60_000;
/** Anyone may repeat an old tracking URL; beyond this many rows a minute and partition they are answered and not written down. */
const ROWS_A_MINUTE = 600;

const OrphanState = z.strictObject({ sinceMs: EpochMs, rows: z.int() });

/** Rows of the decision log for events whose delivery is unknown (D6), and for conversions of bots. Bills and counts nothing. */
export const orphanActor = defineActor(orphan, {
  state: { version: 1, schema: OrphanState, initial: () => ({ sinceMs: 0, rows: 0 }) },
  pinned: true,
  supervision: restart(),
  handlers: {
    Record(state, { decisionId, slot = 0, event, atMs, status }, fx) {
      const current = fx.nowMs - state.sinceMs >= MINUTE_MS ? { sinceMs: fx.nowMs, rows: 0 } : state;
      if (current.rows >= ROWS_A_MINUTE) {
        fx.reply("dropped");
        return state;
      }
      const row = {
        t: "event",
        decisionId,
        slot,
        event,
        atMs: Math.min(atMs, fx.nowMs),
        arrivedAtMs: fx.nowMs,
        status,
      };
      fx.record(status === "invalid" ? { ...row, invalid: "bot" } : row);
      fx.reply("recorded");
      return { ...current, rows: current.rows + 1 };
    },
  },
});
