import type { AdSetEntry } from "../../protocols/catalog-index.ts";
import type { VetoRow } from "../../protocols/decision-record.ts";
import type { Nanos } from "../../protocols/quantities.ts";
import type { Proposal, QualityAnswer, RewardAnswer, RoleVeto } from "../../protocols/roles.ts";
import { countBits } from "./bitmap.ts";
import { contend, type Contender, rankOf, scoreBound } from "./contender.ts";
import type { Decision, DecisionInputs, DecisionSnapshots, Roles, Winner } from "./decision.ts";
import { draw } from "./draw.ts";
import { gate } from "./gate.ts";
import { type HardRules, hardRules, isPlayable } from "./hard-rules.ts";
import { actionRows, actionSet } from "./propensity.ts";
import { Tally } from "./tally.ts";
import { type Step, Walk } from "./walk.ts";

/*
 * The kernel (D13): propose, veto, score, decide. Owns the order of the roles and the arithmetic of the choice; no state, no time,
 * no chance but the seed. V1: what a hard rule or a safety role vetoes is never served. A2: with the same seed, a higher bid never
 * loses what a lower one won. A3: a lower tier never beats an eligible higher one.
 */

/** Candidates are judged in waves of growing size, so that a clear winner near the top costs little. */
const WAVE_MIN = 8;
const WAVE_MAX = 256;
const HOUSE_TIER = 4;
/** Sponsorship and guaranteed: the contract decides, not the score. */
const CONTRACT_TIER_MAX = 1;

interface Deliberation {
  readonly inputs: DecisionInputs;
  readonly snapshots: DecisionSnapshots;
  readonly roles: Roles;
  readonly rules: HardRules;
  readonly quality: QualityAnswer;
  readonly reward: RewardAnswer;
  readonly seed: string;
  readonly tally: Tally;
}

/** Decides which ad, if any, is heard next: the same inputs, snapshots, verdicts and seed give the same decision, bit for bit. */
export function decide(inputs: DecisionInputs, snapshots: DecisionSnapshots, roles: Roles, seed: string): Decision {
  const tally = new Tally(snapshots.catalog);
  const { request, recent, sessionStartedMs } = inputs;
  const quality = roles.quality({ traffic: request.traffic, recent });
  tally.consulted(quality);
  if (quality.answer.verdict === "no-bid") {
    const { nbr, reason } = quality.answer;
    tally.refused("quality", reason);
    return { ...undecided(tally), nbr, proposed: 0 };
  }
  const reached = roles.audience({ index: snapshots.catalog, context: request.context });
  const reward = roles.reward({ context: request.context, sessionStartedMs });
  tally.consulted(reached);
  tally.consulted(reward);
  const rules = hardRules(request, snapshots.catalog, inputs.nowMs);
  const contenders = deliberate(
    { inputs, snapshots, roles, rules, quality: quality.answer, reward: reward.answer, seed, tally },
    reached.answer.words,
  );
  const proposed = countBits(reached.answer.words);
  const best = bestOf(contenders);
  const chosen = best[Math.floor(draw(seed, "tie", "") * best.length)];
  const set = actionSet(contenders);
  const actions = { actions: actionRows(set), noAdProbability: set.noAd };
  if (chosen === undefined) return { ...undecided(tally), ...actions, propensity: set.noAd, proposed };
  if (chosen.standIn !== undefined) tally.defaulted("creative", chosen.standIn);
  return {
    ...undecided(tally),
    ...actions,
    winner: winnerOf(chosen, rules),
    nbr: null,
    propensity: (set.served.get(chosen) ?? 1) * chosen.drawn.chance,
    explore: chosen.tier > CONTRACT_TIER_MAX,
    proposed,
  };
}

/** Nothing served, and what was taken down on the way. */
function undecided(tally: Tally): Decision {
  return {
    winner: null,
    nbr: tally.noBidReason(),
    propensity: 1,
    actions: [],
    noAdProbability: 1,
    explore: false,
    candidates: tally.rows,
    vetoCounts: tally.vetoCounts,
    proposed: 0,
    considered: tally.considered,
    roles: tally.roles,
  };
}

/**
 * Walks the proposals by tier and bid until none that is left could be served, whatever the throttle's draws: that is, below the best
 * of those that take part for certain.
 * @returns all that are worth playing.
 */
function deliberate(deliberation: Deliberation, words: readonly number[]): readonly Contender[] {
  const { upliftMax } = deliberation.inputs;
  const contenders: Contender[] = [];
  let certain: Contender | undefined;
  let size = WAVE_MIN;
  const walk = new Walk(words, deliberation.snapshots.catalog, [deliberation.rules.market]);
  while (walk.step !== undefined) {
    const { tier } = walk.step;
    const wave: Proposal[] = [];
    for (let seen = 0; seen < size && walk.step !== undefined; seen++) {
      const { step } = walk;
      if (step.tier !== tier || isBeaten(step, certain, upliftMax)) break;
      const proposal = propose(step.adSet, deliberation);
      if (proposal !== null) wave.push(proposal);
      walk.advance();
    }
    for (const contender of wave.length > 0 ? judge(wave, deliberation) : []) {
      contenders.push(contender);
      if (contender.takesPart >= 1 && (certain === undefined || rankOf(contender, certain) > 0)) certain = contender;
    }
    if (walk.step === undefined || isBeaten(walk.step, certain, upliftMax)) break;
    size = Math.min(size * 2, WAVE_MAX);
  }
  return contenders;
}

