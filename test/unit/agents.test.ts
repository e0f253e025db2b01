import { describe, expect, test } from "vitest";
import { aimedAudienceAgent, audienceAgent } from "../../actors/audience/agent.ts";
import { personalisationAgent } from "../../actors/personalisation/agent.ts";
import type { PersonalisationPart } from "../../actors/personalisation/part.ts";
import { qualityAgents } from "../../actors/quality/agent.ts";
import { rewardAgents } from "../../actors/reward/agent.ts";
import type { RewardPart } from "../../actors/reward/part.ts";
import { throttleAgent } from "../../actors/throttle/agent.ts";
import { encode } from "../../protocols/codec.ts";
import type { CommittedDecision, ListenerEvent, Proposal } from "../../protocols/roles.ts";
import { ask, indexOf, type LineSpec, NOON_MS, SLOPE } from "../support/campaigns.ts";

const MINUTE_MS = 60_000;
const [quality, strict] = qualityAgents(10);
const [reward] = rewardAgents(SLOPE);

function proposalOf(line: LineSpec): Proposal {
  const { adSets, creatives } = indexOf(line);
  const [adSet] = adSets;
  if (adSet === undefined) throw new Error("no ad set");
  return { adSet, creatives: [...creatives] };
}

function committed(proposal: Proposal, decisionId: string, atMs: number, profile = true): CommittedDecision {
  const [creative] = proposal.creatives;
  if (creative === undefined) throw new Error("no creative");
  const moment = { context: { genres: [] }, profile, atMs, expiresAtMs: atMs + 20 * MINUTE_MS };
  return { decisionId, adSet: proposal.adSet, creative, ...moment };
}

test.each([
  ["a player's app", { client: "app", datacenter: false }, 3, { verdict: "allow" }],
  ["a bot", { client: "bot", datacenter: false }, 3, { verdict: "no-bid", nbr: 3 }],
  ["an address of a data centre", { client: "app", datacenter: true }, 3, { verdict: "no-bid", nbr: 5 }],
  [
    "more requests a minute than a person makes",
    { client: "app", datacenter: false },
    11,
    { verdict: "no-bid", nbr: 4 },
  ],
  ["a stitcher's library", { client: "library", datacenter: false }, 3, { verdict: "allow" }],
] as const)("quality answers %s", (_what, traffic, recent, answer) => {
  expect(quality.answer({ traffic, recent }, never)).toMatchObject(answer);
});

test("strict quality lets libraries and unknown callers have house ads only", () => {
  for (const client of ["library", "unknown"] as const)
    expect(strict.answer({ traffic: { client, datacenter: false }, recent: 1 }, never)).toMatchObject({
      verdict: "house",
    });
  expect(strict.answer({ traffic: { client: "app", datacenter: false }, recent: 1 }, never)).toEqual({
    verdict: "allow",
  });
});

const never = { part: undefined, nowMs: NOON_MS, random: () => 0, snapshot: () => undefined };

test("what a second of ad costs grows with what was heard, halves in half an hour, and ends at the bound", () => {
  const line = proposalOf({ id: "a" });
  const priceAt = (part: RewardPart | undefined, nowMs: number): number =>
    ask(reward, { context: { genres: [] }, sessionStartedMs: NOON_MS }, part, nowMs).answer.nanosPerSecond;
  expect(priceAt(undefined, NOON_MS)).toBe(0);
  let part = reward.onCommitted?.(undefined, committed(line, "d1", NOON_MS), NOON_MS);
  expect(priceAt(part, NOON_MS)).toBe(3_000); // 30 s at 100 nanos
  expect(priceAt(part, NOON_MS + 30 * MINUTE_MS)).toBe(1_500);
  for (let ad = 2; ad <= 400; ad++) part = reward.onCommitted?.(part, committed(line, `d${ad}`, NOON_MS), NOON_MS);
  expect(part?.heard).toHaveLength(32);
  const steepest = rewardAgents({ ...SLOPE, nanosPerSecondHeard: 1_000_000 })[0];
  const { answer } = ask(steepest, { context: { genres: [] }, sessionStartedMs: 0 }, part, NOON_MS);
  expect(answer.nanosPerSecond).toBe(SLOPE.nanosPerSecondMax);
});

test("an ad that was never played costs the listener nothing, one that was skipped as much as was heard", () => {
  const line = proposalOf({ id: "a" });
  const part = reward.onCommitted?.(undefined, committed(line, "d1", NOON_MS), NOON_MS);
  const event = { decisionId: "d1", campaignId: "a", creativeId: "a", atMs: NOON_MS + 10_000 } as const;
  expect(reward.onEvent?.(part, { ...event, event: "released" }, NOON_MS)).toEqual({ heard: [] });
  const skipped = reward.onEvent?.(part, { ...event, event: "skip" }, NOON_MS);
  expect(skipped?.heard).toMatchObject([{ decisionId: "d1", durationMs: 10_000 }]);
});

