import type { CatalogIndex } from "../../protocols/catalog-index.ts";
import type { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import {
  CANDIDATES_MAX,
  encodeQuestion,
  isOutsideRole,
  type OutsideCandidate,
  type OutsideQuestion,
  type OutsideRole,
  type OutsideSaying,
  readAnswer,
} from "../../protocols/outside-agent.ts";
import { type Proposal, ROLES } from "../../protocols/roles.ts";
import { agentSubject } from "../../protocols/subjects.ts";
import type { AnyAgent, OutsideTerms } from "../../runtime/actor/agent.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import type { Heard, TransientRequest } from "../../runtime/actor/transient.ts";
import { shortlist } from "../decision/shortlist.ts";
import { chosen, type Roster, type Seat } from "./roster.ts";

/*
 * The first of the two turns of D15: agents outside that play for this listener are asked before anything is drawn, vetoed or scored.
 * Only deterministic rules choose what they are asked about.
 */

/** What became of the question to each agent outside; empty where none plays. */
export type HeardOutside = ReadonlyMap<AnyAgent, Heard>;

interface Player {
  readonly role: OutsideRole;
  readonly agent: AnyAgent;
  readonly terms: OutsideTerms;
}

const NOBODY: HeardOutside = new Map();

/**
 * Asks the agents outside that play for this listener.
 * @param recent requests of this caller within the last minute.
 * @returns null: the ask waits for them, and this turn must change nothing.
 */
export function hearOutside(
  request: DecisionRequest,
  recent: number,
  catalog: CatalogIndex,
  roster: Roster,
  fx: AskEffects<DecisionAnswer>,
): HeardOutside | null {
  const players = playersOf(roster, fx.key);
  if (players.size === 0) return NOBODY;
  // The second turn composes nothing.
  let proposals: readonly Proposal[] | undefined;
  const heard = fx.requestTransient([...players.keys()], (agent) => {
    const player = players.get(agent);
    if (player === undefined) return null;
    if (!speaksOfAds(player.role)) return questionTo(player, request, recent, null);
    proposals ??= proposalsFor(request, catalog, roster, fx);
    return proposals.length === 0 ? null : questionTo(player, request, recent, proposals);
  });
  return heard === null ? null : new Map(heard.map((each) => [each.agent, each]));
}

function playersOf(roster: Roster, key: string): ReadonlyMap<AnyAgent, Player> {
  const players = new Map<AnyAgent, Player>();
  for (const role of ROLES) {
    const cast: readonly Seat<AnyAgent>[] = roster[role];
    const { agent } = chosen(cast, key);
    if (agent.outside !== undefined && isOutsideRole(role)) players.set(agent, { role, agent, terms: agent.outside });
  }
  return players;
}

function proposalsFor(
  request: DecisionRequest,
  catalog: CatalogIndex,
  roster: Roster,
  fx: AskEffects<DecisionAnswer>,
): readonly Proposal[] {
  const audience = chosen(roster.audience, fx.key).agent;
  // Audience draws nothing: it answers the same again in the second turn, unless the catalog has changed meanwhile.
  const reached = fx.consult(audience, { index: catalog, context: request.context }, undefined, "");
  return shortlist(catalog, reached.answer.words, request, fx.nowMs, CANDIDATES_MAX);
}

const speaksOfAds = (role: OutsideRole): boolean => role !== "quality" && role !== "reward";

/** @param proposals null: the role speaks of no single ad. */
function questionTo(
  { role, agent, terms }: Player,
  request: DecisionRequest,
  recent: number,
  proposals: readonly Proposal[] | null,
): TransientRequest {
  const composed: OutsideQuestion = {
    v: 1,
    role,
    variant: agent.variant,
    timeoutMs: terms.timeoutMs,
    test: request.test,
    context: request.context,
    profile: request.capabilities.profile,
    ...(role === "quality" ? { traffic: { ...request.traffic, recent } } : {}),
    ...(proposals === null ? {} : { candidates: proposals.map(candidateOf) }),
  };
  const { question, bytes, contentType } = encodeQuestion(composed, terms.encoding);
  return {
    subject: agentSubject(role, agent.variant),
    bytes,
    contentType,
    timeoutMs: terms.timeoutMs,
    read: (answer, type) => {
      const said = readAnswer(role, question, answer, type ?? contentType);
      const saying: OutsideSaying = { said, asked: question.candidates?.map(({ adSetId }) => adSetId) ?? [] };
      return { answer: saying, version: said.version ?? null };
    },
  };
}

function candidateOf({ adSet, creatives }: Proposal): OutsideCandidate {
  return {
    adSetId: adSet.id,
    campaignId: adSet.campaignId,
    advertiserId: creatives[0]?.advertiserId ?? "",
    tier: adSet.tier,
    bidNanos: adSet.bidCpmMicros,
    currency: adSet.currency,
    creatives: creatives.map(({ id, durationMs, categories, languages }) => ({
      creativeId: id,
      durationMs,
      categories: [...categories],
      languages: [...languages],
    })),
  };
}
