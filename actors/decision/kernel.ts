import type { AdSetEntry, CreativeEntry } from "../../protocols/catalog-index.ts";
import type { TermRow, VetoRow } from "../../protocols/decision-record.ts";
import type { Proposal, RoleVeto } from "../../protocols/roles.ts";
import { countBits, nextBit } from "./bitmap.ts";
import type { Decision, DecisionInputs, DecisionSnapshots, Roles, Winner } from "./decision.ts";
import { draw, pick } from "./draw.ts";
import { adSetVeto, creativeVeto, floorCpmMicros, type HardRules, hardRules, isPlayable } from "./hard-rules.ts";
import { Tally } from "./tally.ts";

/*
 * The kernel (D13): propose, veto, score, decide. Owns the order of the roles and the arithmetic of the choice; no state, no time,
 * no chance but the seed. V1: what a hard rule or a safety role vetoes is never served. A2: with the same seed, a higher bid never
 * loses what a lower one won. A3: a lower tier never beats an eligible higher one.
 */

/** Candidates are judged in waves of growing size, so that a clear winner near the top costs little. */
const WAVE_MIN = 8;
const WAVE_MAX = 256;

interface Contender {
  readonly adSet: AdSetEntry;
  readonly creative: CreativeEntry;
  readonly chance: number;
  readonly scoreNanos: number;
  readonly standIn: string | undefined;
}

interface Deliberation {
  readonly inputs: DecisionInputs;
  readonly snapshots: DecisionSnapshots;
  readonly roles: Roles;
  readonly rules: HardRules;
  readonly seed: string;
  readonly tally: Tally;
}

/** Decides which ad, if any, is heard next: the same inputs, snapshots, verdicts and seed give the same decision, bit for bit. */
export function decide(inputs: DecisionInputs, snapshots: DecisionSnapshots, roles: Roles, seed: string): Decision {
  const tally = new Tally(snapshots.catalog);
  const rules = hardRules(inputs.request, inputs.nowMs);
  const reached = roles.audience({ index: snapshots.catalog, context: inputs.request.context });
  tally.consulted(reached);
  const best = deliberate({ inputs, snapshots, roles, rules, seed, tally }, reached.answer.words);
  const chosen = best[Math.floor(draw(seed, "tie", "") * best.length)];
  if (chosen?.standIn !== undefined) tally.defaulted("creative", chosen.standIn);
  return {
    winner: chosen === undefined ? null : winnerOf(chosen, rules),
    nbr: chosen === undefined ? tally.noBidReason() : null,
    propensity: chosen === undefined ? 1 : chosen.chance / best.length,
    candidates: tally.rows,
    vetoCounts: tally.vetoCounts,
    proposed: countBits(reached.answer.words),
    considered: tally.considered,
    roles: tally.roles,
  };
}

/**
 * Walks the proposals by tier and bid until no other can win. The bid is the most a candidate can score, as every other term is a
 * cost; so the walk ends at the first whose bid is below the best score, or whose tier is below the winner's.
 * @returns the best, all of one score.
 */
function deliberate(deliberation: Deliberation, words: readonly number[]): readonly Contender[] {
  const { adSets } = deliberation.snapshots.catalog;
  let best: readonly Contender[] = [];
  let size = WAVE_MIN;
  for (let at = nextBit(words, 0); at !== -1 && at < adSets.length;) {
    const tier = adSets[at]?.tier ?? 0;
    const wave: Proposal[] = [];
    const leader = best[0];
    for (let seen = 0; seen < size && at !== -1; seen++) {
      const adSet = adSets[at];
      if (adSet === undefined || adSet.tier !== tier || isBeaten(adSet, leader)) break;
      const proposal = propose(adSet, deliberation);
      if (proposal !== null) wave.push(proposal);
      at = nextBit(words, at + 1);
    }
    if (wave.length > 0) best = bestOf(best, judge(wave, deliberation));
    const next = adSets[at];
    if (next === undefined || isBeaten(next, best[0])) break;
    size = Math.min(size * 2, WAVE_MAX);
  }
  return best;
}

function isBeaten(adSet: AdSetEntry, leader: Contender | undefined): boolean {
  return leader !== undefined && (adSet.tier > leader.adSet.tier || adSet.bidCpmMicros < leader.scoreNanos);
}

