import { describe, expect, test } from "vitest";
import { creativeAgent } from "../../actors/creative/agent.ts";
import { frequencyAgent } from "../../actors/frequency/agent.ts";
import type { FrequencyPart } from "../../actors/frequency/part.ts";
import { separationAgent } from "../../actors/separation/agent.ts";
import { type SeparationPart, separationPart } from "../../actors/separation/part.ts";
import type { FrequencyCap } from "../../protocols/campaign/campaign.ts";
import type { CompiledIndex } from "../../protocols/catalog-index.ts";
import type { CommittedDecision, ListenerEvent, Proposal } from "../../protocols/roles.ts";
import { upgradeState } from "../../runtime/actor/state.ts";
import { ask, indexOf, type LineSpec, NOON_MS } from "../support/campaigns.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function proposalOf(index: CompiledIndex, adSetId: string): Proposal {
  const adSet = index.adSets.find(({ id }) => id === adSetId);
  if (adSet === undefined) throw new Error(`no ad set ${adSetId}`);
  return { adSet, creatives: adSet.creatives.flatMap((ordinal) => index.creatives[ordinal] ?? []) };
}

function committed(proposal: Proposal, decisionId: string, atMs: number, creative = 0): CommittedDecision {
  const chosen = proposal.creatives[creative];
  if (chosen === undefined) throw new Error(`no creative ${creative}`);
  const { adSet } = proposal;
  const moment = { context: { genres: [] }, profile: true, atMs, expiresAtMs: atMs + 20 * MINUTE_MS };
  return { decisionId, adSet, creative: chosen, ...moment };
}

function event(proposal: Proposal, decisionId: string, kind: ListenerEvent["event"], atMs: number): ListenerEvent {
  const [creative] = proposal.creatives;
  return { decisionId, campaignId: proposal.adSet.campaignId, creativeId: creative?.id ?? "", event: kind, atMs };
}

