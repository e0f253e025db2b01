import type { PacingRequest, Proposal, RoleVeto, SafetyAnswer } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";

/** The wallet check (D12): what cannot be paid from this partition's account is not decided. */
export const pacingAgent = defineAgent<PacingRequest, SafetyAnswer>({
  role: "pacing",
  variant: "default",
  version: "1",
  purpose: "safety",
  answer({ proposals, freeNanos }) {
    const vetoes: RoleVeto[] = [];
    proposals.forEach(({ adSet }, proposal) => {
      if ((freeNanos[proposal] ?? 0) >= adSet.bidCpmMicros) return;
      vetoes.push({ proposal, reason: "budget", rule: "the day's account holds the price" });
    });
    return { vetoes };
  },
  whenFailing: ({ proposals }) => ({
    vetoes: proposals.map((_: Proposal, proposal: number) => ({
      proposal,
      reason: "unavailable",
      rule: "pacing answers",
    })),
  }),
});
