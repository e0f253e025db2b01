import type { PacingRequest, Proposal, RoleVeto, SafetyAnswer } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";

/** The wallet check (D12): what cannot be paid from this partition's account is not decided. */
export const pacingAgent = pacingBy("default", 1, "the day's account holds the price");

/** Keeps the price of a second impression back, so that a bid on its way elsewhere never meets an empty account. */
export const cautiousPacingAgent = pacingBy("cautious", 2, "the day's account holds the price twice");

function pacingBy(variant: string, impressions: number, rule: string) {
  return defineAgent<PacingRequest, SafetyAnswer>({
    role: "pacing",
    variant,
    version: "1",
    purpose: "safety",
    answer({ proposals, freeNanos }) {
      const vetoes: RoleVeto[] = [];
      proposals.forEach(({ adSet }, proposal) => {
        if ((freeNanos[proposal] ?? 0) >= adSet.bidCpmMicros * impressions) return;
        vetoes.push({ proposal, reason: "budget", rule });
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
}