describe("personalisation", () => {
  const MORNING = { genres: ["rock"], hourOfWeek: 8 };
  const line = proposalOf({ id: "a", creative: { categories: ["IAB17-3"] } });
  const bid = line.adSet.bidCpmMicros;

  /** What is remembered after so many ads at this moment, each of which ended like this. */
  function after(
    events: readonly ListenerEvent["event"][],
    ads: number,
    context: CommittedDecision["context"] = MORNING,
  ): PersonalisationPart | undefined {
    let part: PersonalisationPart | undefined;
    for (let ad = 0; ad < ads; ad++) {
      const decisionId = `d${ad}`;
      part = personalisationAgent.onCommitted?.(part, { ...committed(line, decisionId, NOON_MS), context }, NOON_MS);
      for (const event of events) {
        const outcome = { decisionId, campaignId: "a", creativeId: "a", event, atMs: NOON_MS };
        part = personalisationAgent.onEvent?.(part, outcome, NOON_MS);
      }
    }
    return part;
  }

  const expected = (part: PersonalisationPart | undefined, context = MORNING, of = line, profile = true) => {
    const [proposal] = ask(personalisationAgent, { proposals: [of], context, profile }, part, NOON_MS).answer
      .expectations;
    if (proposal?.[0] === undefined) throw new Error("no expectation");
    return proposal[0];
  };

  test("who skips ads of a category is worth less to it, who hears them out or clicks more", () => {
    expect(expected(after(["skip"], 10)).nanos).toBeLessThan(-0.2 * bid);
    expect(expected(after(["complete"], 10)).nanos).toBeGreaterThan(0);
    const clicking = expected(after(["complete", "click"], 3));
    expect(clicking.nanos).toBeGreaterThan(expected(after(["complete"], 3)).nanos);
    expect(clicking.pClick).toBeGreaterThan(2 * 0.005);
    expect(clicking.why).toBe("IAB17, rock in the morning: 97 of 100 ads heard to the end");
  });

  test("the same music at the same time of day counts for ads of every kind, at another time it does not", () => {
    const other = proposalOf({ id: "b", creative: { categories: ["IAB2"] } });
    const part = after(["skip"], 10);
    expect(expected(part, MORNING, other).nanos).toBeLessThan(0);
    expect(expected(part, { ...MORNING, hourOfWeek: 20 }, other).nanos).toBe(0);
    expect(expected(part, { ...MORNING, genres: ["jazz"] }, other).nanos).toBe(0);
  });

  test("nothing is known of who is new or did not consent, and what was learnt goes with the consent", () => {
    expect(expected(undefined)).toMatchObject({ nanos: 0, pComplete: 0.96, why: "as everybody" });
    expect(expected(after(["skip"], 10), MORNING, line, false).nanos).toBe(0);
    const refused = committed(line, "x", NOON_MS, false);
    expect(personalisationAgent.onCommitted?.(after(["skip"], 3), refused, NOON_MS)).toBeUndefined();
  });

  test("an ad is counted once, however it was told, and one that was never played not at all", () => {
    expect(after(["complete", "skip", "complete"], 1)?.habits).toEqual(after(["complete"], 1)?.habits);
    expect(after(["released"], 5)).toEqual({ habits: [], open: [] });
  });

  test("its memory is bounded", () => {
    let part: PersonalisationPart | undefined;
    for (let ad = 0; ad < 500; ad++) {
      const decision = { ...committed(line, `d${ad}`, NOON_MS), context: { genres: [`genre-${ad}`, "x".repeat(500)] } };
      part = personalisationAgent.onCommitted?.(part, decision, NOON_MS);
      const outcome = { decisionId: `d${ad}`, campaignId: "a", creativeId: "a", atMs: NOON_MS } as const;
      part = personalisationAgent.onEvent?.(part, { ...outcome, event: "complete" }, NOON_MS);
    }
    expect(encode(part).length).toBeLessThan(4_096);
  });
});

test("the throttle lets a paced campaign take part in proportion to what is left, and one without a pace always", () => {
  const paced = proposalOf({ id: "a", campaign: { pacing: "even" } });
  const asap = proposalOf({ id: "b" });
  const price = paced.adSet.bidCpmMicros;
  const chances = (freeNanos: number): readonly number[] =>
    ask(throttleAgent, { proposals: [paced, asap], freeNanos: [freeNanos, freeNanos] }, undefined, NOON_MS).answer
      .chances;
  expect(chances(price * 100)).toEqual([1, 1]);
  expect(chances(price * 4)).toEqual([0.5, 1]);
  expect(chances(price)).toEqual([0.125, 1]);
});

test("the aimed audience proposes what targets the context, and what targets everybody only where nothing does", () => {
  const index = indexOf(
    { id: "rock", adSet: { targeting: { genres: ["rock"] } } },
    { id: "everybody" },
    { id: "jazz", adSet: { targeting: { genres: ["jazz"] } } },
  );
  const proposed = (agent: typeof audienceAgent, genres: string[]): string[] => {
    const { words } = ask(agent, { index, context: { genres } }, undefined, NOON_MS).answer;
    return index.adSets
      .filter((_, at) => ((words[0] ?? 0) & (1 << at)) !== 0)
      .map(({ id }) => id)
      .sort();
  };
  expect(proposed(audienceAgent, ["rock"])).toEqual(["everybody", "rock"]);
  expect(proposed(aimedAudienceAgent, ["rock"])).toEqual(["rock"]);
  expect(proposed(aimedAudienceAgent, ["blues"])).toEqual(["everybody"]);
});
