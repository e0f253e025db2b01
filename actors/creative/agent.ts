import { z } from "zod";
import type { AdSetEntry } from "../../protocols/catalog-index.ts";
import { Id } from "../../protocols/ids.ts";
import {
  CHANCE_UNITS,
  type CreativeTable,
  creativeTopic,
  learntGenre,
} from "../../protocols/messages/creative-learner.ts";
import type { AheadAd, CommittedDecision, CreativeAnswer, CreativeRequest, Proposal } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";
import { creativeChances } from "../learning/creative/allocation.ts";

/** Ad sets whose place in the sequence one listener keeps; the one longest unheard is forgotten first. */
const SEQUENCES_MAX = 32;

/** The place in the sequence heard last, by ad set with sequential rotation; the ad set heard last is at the end. */
const CreativePart = z.object({ last: z.array(z.tuple([Id, z.int()])) });
export type CreativePart = z.infer<typeof CreativePart>;

/**
 * A distribution over each proposal's creatives by the ad set's rotation. `optimised` draws from what the campaign's learner has
 * published; until it has, weights stand in, and the answer says so.
 */
export const creativeAgent = defineAgent<CreativeRequest, CreativeAnswer, CreativePart, CommittedDecision>({
  role: "creative",
  variant: "default",
  version: "2",
  purpose: "scoring",
  part: { version: 1, schema: CreativePart, personal: true },
  answer({ proposals, context, ahead = [] }, { part, snapshot }) {
    const defaults: Record<number, string> = {};
    const chances = proposals.map((proposal, position) => {
      const { adSet } = proposal;
      if (proposal.creatives.length === 1) return [1];
      if (adSet.rotation === "even") return even(proposal);
      if (adSet.rotation === "sequential") return sequential(proposal, part, ahead);
      if (adSet.rotation !== "optimised") return weighted(proposal);
      const table = snapshot(creativeTopic(adSet.campaignId)) as CreativeTable | undefined;
      if (table !== undefined) return learnt(proposal, table, learntGenre(context.genres));
      defaults[position] = "optimised: weighted";
      return weighted(proposal);
    });
    return { chances, defaults };
  },
  whenFailing: ({ proposals }) => ({
    chances: proposals.map(even),
    defaults: Object.fromEntries(proposals.map(({ adSet }, position) => [position, `${adSet.rotation}: even`])),
  }),
  onCommitted(part, { adSet, creative }) {
    if (adSet.rotation !== "sequential" || adSet.creatives.length < 2) return part;
    const others = (part?.last ?? []).filter(([adSetId]) => adSetId !== adSet.id);
    return { last: [...others.slice(1 - SEQUENCES_MAX), [adSet.id, adSet.creatives.indexOf(creative.ordinal)]] };
  },
});

/** Every creative the same, whatever the ad set's rotation says: what an experiment compares with. */
export const evenCreativeAgent = defineAgent<CreativeRequest, CreativeAnswer>({
  role: "creative",
  variant: "even",
  version: "1",
  purpose: "scoring",
  answer: ({ proposals }) => ({ chances: proposals.map(even), defaults: {} }),
  whenFailing: ({ proposals }) => ({ chances: proposals.map(even), defaults: {} }),
});

/** The table's chances over the creatives that are left; one that it does not know yet gets a start, and those it has stopped count as 0. */
function learnt(proposal: Proposal, { chances, effects }: CreativeTable, genre: number): number[] {
  // Of eight rows a decision needs one.
  const row = (chances[genre] ?? []).map((units) => units / CHANCE_UNITS);
  const snapshot = { creativeIds: effects.map(({ creativeId }) => creativeId), chances: [row] };
  return creativeChances(
    snapshot,
    0,
    proposal.creatives.map(({ id }) => id),
  );
}

function even({ creatives }: Proposal): number[] {
  return creatives.map(() => 1 / creatives.length);
}

/** By the weights of those that are left; all at 0 count the same. */
function weighted(proposal: Proposal): number[] {
  const weights = proposal.creatives.map((creative) => weightOf(proposal.adSet, creative.ordinal));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return total > 0 ? weights.map((weight) => weight / total) : even(proposal);
}

function weightOf(adSet: AdSetEntry, ordinal: number): number {
  return adSet.weights[adSet.creatives.indexOf(ordinal)] ?? 0;
}

/** The next of the ad set's order that is left, after the one this listener heard last. */
function sequential(
  { adSet, creatives }: Proposal,
  part: CreativePart | undefined,
  ahead: readonly AheadAd[],
): number[] {
  const own = ahead.findLast((each) => each.adSet.id === adSet.id);
  const known = part?.last.find(([adSetId]) => adSetId === adSet.id)?.[1] ?? -1;
  const heard = own === undefined ? known : adSet.creatives.indexOf(own.creative.ordinal);
  const count = adSet.creatives.length;
  const distances = creatives.map(({ ordinal }) => (adSet.creatives.indexOf(ordinal) - heard - 1 + count) % count);
  const next = distances.indexOf(Math.min(...distances));
  return creatives.map((_, position) => (position === next ? 1 : 0));
}
