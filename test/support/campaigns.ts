import { audienceAgent } from "../../actors/audience/agent.ts";
import { creativeAgent } from "../../actors/creative/agent.ts";
import { compileIndex, type CatalogDocument } from "../../actors/decision/compile-index.ts";
import type { Roles } from "../../actors/decision/decision.ts";
import { frequencyAgent } from "../../actors/frequency/agent.ts";
import { only, type Roster } from "../../actors/listener/roster.ts";
import { pacingAgent } from "../../actors/pacing/agent.ts";
import { personalisationAgent } from "../../actors/personalisation/agent.ts";
import { qualityAgents } from "../../actors/quality/agent.ts";
import { rewardAgents, type RewardSlope } from "../../actors/reward/agent.ts";
import { separationAgent } from "../../actors/separation/agent.ts";
import { throttleAgent } from "../../actors/throttle/agent.ts";
import type { AdSetDocument } from "../../protocols/campaign/ad-set.ts";
import type { CampaignDocument } from "../../protocols/campaign/campaign.ts";
import type { CreativeDocument } from "../../protocols/campaign/creative.ts";
import type { DealDocument } from "../../protocols/campaign/deal.ts";
import type { CompiledIndex } from "../../protocols/catalog-index.ts";
import type { AudioSlot, DecisionRequest, OfferedDeal } from "../../protocols/messages/listener.ts";
import type { AnyAgent, Verdict } from "../../runtime/actor/agent.ts";
import type { AgentOf } from "../../runtime/actor/effects.ts";

/** 2026-11-24T12:00:00Z, a Tuesday. */
export const NOON_MS = 1_795_521_600_000;

/** An advertiser, a campaign, an ad set and a creative that all carry one id, so that a test names only what it is about. */
export interface LineSpec {
  readonly id: string;
  readonly advertiserId?: string;
  readonly domain?: string;
  readonly campaign?: Partial<CampaignDocument>;
  readonly adSet?: Partial<AdSetDocument>;
  readonly creative?: Partial<CreativeDocument>;
  /** Further creatives of the ad set, like the first: `<id>-2` to `<id>-n`. */
  readonly creatives?: number;
}

function line(spec: LineSpec): CatalogDocument[] {
  const { id } = spec;
  const advertiserId = spec.advertiserId ?? id;
  const creativeIds = [id, ...Array.from({ length: (spec.creatives ?? 1) - 1 }, (_, at) => `${id}-${at + 2}`)];
  return [
    {
      collection: "advertisers",
      id: advertiserId,
      document: {
        id: advertiserId,
        name: advertiserId,
        domain: spec.domain ?? `${advertiserId.toLowerCase()}.example`,
      },
    },
    {
      collection: "campaigns",
      id,
      document: { id, advertiserId, status: "active", currency: "USD", timezone: "UTC", ...spec.campaign },
    },
    {
      collection: "ad-sets",
      id,
      document: {
        id,
        campaignId: id,
        bidCpmMicros: 10_000_000,
        creatives: creativeIds.map((creativeId) => ({ id: creativeId })),
        ...spec.adSet,
      },
    },
    ...creativeIds.map((creativeId) => ({
      collection: "creatives" as const,
      id: creativeId,
      document: {
        id: creativeId,
        advertiserId,
        durationMs: 30_000,
        mediaFiles: [{ url: `https://cdn.example/${creativeId}.mp3`, mimeType: "audio/mpeg", bitrateKbps: 128 }],
        ...spec.creative,
      },
    })),
  ];
}

export const dealOf = (deal: DealDocument): CatalogDocument => ({ collection: "deals", id: deal.id, document: deal });

/** A deal as an exchange offers it, without terms unless they are given. */
export const offered = (deal: Partial<OfferedDeal> = {}): OfferedDeal => ({
  id: "deal",
  floorCpmMicros: 0,
  floorCurrency: "USD",
  advertiserDomains: [],
  guaranteed: false,
  seats: [],
  ...deal,
});

export const lines = (...specs: LineSpec[]): CatalogDocument[] => specs.flatMap(line);
export const indexOf = (...specs: LineSpec[]): CompiledIndex => compileIndex(lines(...specs), 1);

