import type { AdSetEntry, CapEntry } from "../../protocols/catalog-index.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type {
  AheadAd,
  CommittedDecision,
  FrequencyAnswer,
  FrequencyRequest,
  ListenerEvent,
  Proposal,
  RoleVeto,
} from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";
import { addDays } from "../calendar/civil-date.ts";
import { localDate } from "../calendar/zone.ts";
import { type FrequencyPart, frequencyPart } from "./part.ts";

/*
 * Owns how often a listener hears a campaign; F1: for each cap, heard + pending never exceeds the limit. It does not own who the
 * listener is: two devices count together when their pseudonym is one (F4).
 */

const MS_PER_DAY = 86_400_000;
/** A reservation cannot be billed after its end; this much later its release is no longer waited for. */
const RELEASE_GRACE_MS = 60_000;
/** No window is longer (protocols/campaign/campaign.ts). */
const WINDOW_MS_MAX = 30 * MS_PER_DAY;
/** Bids that one listener may have open of capped campaigns; beyond, capped campaigns wait. */
const PENDING_MAX = 256;
/** Campaigns kept for one listener; beyond, the one longest unheard is forgotten. */
const CAMPAIGNS_MAX = 256;

export const frequencyAgent = frequencyBy("default", (limit) => limit);

/** Holds one ad of every cap back, where a cap allows more than one. */
export const strictFrequencyAgent = frequencyBy("strict", (limit) => Math.max(1, limit - 1));

/** A variant of the role for each way to read a cap's limit; never higher than the cap's own (F1). */
function frequencyBy(variant: string, allowed: (limit: number) => number) {
  return defineAgent<FrequencyRequest, FrequencyAnswer, FrequencyPart, CommittedDecision, ListenerEvent>({
    role: "frequency",
    variant,
    version: "1",
    purpose: "safety",
    part: frequencyPart,
    answer({ proposals, sessionStartedMs, ahead }, { part, nowMs }) {
      const vetoes: RoleVeto[] = [];
      // One ad meets every cap of a listener who heard nothing yet.
      if (part === undefined && ahead === undefined) return { vetoes };
      const left: number[] = [];
      const heard = new Map(part?.heard.map((entry) => [entry.campaignId, entry.atMs]));
      const pending = countPending(part, nowMs);
      const isFull = sum(pending.values()) + (ahead?.length ?? 0) >= PENDING_MAX;
      proposals.forEach(({ adSet }, proposal) => {
        left.push(Infinity);
        if (isFull && stampsFor(adSet) > 0) {
          vetoes.push({ proposal, reason: "open-bids", rule: `${PENDING_MAX} open bids` });
          return;
        }
        const held = pending.get(adSet.campaignId) ?? 0;
        const stamps = heard.get(adSet.campaignId) ?? [];
        if (ahead === undefined && held + stamps.length === 0) return;
        for (const cap of adSet.caps) {
          const own = countAhead(ahead ?? [], adSet, cap.kind === "pod");
          const before = cap.kind === "pod" ? 0 : held + countHeard(stamps, cap, adSet, nowMs, sessionStartedMs);
          left[proposal] = Math.min(left[proposal] ?? Infinity, allowed(cap.limit) - before - own);
          if ((left[proposal] ?? 0) > 0) continue;
          vetoes.push({ proposal, reason: "cap", rule: cap.rule });
          return;
        }
      });
      return { vetoes, left };
    },
    whenFailing: ({ proposals }) => ({
      vetoes: proposals.map((_: Proposal, proposal: number) => ({
        proposal,
        reason: "unavailable",
        rule: "frequency answers",
      })),
    }),
    onCommitted(part, { decisionId, adSet, expiresAtMs }, nowMs) {
      const keep = stampsFor(adSet);
      if (keep === 0) return part;
      const before = part ?? { pending: [], heard: [] };
      const pending = before.pending.filter((each) => isHeld(each.expiresAtMs, nowMs));
      const heard = before.heard.filter(({ atMs }) => (atMs.at(-1) ?? 0) > nowMs - WINDOW_MS_MAX - MS_PER_DAY);
      return { pending: [...pending, { decisionId, campaignId: adSet.campaignId, keep, expiresAtMs }], heard };
    },
    onEvent(part, event) {
      const held = part?.pending.find((each) => each.decisionId === event.decisionId);
      if (part === undefined || held === undefined) return part;
      if (event.event !== "billed" && event.event !== "released") return part;
      const pending = part.pending.filter((each) => each !== held);
      if (event.event === "released") return { ...part, pending };
      const stamps = part.heard.find(({ campaignId }) => campaignId === held.campaignId)?.atMs ?? [];
      const others = part.heard.filter(({ campaignId }) => campaignId !== held.campaignId);
      const atMs = [...stamps, event.atMs].sort((a, b) => a - b).slice(-held.keep);
      return { pending, heard: [...others.slice(1 - CAMPAIGNS_MAX), { campaignId: held.campaignId, atMs }] };
    },
  });
}

const isHeld = (expiresAtMs: EpochMs, nowMs: EpochMs): boolean => nowMs <= expiresAtMs + RELEASE_GRACE_MS;

/** What a pod cap counts is in one answer, so those need no memory. */
function stampsFor(adSet: AdSetEntry): number {
  return adSet.caps.reduce((most, cap) => (cap.kind === "pod" ? most : Math.max(most, cap.limit)), 0);
}

/** Ads of the same campaign that the answer holds already. */
function countAhead(ahead: readonly AheadAd[], { campaignId }: AdSetEntry, inPod: boolean): number {
  return ahead.filter(({ adSet, samePod }) => adSet.campaignId === campaignId && (samePod || !inPod)).length;
}

function countPending(part: FrequencyPart | undefined, nowMs: EpochMs): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { campaignId, expiresAtMs } of part?.pending ?? []) {
    if (isHeld(expiresAtMs, nowMs)) counts.set(campaignId, (counts.get(campaignId) ?? 0) + 1);
  }
  return counts;
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** Pending ads are counted apart and always, because they may be heard at any moment of the window. */
function countHeard(
  stamps: readonly EpochMs[],
  cap: CapEntry,
  adSet: AdSetEntry,
  nowMs: EpochMs,
  sessionStartedMs: EpochMs,
): number {
  switch (cap.kind) {
    case "rolling":
      return stamps.filter((atMs) => atMs > nowMs - cap.windowMs).length;
    case "session":
      return stamps.filter((atMs) => atMs >= sessionStartedMs).length;
    case "calendar": {
      const first = addDays(localDate(adSet.timezone, nowMs), 1 - Math.round(cap.windowMs / MS_PER_DAY));
      return stamps.filter((atMs) => localDate(adSet.timezone, atMs) >= first).length;
    }
    case "pod":
      return 0;
  }
}
