import type { z } from "zod";
import type { JobFailure, JobResult } from "../../protocols/job.ts";
import { job, type JobOrder, JobStart } from "../../protocols/messages/job.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { type AnyTell, ref } from "../../runtime/actor/reference.ts";

/** A job of which nothing was heard so long is ordered again: the order, or the node that had it, may be gone. */
const ORDER_AGAIN_MS = 5_000;

/** null before the start. */
const JobState = JobStart.nullable();
type JobState = z.infer<typeof JobState>;

/**
 * The durable side of a job (ADR 0013): the order, the deadline and where the reply goes, in the partition of whoever wants it.
 * J1: exactly one reply, in the commit that forgets the job: by the first result, the deadline or a cancellation, whichever is first.
 * J2: until then the job is ordered again and again, so it runs at least once on a node that lives long enough. What it did in a run
 * whose result is lost is lost: a job changes nothing outside itself.
 */
export const jobActor = defineActor(job, {
  // Sealed: an input may hold personal data (D9).
  state: { version: 1, schema: JobState, initial: (): JobState => null, personal: true },
  opens: ["Start"],
  pinned: true,
  inspect: (state) => state && { name: state.name, deadlineMs: state.deadlineMs, replyTo: state.replyTo },
  handlers: {
    Start(_state, start, fx) {
      fx.setTimer("deadline", start.deadlineMs);
      order(start, fx, false);
      return start;
    },
    Result(state, { result }, fx) {
      return end(state, result, fx);
    },
    Cancel(state, _cancel, fx) {
      fx.orderJob({ type: "cancel", jobId: fx.key });
      return end(state, failed("cancelled", "whoever wanted it cancelled it"), fx);
    },
  },
  timers: {
    deadline(state, fx) {
      fx.orderJob({ type: "cancel", jobId: fx.key });
      return end(state, failed("timeout", "its time was up"), fx);
    },
    again(state, fx) {
      if (state !== null) order(state, fx, true);
      return state;
    },
  },
});

function order({ name, input, deadlineMs, replyTo }: JobStart, fx: Effects, again: boolean): void {
  const owner = `${replyTo.kind}/${replyTo.key}`;
  const run: JobOrder = { type: "run", jobId: fx.key, name, input, deadlineMs, owner, again };
  fx.orderJob(run);
  fx.setTimer("again", fx.nowMs + ORDER_AGAIN_MS);
}

function end(state: JobState, result: JobResult, fx: Effects): JobState {
  if (state === null) return state;
  const { kind, key, partition, type } = state.replyTo;
  // The kind's own protocol was checked where the job was started (`Effects.startJob`).
  const to = ref({ name: kind, messages: {} }, key, partition ?? undefined);
  (fx as { readonly tell: AnyTell }).tell(to, type, { jobId: fx.key, result });
  fx.forget();
  return state;
}

const failed = (reason: JobFailure, message: string): JobResult => ({ outcome: "failed", reason, message });
