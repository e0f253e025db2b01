import type { AdSetEntry } from "../../protocols/catalog-index.ts";
import type { Nanos } from "../../protocols/quantities.ts";
import type { Proposal, RewardAnswer } from "../../protocols/roles.ts";
import { countBits } from "./bitmap.ts";
import { contend, type Contender, rankOf, scoreBound } from "./contender.ts";
import type { Decision, DecisionInputs, DecisionSnapshots, PlaceDecision, Roles } from "./decision.ts";
import { type Deliberation, gated, heldBack, outcomeOf, outright, without, worthless } from "./deliberation.ts";
import { draw } from "./draw.ts";
import { hardRules } from "./hard-rules.ts";
import type { Market } from "./market.ts";
import { placesOf } from "./places.ts";
import { decidePod } from "./pod.ts";
import { actionSet, ranksOf } from "./propensity.ts";
import { Tally } from "./tally.ts";
import { Walk } from "./walk.ts";

/*
 * The kernel (D13): propose, veto, score, decide. Owns the order of the roles and the arithmetic of the choice; no state, no time,
 * no chance but the seed. V1: what a hard rule or a safety role vetoes is never served. A2: with the same seed, a higher bid never
 * loses what a lower one won. A3: a lower tier never beats an eligible higher one.
 */

/** Candidates are judged in waves of growing size, so that a clear winner near the top costs little. */
const WAVE_MIN = 8;
const WAVE_MAX = 256;

/** Decides which ads, if any, are heard next: the same inputs, snapshots, verdicts and seed give the same decision, bit for bit. */
export function decide(inputs: DecisionInputs, snapshots: DecisionSnapshots, roles: Roles, seed: string): Decision {
  const { catalog } = snapshots;
  const tally = new Tally(catalog);
  const { request, recent } = inputs;
  const quality = roles.quality({ traffic: request.traffic, recent });
  tally.consulted(quality);
  if (quality.answer.verdict === "no-bid") {
    const { nbr, reason } = quality.answer;
    tally.refused("quality", reason);
    return { ...decisionOf(NOTHING, [], tally, 0), nbr };
  }
  const reached = roles.audience({ index: catalog, context: request.context });
  tally.consulted(reached);
  const rules = request.slots.map((slot) => hardRules(request, slot, catalog, inputs.nowMs, inputs.rates ?? null));
  const deliberation = { inputs, snapshots, roles, rules, quality: quality.answer, seed, tally };
  const proposed = countBits(reached.answer.words);
  const places = placesOf(request.slots);
  if (places.length === 1) return decisionOf(decideOne(deliberation, reached.answer.words), [], tally, proposed);
  const decided = decidePod(deliberation, places, reached.answer.words);
  const first = decided.find(({ winner }) => winner !== null) ?? decided[0] ?? NOTHING;
  const propensity = decided.reduce((product, place) => product * place.propensity, 1);
  return decisionOf({ ...first, propensity }, decided, tally, proposed);
}

const NOTHING: PlaceDecision = { winner: null, propensity: 1, actions: [], noAdProbability: 1, explore: false };

function decisionOf(first: PlaceDecision, places: readonly PlaceDecision[], tally: Tally, proposed: number): Decision {
  return {
    ...first,
    places,
    nbr: first.winner === null ? tally.noBidReason() : null,
    candidates: tally.rows,
    vetoCounts: tally.vetoCounts,
    proposed,
    considered: tally.considered,
    roles: tally.roles,
  };
}

/** The one place of most requests. */
function decideOne(deliberation: Deliberation, words: readonly number[]): PlaceDecision {
  const { inputs, roles, rules, seed, tally } = deliberation;
  const { request, sessionStartedMs } = inputs;
  const reward = roles.reward({ context: request.context, sessionStartedMs });
  tally.consulted(reward);
  const contenders = deliberate(deliberation, reward.answer, words);
  const best = bestOf(contenders);
  const chosen = best[Math.floor(draw(seed, "tie", "") * best.length)];
  if (chosen?.standIn !== undefined) tally.defaulted("creative", chosen.standIn);
  const [only] = rules;
  if (only === undefined) return NOTHING;
  return outcomeOf(actionSet(ranksOf(contenders, rankOf)), chosen, only);
}

/**
 * Walks the proposals by tier and bid until none that is left could be served, whatever the throttle's draws: that is, below the best
 * of those that take part for certain.
 * @returns all that are worth playing.
 */
function deliberate(deliberation: Deliberation, reward: RewardAnswer, words: readonly number[]): readonly Contender[] {
  const { inputs, rules, snapshots } = deliberation;
  const { upliftMax } = inputs;
  const [only] = rules;
  if (only === undefined) return [];
  const { market } = only;
  // The index is in the order of bids as they are written, which says nothing where some of them are converted.
  const isMixed = market.rates !== null && snapshots.catalog.currencies.length > 1;
  const contenders: Contender[] = [];
  let certain: Contender | undefined;
  let size = WAVE_MIN;
  const walk = new Walk(words, snapshots.catalog, [market]);
  while (walk.adSet !== undefined) {
    const { tier } = walk;
    const wave: Proposal[] = [];
    for (let seen = 0; seen < size && walk.adSet !== undefined; seen++) {
      const { adSet } = walk;
      if (walk.tier !== tier) break;
      if (isBeaten(adSet, tier, market, certain, upliftMax)) {
        if (!isMixed) break;
        walk.advance();
        continue;
      }
      const proposal = propose(adSet, deliberation);
      if (proposal !== null) wave.push(proposal);
      walk.advance();
    }
    for (const contender of wave.length > 0 ? judge(wave, deliberation, reward) : []) {
      contenders.push(contender);
      if (contender.takesPart >= 1 && (certain === undefined || rankOf(contender, certain) > 0)) certain = contender;
    }
    if (walk.adSet === undefined || (certain !== undefined && walk.tier > certain.tier)) break;
    if (!isMixed && isBeaten(walk.adSet, walk.tier, market, certain, upliftMax)) break;
    size = Math.min(size * 2, WAVE_MAX);
  }
  return contenders;
}

