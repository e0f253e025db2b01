import { z } from "zod";
import { decode, encode } from "../../protocols/codec.ts";
import { ask, protocol } from "../../protocols/protocol.ts";
import { type AnyAgent, defineAgent } from "../../runtime/actor/agent.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { TransientRequest } from "../../runtime/actor/transient.ts";
import { MSGPACK } from "../../protocols/subjects.ts";

/*
 * An actor that asks agents outside before it does anything (D15). Its state is its own history, with what it heard: an agent outside
 * repeats the question, so that an answer to another one shows.
 */

const Ops = z.array(z.string());
const Heard = z.strictObject({ op: z.string(), from: z.string(), outcome: z.string(), said: z.string().nullable() });

const advised = protocol("advised", {
  Advise: ask({ op: z.string() }, z.object({ ops: Ops })),
});

const AdvisedState = z.strictObject({
  ops: Ops,
  heard: z.array(Heard),
  /** What timers did, also between two turns of an ask. */
  rang: z.int(),
});
export type AdvisedState = z.infer<typeof AdvisedState>;

const adviser = (variant: string, timeoutMs: number): AnyAgent =>
  defineAgent<unknown, string | null>({
    role: "advice",
    variant,
    version: "1",
    purpose: "scoring",
    answer: (_request, { heard }) => heard as string,
    whenFailing: () => null,
    outside: { timeoutMs, encoding: "msgpack" },
  });

/** One that is waited for longer than the other, so that asks are put on at different times. */
export const ADVISERS: readonly AnyAgent[] = [adviser("near", 12), adviser("far", 90)];

/** A question is the operation and who is asked; an answer is the same once more. */
export const answerTo = (question: Uint8Array): Uint8Array => Uint8Array.from(question);

function questionTo(agent: AnyAgent, op: string): TransientRequest {
  return {
    subject: `chorus.agent.${agent.role}.${agent.variant}`,
    bytes: Uint8Array.from(encode([op, agent.variant])),
    contentType: MSGPACK,
    timeoutMs: agent.outside?.timeoutMs ?? 0,
    read: (bytes) => ({ answer: z.tuple([z.string(), z.string()]).parse(decode(bytes)).join("/"), version: null }),
  };
}

export const advisedActor = defineActor(advised, {
  state: { version: 1, schema: AdvisedState, initial: (): AdvisedState => ({ ops: [], heard: [], rang: 0 }) },
  passivateAfterMs: 20,
  handlers: {
    Advise(state, { op }, fx) {
      const heard = fx.requestTransient(ADVISERS, (agent) => questionTo(agent, op));
      if (heard === null) return state;
      const rows = ADVISERS.map((agent) => {
        const mine = heard.find((each) => each.agent === agent);
        const { outcome, answer } = fx.consult<unknown, string | null>(agent, null, undefined, op, mine);
        return { op, from: agent.variant, outcome, said: answer };
      });
      const ops = [...state.ops, op];
      fx.record({ op, id: fx.decisionId() });
      fx.setTimer("ring", fx.nowMs + 30);
      fx.reply({ ops });
      return { ...state, ops, heard: [...state.heard, ...rows] };
    },
  },
  timers: { ring: (state: AdvisedState) => ({ ...state, rang: state.rang + 1 }) },
});