/** Documents of lines as the campaign document of interfaces.md 4. */
export function asDocument(documents: readonly CatalogDocument[]): Record<string, unknown[]> {
  const of = (collection: string): unknown[] =>
    documents.filter((each) => each.collection === collection).map((each) => each.document);
  return {
    advertisers: of("advertisers"),
    campaigns: of("campaigns"),
    adSets: of("ad-sets"),
    creatives: of("creatives"),
  };
}

export interface RequestSpec extends Partial<Omit<DecisionRequest, "slots" | "context" | "capabilities">> {
  readonly slot?: Partial<AudioSlot>;
  /** Several slots; each is like the one above where it says nothing else. */
  readonly slots?: readonly Partial<AudioSlot>[];
  readonly context?: Partial<DecisionRequest["context"]>;
  readonly capabilities?: Partial<DecisionRequest["capabilities"]>;
}

export function request({ slot, slots = [{}], ...spec }: RequestSpec = {}): DecisionRequest {
  return {
    receivedAtMs: NOON_MS,
    test: false,
    traffic: { client: "app", datacenter: false },
    memory: "listener",
    currencies: ["USD"],
    blockedCategories: [],
    blockedAdvertiserDomains: [],
    requestHash: "hash",
    ...spec,
    capabilities: { id: true, caps: true, profile: true, measure: true, childSafe: false, ...spec.capabilities },
    context: { genres: [], country: "USA", feed: 1, ...spec.context },
    slots: slots.map((each, at) => ({
      impId: String(at + 1),
      mimes: ["audio/mpeg"],
      minDurationMs: 0,
      floorCpmMicros: 0,
      floorCurrency: "USD",
      secure: false,
      blockedAttributes: [],
      ...slot,
      ...each,
    })),
  };
}

/** The slope of the listener's time that the settings have by default. */
export const SLOPE: RewardSlope = { nanosPerSecondHeard: 100, halfLifeMs: 1_800_000, nanosPerSecondMax: 560_000 };
const [qualityAgent] = qualityAgents(600);
const [rewardAgent] = rewardAgents(SLOPE);

const AGENTS = {
  quality: qualityAgent,
  audience: audienceAgent,
  reward: rewardAgent,
  frequency: frequencyAgent,
  separation: separationAgent,
  pacing: pacingAgent,
  throttle: throttleAgent,
  personalisation: personalisationAgent,
  creative: creativeAgent,
};

export const roster: Roster = {
  quality: only(qualityAgent),
  audience: only(audienceAgent),
  reward: only(rewardAgent),
  frequency: only(frequencyAgent),
  separation: only(separationAgent),
  pacing: only(pacingAgent),
  throttle: only(throttleAgent),
  personalisation: only(personalisationAgent),
  creative: only(creativeAgent),
};

export interface RolesSpec {
  readonly nowMs?: number;
  /** What the roles remember. */
  readonly reward?: unknown;
  readonly frequency?: unknown;
  readonly separation?: unknown;
  readonly personalisation?: unknown;
  readonly creative?: unknown;
  readonly freeNanos?: Roles["freeNanos"];
}

/** Asks the agents directly, with the parts given. */
export function rolesOf(spec: RolesSpec = {}): Roles {
  const nowMs = spec.nowMs ?? NOON_MS;
  return {
    quality: (question) => ask(AGENTS.quality, question, undefined, nowMs),
    audience: (question) => ask(AGENTS.audience, question, undefined, nowMs),
    reward: (question) => ask(AGENTS.reward, question, spec.reward, nowMs),
    frequency: (question) => ask(AGENTS.frequency, question, spec.frequency, nowMs),
    separation: (question) => ask(AGENTS.separation, question, spec.separation, nowMs),
    pacing: (question) => ask(AGENTS.pacing, question, undefined, nowMs),
    throttle: (question) => ask(AGENTS.throttle, question, undefined, nowMs),
    personalisation: (question) => ask(AGENTS.personalisation, question, spec.personalisation, nowMs),
    creative: (question) => ask(AGENTS.creative, question, spec.creative, nowMs),
    freeNanos: spec.freeNanos ?? (() => Number.MAX_SAFE_INTEGER),
  };
}

export function ask<Request, Answer>(
  agent: AgentOf<Request, Answer> & AnyAgent,
  question: Request,
  part: unknown,
  nowMs: number,
): Verdict<Answer> {
  const answer = agent.answer(question, { part, nowMs, random: () => 0, snapshot: () => undefined });
  return { role: agent.role, variant: agent.variant, version: agent.version, outcome: "answered", answer, micros: 0 };
}