/** @param tier the highest at which the ad set may be served. */
function isBeaten(
  adSet: AdSetEntry,
  tier: number,
  market: Market,
  leader: Contender | undefined,
  upliftMax: number,
): boolean {
  if (leader === undefined || tier < leader.tier) return false;
  return tier > leader.tier || scoreBound(adSet, market, upliftMax) < leader.rankNanos;
}

/** Applies the hard rules. @returns null when they leave nothing. */
function propose(adSet: AdSetEntry, deliberation: Deliberation): Proposal | null {
  const { rules, tally } = deliberation;
  const refused = outright(adSet, deliberation);
  const [only] = rules;
  if (refused !== null || only === undefined) {
    tally.vetoed(adSet, refused === null ? [] : [refused]);
    return null;
  }
  const passed = gated(adSet, only, deliberation);
  if ("adSet" in passed) return passed;
  tally.vetoed(adSet, passed);
  return null;
}

/** Asks the safety roles, then scores what is left. */
function judge(wave: readonly Proposal[], deliberation: Deliberation, reward: RewardAnswer): readonly Contender[] {
  const { inputs, roles, rules, seed, tally } = deliberation;
  const free = new Map<AdSetEntry, Nanos>();
  const eligible = eligibleOf(wave, deliberation, free);
  const [only] = rules;
  if (eligible.length === 0 || only === undefined) return [];
  const { context, capabilities } = inputs.request;
  const freeNanos = eligible.map(({ adSet }) => free.get(adSet) ?? 0);
  const throttle = roles.throttle({ proposals: eligible, freeNanos });
  const personalisation = roles.personalisation({ proposals: eligible, context, profile: capabilities.profile });
  const creative = roles.creative({ proposals: eligible, context });
  for (const verdict of [throttle, personalisation, creative]) tally.consulted(verdict);
  const contenders: Contender[] = [];
  eligible.forEach((proposal, position) => {
    const opinions = {
      reward,
      expectations: personalisation.answer.expectations[position] ?? [],
      chances: creative.answer.chances[position] ?? [],
      standIn: creative.answer.defaults[position],
      upliftMax: inputs.upliftMax,
      takesPart: Math.max(0, Math.min(1, throttle.answer.chances[position] ?? 1)),
    };
    const contender = contend(proposal, opinions, only, seed);
    if ("worthless" in contender) {
      const { creative: best, terms, scoreNanos } = contender.worthless;
      const veto = worthless(terms.some(({ role }) => role === "reward"));
      tally.worthless(proposal.adSet, best.id, veto, terms, scoreNanos);
      return;
    }
    const { drawn } = contender;
    if (contender.isIn) tally.scored(proposal.adSet, drawn.creative.id, drawn.terms, drawn.scoreNanos);
    else tally.vetoed(proposal.adSet, [heldBack(opinions.takesPart)]);
    contenders.push(contender);
  });
  return contenders;
}

/** A set union: the order in which the roles object does not matter. @param free takes what each wallet has. */
function eligibleOf(
  wave: readonly Proposal[],
  { inputs, roles, tally }: Deliberation,
  free: Map<AdSetEntry, Nanos>,
): readonly Proposal[] {
  const frequency = roles.frequency({ proposals: wave, sessionStartedMs: inputs.sessionStartedMs });
  const separation = roles.separation({ proposals: wave });
  tally.consulted(frequency);
  tally.consulted(separation);
  const objections = [
    { role: "frequency", vetoes: frequency.answer.vetoes },
    { role: "separation", vetoes: separation.answer.vetoes },
  ];
  const proposals = without(wave, objections, tally);
  if (proposals.length === 0) return [];
  for (const { adSet } of proposals) free.set(adSet, roles.freeNanos(adSet));
  const pacing = roles.pacing({ proposals, freeNanos: proposals.map(({ adSet }) => free.get(adSet) ?? 0) });
  tally.consulted(pacing);
  return without(proposals, [{ role: "pacing", vetoes: pacing.answer.vetoes }], tally);
}

/** The highest of the highest tier among those that take part, all of one rank. */
function bestOf(contenders: readonly Contender[]): readonly Contender[] {
  let best: Contender[] = [];
  for (const contender of contenders) {
    if (!contender.isIn) continue;
    const [leader] = best;
    const lead = leader === undefined ? 1 : rankOf(contender, leader);
    if (lead > 0) best = [contender];
    else if (lead === 0) best.push(contender);
  }
  return best;
}
