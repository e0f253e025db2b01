import type { AdSetEntry } from "../../protocols/catalog-index.ts";
import type { VetoRow } from "../../protocols/decision-record.ts";
import type { Proposal, QualityAnswer, RoleVeto } from "../../protocols/roles.ts";
import type { Contender } from "./contender.ts";
import type { DecisionInputs, DecisionSnapshots, PlaceDecision, Roles, Winner } from "./decision.ts";
import { gate } from "./gate.ts";
import { type HardRules, isPlayable, isShowable } from "./hard-rules.ts";
import { type ActionSet, actionRows } from "./propensity.ts";
import type { Tally } from "./tally.ts";

/*
 * What the deliberation of one place and of several have in common.
 */

const HOUSE_TIER = 4;
/** Sponsorship and guaranteed: the contract decides, not the score. */
const CONTRACT_TIER_MAX = 1;

export interface Deliberation {
  readonly inputs: DecisionInputs;
  readonly snapshots: DecisionSnapshots;
  readonly roles: Roles;
  /** Of each slot of the request. */
  readonly rules: readonly HardRules[];
  readonly quality: QualityAnswer;
  readonly seed: string;
  readonly tally: Tally;
}

/** What stands against an ad set whatever the slot, or null. */
export function outright(adSet: AdSetEntry, { inputs, quality }: Deliberation): VetoRow | null {
  if (quality.verdict === "house" && adSet.tier !== HOUSE_TIER)
    return { role: "quality", reason: quality.reason, rule: quality.rule };
  if (inputs.refusedCampaigns.includes(adSet.campaignId))
    return { role: "pacing", reason: "budget", rule: "the wallet refused" };
  return null;
}

/** Applies the hard rules of one slot. @returns what they leave, or what they have against it. */
export function gated(adSet: AdSetEntry, rules: HardRules, { snapshots }: Deliberation): Proposal | readonly VetoRow[] {
  const passed = gate(adSet, snapshots.catalog, rules);
  if ("proposal" in passed) return passed.proposal;
  return passed.vetoes.map((veto) => ({ role: "kernel", ...veto }));
}

export interface Objections {
  readonly role: string;
  readonly vetoes: readonly RoleVeto[];
}

/** What the objections leave: proposals with at least one creative that nobody vetoed. */
export function without(
  wave: readonly Proposal[],
  objections: readonly Objections[],
  tally: Tally,
): readonly Proposal[] {
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

/** The row of a contender that the throttle held back. */
export const heldBack = (chance: number): VetoRow => ({
  role: "throttle",
  reason: "paced",
  rule: `takes part in ${Math.round(chance * 100)} % of decisions`,
});

/** The row of an ad set of which no creative is worth more than it costs. */
export const worthless = (isCostly: boolean): VetoRow =>
  isCostly
    ? { role: "reward", reason: "listener-cost", rule: "worth more than the listener's time" }
    : { role: "kernel", reason: "worthless", rule: "a bid above 0" };

/** What comes of a place whose winner was drawn from the set. @param chosen undefined: no ad. */
export function outcomeOf(set: ActionSet, chosen: Contender | undefined, rules: HardRules): PlaceDecision {
  const actions = { actions: actionRows(set), noAdProbability: set.noAd };
  if (chosen === undefined) return { ...actions, winner: null, propensity: set.noAd, explore: false };
  return {
    ...actions,
    winner: winnerOf(chosen, rules),
    propensity: (set.served.get(chosen) ?? 1) * chosen.drawn.chance,
    explore: chosen.tier > CONTRACT_TIER_MAX,
  };
}

function winnerOf({ adSet, drawn: { creative, sale } }: Contender, rules: HardRules): Winner {
  return {
    adSet,
    creative,
    sale,
    slot: rules.slot,
    mediaFiles: creative.mediaFiles.filter((file) => isPlayable(file, rules)),
    companions: creative.companions.filter((companion) => isShowable(companion, rules)),
  };
}
