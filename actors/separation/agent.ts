import type { EpochMs } from "../../protocols/quantities.ts";
import type {
  AheadAd,
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
  /** Within one answer two such ads are never in the same pod, or never follow each other (S1). */
  readonly inPod: "pod" | "adjacency";
}

/** "Never the ad just heard" (S4), for as long as a listener remembers a session; breaks are at least 3 min apart (learning.md 1). */
export const SEPARATION: SeparationPolicy = {
  creativeGapAds: 1,
  creativeGapMs: 30 * 60_000,
  advertiserGapMs: 3 * 60_000,
  categoryGapMs: 3 * 60_000,
  inPod: "pod",
};

const RECENT_MAX = 16;
/** Categories of one ad that are looked at; the first ones say most. */
const CATEGORIES_MAX = 8;
/** "Uncategorized" (IAB taxonomy 1.0) competes with nothing. */
const UNCATEGORISED = "IAB24";

export const separationAgent = separationBy("default", SEPARATION);

/** Competitors may be in one pod, but never follow each other. */
export const adjacentSeparationAgent = separationBy("adjacent", { ...SEPARATION, inPod: "adjacency" });

/** Twice as far apart. */
export const wideSeparationAgent = separationBy("wide", {
  ...SEPARATION,
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
    answer: (request, { part, nowMs }) => ({ vetoes: vetoesOf(request, part, policy, nowMs) }),
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

/** An ad that stands in the way of those like it, and for how many ads; undefined: for the whole answer. */
interface Rival {
  readonly advertiserId: string;
  readonly categories: readonly string[];
  readonly reachAds: number | undefined;
  readonly advertiserRule: string;
  readonly categoryRule: string;
}

function vetoesOf(
  { proposals, ahead }: SeparationRequest,
  part: SeparationPart | undefined,
  policy: SeparationPolicy,
  nowMs: EpochMs,
): RoleVeto[] {
  const vetoes: RoleVeto[] = [];
  if (part === undefined && ahead === undefined) return vetoes;
  const justHeard = justHeardOf(part, ahead ?? [], policy, nowMs);
  const rivals =
    ahead === undefined || ahead.length === 0 ? rivalBefore(part, policy, nowMs) : rivalsAhead(ahead, policy);
  if (justHeard.size === 0 && rivals.length === 0) return vetoes;
  const creativeRule = `not within ${policy.creativeGapAds} ads or ${policy.creativeGapMs / 60_000} min`;
  proposals.forEach(({ creatives }, proposal) => {
    for (const { id, advertiserId, categories } of creatives) {
      const against = (reason: string, rule: string, reachAds: number | undefined): void => {
        // How far it reaches matters only where more than one ad is decided.
        const reach = ahead === undefined || reachAds === undefined ? {} : { reachAds };
        vetoes.push({ proposal, creativeId: id, reason, rule, ...reach });
      };
      const gapAds = justHeard.get(id);
      if (gapAds !== undefined) against("creative", creativeRule, gapAds);
      for (const rival of rivals) {
        if (advertiserId === rival.advertiserId) against("advertiser", rival.advertiserRule, rival.reachAds);
        const shared = categories.find((category) => rival.categories.some((each) => areCompeting(category, each)));
        if (shared !== undefined) against("category", `${shared} ${rival.categoryRule}`, rival.reachAds);
      }
    }
  });
  return vetoes;
}

/** Creatives heard lately or placed just before, and for how many further ads each is kept out. */
function justHeardOf(
  part: SeparationPart | undefined,
  ahead: readonly AheadAd[],
  policy: SeparationPolicy,
  nowMs: EpochMs,
): ReadonlyMap<string, number> {
  const heard = (part?.recent ?? []).map(({ creativeId, atMs }) => ({ creativeId, atMs }));
  const placed = ahead.map(({ creative }) => ({ creativeId: creative.id, atMs: nowMs }));
  const last = [...heard.slice(-policy.creativeGapAds), ...placed].slice(-policy.creativeGapAds);
  const kept = new Map<string, number>();
  last.forEach(({ creativeId, atMs }, at) => {
    if (nowMs - atMs < policy.creativeGapMs) kept.set(creativeId, policy.creativeGapAds - (last.length - 1 - at));
  });
  return kept;
}

/** The last ad before this answer: adjacent to its first, unless that was long ago. */
function rivalBefore(part: SeparationPart | undefined, policy: SeparationPolicy, nowMs: EpochMs): readonly Rival[] {
  const last = part?.recent.at(-1);
  if (last === undefined) return [];
  const sinceMs = nowMs - last.atMs;
  return [
    {
      advertiserId: sinceMs < policy.advertiserGapMs ? last.advertiserId : "",
      categories: sinceMs < policy.categoryGapMs ? last.categories : [],
      reachAds: 1,
      advertiserRule: `not adjacent within ${policy.advertiserGapMs / 60_000} min`,
      categoryRule: `not adjacent within ${policy.categoryGapMs / 60_000} min`,
    },
  ];
}

/** Breaks of one answer are further apart than any gap. */
function rivalsAhead(ahead: readonly AheadAd[], policy: SeparationPolicy): readonly Rival[] {
  const inPod = ahead.filter(({ samePod }) => samePod);
  const isAdjacency = policy.inPod === "adjacency";
  const rule = isAdjacency ? "not adjacent in a pod" : "not twice in a pod";
  return (isAdjacency ? inPod.slice(-1) : inPod).map(({ creative }) => ({
    advertiserId: creative.advertiserId,
    categories: creative.categories.slice(0, CATEGORIES_MAX),
    reachAds: isAdjacency ? 1 : undefined,
    advertiserRule: rule,
    categoryRule: rule,
  }));
}

/** The same category, or one is the tier above the other: `IAB17` competes with `IAB17-3`, `IAB17-2` does not (S1). */
function areCompeting(one: string, other: string): boolean {
  if (one.startsWith(UNCATEGORISED)) return false;
  return one === other || one.startsWith(`${other}-`) || other.startsWith(`${one}-`);
}
