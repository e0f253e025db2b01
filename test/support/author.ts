import { z } from "zod";
import { jobReply } from "../../protocols/job.ts";
import { ask, protocol, tell } from "../../protocols/protocol.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { tryingJob } from "./trying-job.ts";

/** An actor that orders jobs and keeps what came of them. */
const author = protocol("author", {
  Write: ask({ what: z.string(), value: z.string(), timeoutMs: z.number() }, z.string()),
  GiveUp: tell({ jobId: z.string() }),
  Read: ask({}, z.array(z.unknown())),
  Written: tell(jobReply(tryingJob)),
});

export const authorActor = defineActor(author, {
  state: { version: 1, schema: z.array(z.unknown()), initial: (): unknown[] => [] },
  handlers: {
    Write(state, { what, value, timeoutMs }, fx) {
      const input = { what: what as "echo", value };
      fx.reply(fx.startJob(tryingJob, input, { timeoutMs, replyTo: ref(author, fx.key), reply: "Written" }));
      return state;
    },
    GiveUp(state, { jobId }, fx) {
      fx.cancelJob(jobId);
      return state;
    },
    Read(state, _question, fx) {
      fx.reply(state);
      return state;
    },
    Written: (state, { result }) => [...state, result],
  },
});
