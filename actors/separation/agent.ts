import type { EpochMs } from "../../protocols/quantities.ts";
import type {
  CommittedDecision,
  ListenerEvent,
  Proposal,
  RoleVeto,
  SafetyAnswer,
  SeparationRequest,
} from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";
import { type SeparationPart, separationPart } from "./part.ts";

/** How far apart ads of one kind are kept, across all devices of a listener. */
export interface SeparationPolicy {
  /** A creative returns after this many other ads, */
  readonly creativeGapAds: number;
  /** or after this long, whichever comes first. */
  readonly creativeGapMs: number;
  /** Two ads of one advertiser never follow each other within a break: closer than this. */
  readonly advertiserGapMs: number;
}

/** "Never the ad just heard" (S4), for as long as a listener remembers a session; breaks are at least 3 min apart (learning.md 1). */
export const SEPARATION: SeparationPolicy = {
  creativeGapAds: 1,
  creativeGapMs: 30 * 60_000,
  advertiserGapMs: 3 * 60_000,
};

const RECENT_MAX = 16;

export const separationAgent = separationBy("default", SEPARATION);

/** A variant of the role for each policy. */
function separationBy(variant: string, policy: SeparationPolicy) {
  return defineAgent<SeparationRequest, SafetyAnswer, SeparationPart, CommittedDecision, ListenerEvent>({
    role: "separation",
    variant,
    version: "1",
    purpose: "safety",
    part: separationPart,
    answer: ({ proposals }, { part, nowMs }) => ({ vetoes: vetoesOf(proposals, part, policy, nowMs) }),
    whenFailing: ({ proposals }) => ({
      vetoes: proposals.map((_: Proposal, proposal: number) => ({
        proposal,
        reason: "unavailable",
        rule: "separation answers",
      })),
    }),
    onCommitted(part, { decisionId, creative, atMs }) {
      const heard = { decisionId, creativeId: creative.id, advertiserId: creative.advertiserId, atMs };
      return { recent: [...(part?.recent ?? []), heard].slice(-RECENT_MAX) };
    },
    onEvent(part, { decisionId, event, atMs }) {
      const heard = part?.recent.find((each) => each.decisionId === decisionId);
      if (part === undefined || heard === undefined) return part;
      if (event !== "billed" && event !== "released") return part;
      const others = part.recent.filter((each) => each !== heard);
      if (event === "released") return { recent: others };
      return { recent: [...others, { ...heard, atMs }].sort((a, b) => a.atMs - b.atMs) };
    },
  });
}

function vetoesOf(
  proposals: readonly Proposal[],
  part: SeparationPart | undefined,
  policy: SeparationPolicy,
  nowMs: EpochMs,
): RoleVeto[] {
  const vetoes: RoleVeto[] = [];
  const last = part?.recent.at(-1);
  if (part === undefined || last === undefined) return vetoes;
  const justHeard = new Set(
    part.recent
      .slice(-policy.creativeGapAds)
      .filter(({ atMs }) => nowMs - atMs < policy.creativeGapMs)
      .map(({ creativeId }) => creativeId),
  );
  const adjacent = nowMs - last.atMs < policy.advertiserGapMs ? last.advertiserId : undefined;
  const creativeRule = `not within ${policy.creativeGapAds} ads or ${policy.creativeGapMs / 60_000} min`;
  const advertiserRule = `not adjacent within ${policy.advertiserGapMs / 60_000} min`;
  proposals.forEach(({ creatives }, proposal) => {
    for (const { id, advertiserId } of creatives) {
      if (justHeard.has(id)) vetoes.push({ proposal, creativeId: id, reason: "creative", rule: creativeRule });
      if (advertiserId === adjacent)
        vetoes.push({ proposal, creativeId: id, reason: "advertiser", rule: advertiserRule });
    }
  });
  return vetoes;
}
