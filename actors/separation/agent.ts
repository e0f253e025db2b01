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
  /** Two ads of one competitive category neither (S1). */
  readonly categoryGapMs: number;
}

/** "Never the ad just heard" (S4), for as long as a listener remembers a session; breaks are at least 3 min apart (learning.md 1). */
export const SEPARATION: SeparationPolicy = {
  creativeGapAds: 1,
  creativeGapMs: 30 * 60_000,
  advertiserGapMs: 3 * 60_000,
  categoryGapMs: 3 * 60_000,
};

const RECENT_MAX = 16;
/** Categories of one ad that are looked at; the first ones say most. */
const CATEGORIES_MAX = 8;
/** "Uncategorized" (IAB taxonomy 1.0) competes with nothing. */
const UNCATEGORISED = "IAB24";

export const separationAgent = separationBy("default", SEPARATION);

/** Twice as far apart. */
export const wideSeparationAgent = separationBy("wide", {
  creativeGapAds: SEPARATION.creativeGapAds * 2,
  creativeGapMs: SEPARATION.creativeGapMs * 2,
  advertiserGapMs: SEPARATION.advertiserGapMs * 2,
  categoryGapMs: SEPARATION.categoryGapMs * 2,
});

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
      const { id: creativeId, advertiserId, categories } = creative;
      const heard = { decisionId, creativeId, advertiserId, categories: categories.slice(0, CATEGORIES_MAX), atMs };
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
  const sinceMs = nowMs - last.atMs;
  const adjacent = sinceMs < policy.advertiserGapMs ? last.advertiserId : undefined;
  const competing = sinceMs < policy.categoryGapMs ? last.categories : [];
  const creativeRule = `not within ${policy.creativeGapAds} ads or ${policy.creativeGapMs / 60_000} min`;
  const advertiserRule = `not adjacent within ${policy.advertiserGapMs / 60_000} min`;
  const categoryRule = `not adjacent within ${policy.categoryGapMs / 60_000} min`;
  proposals.forEach(({ creatives }, proposal) => {
    for (const { id, advertiserId, categories } of creatives) {
      if (justHeard.has(id)) vetoes.push({ proposal, creativeId: id, reason: "creative", rule: creativeRule });
      if (advertiserId === adjacent)
        vetoes.push({ proposal, creativeId: id, reason: "advertiser", rule: advertiserRule });
      const shared = categories.find((category) => competing.some((heard) => areCompeting(category, heard)));
      if (shared !== undefined)
        vetoes.push({ proposal, creativeId: id, reason: "category", rule: `${shared} ${categoryRule}` });
    }
  });
  return vetoes;
}

/** The same category, or one is the tier above the other: `IAB17` competes with `IAB17-3`, `IAB17-2` does not (S1). */
function areCompeting(one: string, other: string): boolean {
  if (one.startsWith(UNCATEGORISED)) return false;
  return one === other || one.startsWith(`${other}-`) || other.startsWith(`${one}-`);
}