/** Applies the hard rules. @returns null when they leave nothing. */
function propose(adSet: AdSetEntry, { inputs, snapshots, rules, tally }: Deliberation): Proposal | null {
  if (inputs.refusedCampaigns.includes(adSet.campaignId)) {
    tally.vetoed(adSet, [{ role: "pacing", reason: "budget", rule: "the wallet refused" }]);
    return null;
  }
  const veto = adSetVeto(adSet, rules);
  if (veto !== null) {
    tally.vetoed(adSet, [{ role: "kernel", ...veto }]);
    return null;
  }
  const creatives: CreativeEntry[] = [];
  const vetoes: VetoRow[] = [];
  for (const ordinal of adSet.creatives) {
    const creative = snapshots.catalog.creatives[ordinal];
    if (creative === undefined) continue;
    const against = creativeVeto(creative, adSet.bidCpmMicros, rules);
    if (against === null) creatives.push(creative);
    else vetoes.push({ role: "kernel", ...against });
  }
  if (creatives.length > 0) return { adSet, creatives };
  tally.vetoed(adSet, vetoes);
  return null;
}

/** Asks the safety roles, then scores what is left. */
function judge(wave: readonly Proposal[], { inputs, roles, seed, tally }: Deliberation): readonly Contender[] {
  const frequency = roles.frequency({ proposals: wave, sessionStartedMs: inputs.sessionStartedMs });
  const separation = roles.separation({ proposals: wave });
  tally.consulted(frequency);
  tally.consulted(separation);
  // A set union: the order in which the roles object does not matter.
  const proposals = without(
    wave,
    [
      { role: "frequency", vetoes: frequency.answer.vetoes },
      { role: "separation", vetoes: separation.answer.vetoes },
    ],
    tally,
  );
  if (proposals.length === 0) return [];
  const pacing = roles.pacing({ proposals, freeNanos: proposals.map(({ adSet }) => roles.freeNanos(adSet)) });
  tally.consulted(pacing);
  const eligible = without(proposals, [{ role: "pacing", vetoes: pacing.answer.vetoes }], tally);
  if (eligible.length === 0) return [];
  const creative = roles.creative({ proposals: eligible });
  tally.consulted(creative);
  const contenders: Contender[] = [];
  eligible.forEach(({ adSet, creatives }, position) => {
    const chances = creative.answer.chances[position] ?? [];
    const chosen = creatives.length === 1 ? 0 : pick(chances, draw(seed, "creative", adSet.id));
    const heard = creatives[chosen];
    if (heard === undefined) return;
    const terms: TermRow[] = [{ role: "audience", nanos: adSet.bidCpmMicros, why: "bid" }];
    const scoreNanos = terms.reduce((sum, term) => sum + term.nanos, 0);
    tally.scored(adSet, heard.id, terms, scoreNanos);
    const standIn = creative.answer.defaults[position];
    contenders.push({ adSet, creative: heard, chance: chances[chosen] ?? 1, scoreNanos, standIn });
  });
  return contenders;
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

/** Keeps the highest of the highest tier, if it is worth anything: a best score of 0 or less is no ad. */
function bestOf(before: readonly Contender[], contenders: readonly Contender[]): readonly Contender[] {
  let best = [...before];
  for (const contender of contenders) {
    if (contender.scoreNanos <= 0) continue;
    const [leader] = best;
    const lead = leader === undefined ? 1 : rankOf(contender, leader);
    if (lead > 0) best = [contender];
    else if (lead === 0) best.push(contender);
  }
  return best;
}

/** Positive when `one` ranks above `other`: the tier comes before any score (A3). */
function rankOf(one: Contender, other: Contender): number {
  return one.adSet.tier === other.adSet.tier ? one.scoreNanos - other.scoreNanos : other.adSet.tier - one.adSet.tier;
}

function winnerOf({ adSet, creative }: Contender, rules: HardRules): Winner {
  return {
    adSet,
    creative,
    mediaFiles: creative.mediaFiles.filter((file) => isPlayable(file, rules)),
    priceNanos: adSet.bidCpmMicros,
    floorCpmMicros: floorCpmMicros(rules.slot, creative.durationMs),
  };
}