describe("frequency", () => {
  const capped = (...frequencyCaps: FrequencyCap[]): Proposal =>
    proposalOf(indexOf({ id: "a", campaign: { timezone: "Europe/Berlin", frequencyCaps } }), "a");
  const rules = (proposal: Proposal, part: FrequencyPart | undefined, nowMs: number, sessionStartedMs = 0): string[] =>
    ask(frequencyAgent, { proposals: [proposal], sessionStartedMs }, part, nowMs).answer.vetoes.map(({ rule }) => rule);
  const decide = (part: FrequencyPart | undefined, proposal: Proposal, id: string, atMs: number) =>
    frequencyAgent.onCommitted?.(part, committed(proposal, id, atMs), atMs);
  const hear = (part: FrequencyPart | undefined, proposal: Proposal, id: string, atMs: number) =>
    frequencyAgent.onEvent?.(part, event(proposal, id, "billed", atMs), atMs);

  test("F1: what is pending counts as much as what was heard", () => {
    const proposal = capped({ limit: 2, window: "1d", kind: "rolling" });
    let part = decide(undefined, proposal, "d1", NOON_MS);
    expect(rules(proposal, part, NOON_MS)).toEqual([]);
    part = hear(part, proposal, "d1", NOON_MS + MINUTE_MS);
    part = decide(part, proposal, "d2", NOON_MS + 2 * MINUTE_MS);
    expect(rules(proposal, part, NOON_MS + 2 * MINUTE_MS)).toEqual(["2 per 1d"]);
  });

  test("a rolling window runs from when the ad was heard, not from when it was decided", () => {
    const proposal = capped({ limit: 1, window: "1d", kind: "rolling" });
    const part = hear(decide(undefined, proposal, "d1", NOON_MS), proposal, "d1", NOON_MS + 5 * MINUTE_MS);
    expect(rules(proposal, part, NOON_MS + DAY_MS)).toEqual(["1 per 1d"]);
    expect(rules(proposal, part, NOON_MS + DAY_MS + 5 * MINUTE_MS)).toEqual([]);
  });

  test("F2: a release gives the cap back, once", () => {
    const proposal = capped({ limit: 2, window: "1d", kind: "rolling" });
    let part = decide(undefined, proposal, "d1", NOON_MS);
    part = decide(part, proposal, "d2", NOON_MS);
    const release = event(proposal, "d1", "released", NOON_MS);
    part = frequencyAgent.onEvent?.(part, release, NOON_MS);
    expect(rules(proposal, part, NOON_MS)).toEqual([]);
    part = frequencyAgent.onEvent?.(part, release, NOON_MS);
    part = decide(part, proposal, "d3", NOON_MS);
    expect(rules(proposal, part, NOON_MS)).toEqual(["2 per 1d"]);
  });

  test("an event that comes twice counts once", () => {
    const proposal = capped({ limit: 2, window: "1d", kind: "rolling" });
    let part = hear(decide(undefined, proposal, "d1", NOON_MS), proposal, "d1", NOON_MS);
    part = hear(part, proposal, "d1", NOON_MS);
    expect(rules(proposal, part, NOON_MS)).toEqual([]);
    expect(part?.heard).toEqual([{ campaignId: "a", atMs: [NOON_MS] }]);
  });

  test("a reservation whose end has passed holds no place, even if its release never came", () => {
    const proposal = capped({ limit: 1, window: "1d", kind: "rolling" });
    const part = decide(undefined, proposal, "d1", NOON_MS);
    expect(rules(proposal, part, NOON_MS + 20 * MINUTE_MS)).toEqual(["1 per 1d"]);
    expect(rules(proposal, part, NOON_MS + 22 * MINUTE_MS)).toEqual([]);
  });

  test("T1: a calendar window is the campaign's own day", () => {
    const proposal = capped({ limit: 1, window: "1d", kind: "calendar" });
    const lateEvening = NOON_MS + 10 * HOUR_MS; // 23:00 in Berlin
    const part = hear(decide(undefined, proposal, "d1", lateEvening), proposal, "d1", lateEvening);
    expect(rules(proposal, part, lateEvening + 59 * MINUTE_MS)).toEqual(["1 per 1d"]);
    expect(rules(proposal, part, lateEvening + HOUR_MS)).toEqual([]);
  });

  test("a session cap ends with the session", () => {
    const proposal = capped({ limit: 1, kind: "session" });
    const part = hear(decide(undefined, proposal, "d1", NOON_MS), proposal, "d1", NOON_MS);
    expect(rules(proposal, part, NOON_MS + HOUR_MS, NOON_MS - HOUR_MS)).toEqual(["1 per session"]);
    expect(rules(proposal, part, NOON_MS + HOUR_MS, NOON_MS + 1)).toEqual([]);
  });

  test("of several caps the strictest wins, and a pod of one ad meets every pod cap", () => {
    const proposal = capped(
      { limit: 1, kind: "pod" },
      { limit: 5, window: "7d", kind: "rolling" },
      { limit: 1, window: "1h", kind: "rolling" },
    );
    const part = hear(decide(undefined, proposal, "d1", NOON_MS), proposal, "d1", NOON_MS);
    expect(rules(proposal, part, NOON_MS + MINUTE_MS)).toEqual(["1 per 1h"]);
    expect(rules(proposal, part, NOON_MS + HOUR_MS)).toEqual([]);
    expect(part?.pending).toEqual([]);
  });

  test("memory is bounded by the limit, and campaigns without caps leave none", () => {
    const proposal = capped({ limit: 3, window: "1m", kind: "rolling" });
    let part: FrequencyPart | undefined;
    for (let at = 0; at < 50; at++) {
      part = hear(decide(part, proposal, `d${at}`, NOON_MS + at * HOUR_MS), proposal, `d${at}`, NOON_MS + at * HOUR_MS);
    }
    expect(part?.heard[0]?.atMs).toHaveLength(3);
    expect(decide(undefined, capped(), "d1", NOON_MS)).toBeUndefined();
  });

  test("too many open bids of one listener close capped campaigns until they end", () => {
    const proposal = capped({ limit: 1, window: "1d", kind: "rolling" });
    const pending = Array.from({ length: 256 }, (_, at) => ({
      decisionId: `d${at}`,
      campaignId: `other-${at}`,
      keep: 1,
      expiresAtMs: NOON_MS,
    }));
    expect(rules(proposal, { pending, heard: [] }, NOON_MS)).toEqual(["256 open bids"]);
    expect(rules(capped(), { pending, heard: [] }, NOON_MS)).toEqual([]);
    expect(rules(proposal, { pending, heard: [] }, NOON_MS + 2 * MINUTE_MS)).toEqual([]);
  });

  test("failing, it vetoes every proposal", () => {
    const proposal = capped();
    const { vetoes } = frequencyAgent.whenFailing({ proposals: [proposal, proposal], sessionStartedMs: 0 });
    expect(vetoes.map(({ proposal: at, reason }) => [at, reason])).toEqual([
      [0, "unavailable"],
      [1, "unavailable"],
    ]);
  });
});