function isBeaten({ adSet, tier }: Step, leader: Contender | undefined, upliftMax: number): boolean {
  if (leader === undefined || tier < leader.tier) return false;
  return tier > leader.tier || scoreBound(adSet, upliftMax) < leader.rankNanos;
}

/** Applies the hard rules. @returns null when they leave nothing. */
function propose(adSet: AdSetEntry, { inputs, snapshots, rules, quality, tally }: Deliberation): Proposal | null {
  if (quality.verdict === "house" && adSet.tier !== HOUSE_TIER) {
    tally.vetoed(adSet, [{ role: "quality", reason: quality.reason, rule: quality.rule }]);
    return null;
  }
  if (inputs.refusedCampaigns.includes(adSet.campaignId)) {
    tally.vetoed(adSet, [{ role: "pacing", reason: "budget", rule: "the wallet refused" }]);
    return null;
  }
  const gated = gate(adSet, snapshots.catalog, rules);
  if ("proposal" in gated) return gated.proposal;
  tally.vetoed(
    adSet,
    gated.vetoes.map((veto) => ({ role: "kernel", ...veto })),
  );
  return null;
}

/** Asks the safety roles, then scores what is left. */
function judge(wave: readonly Proposal[], deliberation: Deliberation): readonly Contender[] {
  const { inputs, roles, rules, reward, seed, tally } = deliberation;
  const free = new Map<AdSetEntry, Nanos>();
  const eligible = eligibleOf(wave, deliberation, free);
  if (eligible.length === 0) return [];
  const { context, capabilities } = inputs.request;
  const freeNanos = eligible.map(({ adSet }) => free.get(adSet) ?? 0);
  const throttle = roles.throttle({ proposals: eligible, freeNanos });
  const personalisation = roles.personalisation({ proposals: eligible, context, profile: capabilities.profile });
  const creative = roles.creative({ proposals: eligible });
  for (const verdict of [throttle, personalisation, creative]) tally.consulted(verdict);
  const contenders: Contender[] = [];
  eligible.forEach((proposal, position) => {
    const takesPart = Math.max(0, Math.min(1, throttle.answer.chances[position] ?? 1));
    const expectations = personalisation.answer.expectations[position] ?? [];
    const opinions = {
      reward,
      expectations,
      creative: creative.answer,
      upliftMax: inputs.upliftMax,
      position,
      takesPart,
    };
    const contender = contend(proposal, opinions, rules, seed);
    if ("worthless" in contender) {
      const { creative: best, terms, scoreNanos } = contender.worthless;
      const isCostly = terms.some(({ role }) => role === "reward");
      const veto = isCostly
        ? { role: "reward", reason: "listener-cost", rule: "worth more than the listener's time" }
        : { role: "kernel", reason: "worthless", rule: "a bid above 0" };
      tally.worthless(proposal.adSet, best.id, veto, terms, scoreNanos);
      return;
    }
    const { drawn } = contender;
    if (contender.isIn) tally.scored(proposal.adSet, drawn.creative.id, drawn.terms, drawn.scoreNanos);
    else tally.vetoed(proposal.adSet, [{ role: "throttle", reason: "paced", rule: `takes part ${share(takesPart)}` }]);
    contenders.push(contender);
  });
  return contenders;
}

const share = (chance: number): string => `in ${Math.round(chance * 100)} % of decisions`;

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

interface Objections {
  readonly role: string;
  readonly vetoes: readonly RoleVeto[];
}

/** What the objections leave: proposals with at least one creative that nobody vetoed. */
function without(wave: readonly Proposal[], objections: readonly Objections[], tally: Tally): readonly Proposal[] {
  if (objections.every(({ vetoes }) => vetoes.length === 0)) return wave;
  const rows = new Map<number, VetoRow[]>();
  const whole = new Set<number>();
  const single = new Map<number, Set<string>>();
  for (const { role, vetoes } of objections) {
    for (const { proposal, creativeId, reason, rule } of vetoes) {
      const listed = rows.get(proposal);
      if (listed === undefined) rows.set(proposal, [{ role, reason, rule }]);
      else listed.push({ role, reason, rule });
      if (creativeId === undefined) whole.add(proposal);
      else single.set(proposal, (single.get(proposal) ?? new Set()).add(creativeId));
    }
  }
  const left: Proposal[] = [];
  wave.forEach((proposal, position) => {
    const against = single.get(position);
    const creatives = whole.has(position) ? [] : proposal.creatives.filter(({ id }) => against?.has(id) !== true);
    if (creatives.length === 0) tally.vetoed(proposal.adSet, rows.get(position) ?? []);
    else left.push(creatives.length === proposal.creatives.length ? proposal : { ...proposal, creatives });
  });
  return left;
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

function winnerOf({ adSet, drawn: { creative, sale } }: Contender, rules: HardRules): Winner {
  return {
    adSet,
    creative,
    sale,
    mediaFiles: creative.mediaFiles.filter((file) => isPlayable(file, rules)),
  };
}