describe("separation", () => {
  const specs: LineSpec[] = [{ id: "a", creatives: 2 }, { id: "b", advertiserId: "a" }, { id: "c" }];
  const index = indexOf(...specs);
  const vetoed = (part: SeparationPart | undefined, nowMs: number): string[] => {
    const proposals = ["a", "b", "c"].map((id) => proposalOf(index, id));
    return ask(separationAgent, { proposals }, part, nowMs).answer.vetoes.map((v) => `${v.creativeId}/${v.reason}`);
  };
  const decide = (part: SeparationPart | undefined, adSetId: string, id: string, atMs: number) =>
    separationAgent.onCommitted?.(part, committed(proposalOf(index, adSetId), id, atMs), atMs);

  test("S4: the ad just heard is not heard again, nor its advertiser within the break", () => {
    const part = decide(undefined, "a", "d1", NOON_MS);
    expect(vetoed(part, NOON_MS)).toEqual(["a/creative", "a/advertiser", "a-2/advertiser", "b/advertiser"]);
    expect(vetoed(part, NOON_MS + 3 * MINUTE_MS)).toEqual(["a/creative"]);
    expect(vetoed(part, NOON_MS + 30 * MINUTE_MS)).toEqual([]);
  });

  test("S1: nor one of a competing category: a tier-1 competes with every tier-2 of it, two tier-2 do not", () => {
    const competitors = indexOf(
      { id: "heard", creative: { categories: ["IAB17-3", "IAB24"] } },
      { id: "above", creative: { categories: ["IAB17"] } },
      { id: "same", creative: { categories: ["IAB2", "IAB17-3"] } },
      { id: "beside", creative: { categories: ["IAB17-30", "IAB17-2"] } },
      { id: "none", creative: { categories: ["IAB24"] } },
    );
    const proposals = ["above", "same", "beside", "none"].map((id) => proposalOf(competitors, id));
    const part = separationAgent.onCommitted?.(
      undefined,
      committed(proposalOf(competitors, "heard"), "d1", NOON_MS),
      NOON_MS,
    );
    const rules = (nowMs: number): unknown[] =>
      ask(separationAgent, { proposals }, part, nowMs).answer.vetoes.map(({ creativeId, rule }) => [creativeId, rule]);
    expect(rules(NOON_MS + 1)).toEqual([
      ["above", "IAB17 not adjacent within 3 min"],
      ["same", "IAB17-3 not adjacent within 3 min"],
    ]);
    expect(rules(NOON_MS + 3 * MINUTE_MS)).toEqual([]);
  });

  test("what older releases remembered is read, without categories", () => {
    const ad = { decisionId: "d1", creativeId: "a", advertiserId: "a", atMs: NOON_MS };
    expect(upgradeState(separationPart, 1, { recent: [ad] })).toEqual({ recent: [{ ...ad, categories: [] }] });
  });

  test("after another ad it may return", () => {
    const part = decide(decide(undefined, "a", "d1", NOON_MS), "c", "d2", NOON_MS + 1);
    expect(vetoed(part, NOON_MS + 2)).toEqual(["c/creative", "c/advertiser"]);
  });

  test("what was released was not heard", () => {
    const first = decide(undefined, "a", "d1", NOON_MS);
    const part = decide(first, "c", "d2", NOON_MS + 1);
    const after = separationAgent.onEvent?.(
      part,
      event(proposalOf(index, "c"), "d2", "released", NOON_MS + 2),
      NOON_MS,
    );
    expect(after).toEqual(first);
  });

  test("the order is that in which ads were heard", () => {
    let part = decide(decide(undefined, "a", "d1", NOON_MS), "c", "d2", NOON_MS + 1);
    part = separationAgent.onEvent?.(part, event(proposalOf(index, "c"), "d2", "billed", NOON_MS + 10), NOON_MS + 10);
    part = separationAgent.onEvent?.(part, event(proposalOf(index, "a"), "d1", "billed", NOON_MS + 20), NOON_MS + 20);
    expect(part?.recent.map(({ decisionId }) => decisionId)).toEqual(["d2", "d1"]);
  });

  test("its list is bounded", () => {
    let part: SeparationPart | undefined;
    for (let at = 0; at < 100; at++) part = decide(part, "c", `d${at}`, NOON_MS + at);
    expect(part?.recent).toHaveLength(16);
  });
});

describe("creative", () => {
  const index = indexOf({
    id: "a",
    creatives: 3,
    adSet: { rotation: "sequential", creatives: [{ id: "a" }, { id: "a-2" }, { id: "a-3" }] },
  });
  const all = proposalOf(index, "a");
  const next = (proposal: Proposal, part: unknown): string | undefined => {
    const { chances } = ask(creativeAgent, { proposals: [proposal], context: { genres: [] } }, part, NOON_MS).answer;
    return proposal.creatives[chances[0]?.indexOf(1) ?? -1]?.id;
  };

  test("a sequence goes on where this listener left it, over what is left, and begins anew at its end", () => {
    expect(next(all, undefined)).toBe("a");
    let part = creativeAgent.onCommitted?.(undefined, committed(all, "d1", NOON_MS, 0), NOON_MS);
    expect(next(all, part)).toBe("a-2");
    expect(next({ ...all, creatives: all.creatives.filter(({ id }) => id !== "a-2") }, part)).toBe("a-3");
    part = creativeAgent.onCommitted?.(part, committed(all, "d2", NOON_MS, 2), NOON_MS);
    expect(next(all, part)).toBe("a");
  });

  test("failing, it answers even chances", () => {
    const { chances } = creativeAgent.whenFailing({ proposals: [all], context: { genres: [] } });
    expect(chances).toEqual([[1 / 3, 1 / 3, 1 / 3]]);
  });
});
