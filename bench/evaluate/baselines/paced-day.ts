import type { PacedCampaign, PacingWorld } from "../worlds/pacing-world.ts";

/** A policy's side of one day. It never sees a slot before the slot comes. */
export interface PacingPolicy {
  /** What the campaign offers for a slot of this value at its cost; a slot goes to the highest offer above 0. */
  offer(campaign: number, valueMicros: number, costMicros: number): number;
  /** After each slot, for every candidate that could have paid for it: what it spent. */
  learn(campaign: number, spentMicros: number, dayShare: number): void;
}

export interface PacedDay {
  /** Sum of the values of the slots won, in micros. */
  readonly valueMicros: number;
  readonly spentMicros: Float64Array;
  /** Share of its opportunities that a campaign met after its budget was gone, by campaign. */
  readonly dryShare: Float64Array;
  /** Mean over 24 moments of the day of |spent share − planned share|, by campaign. */
  readonly trackError: Float64Array;
}

/** Plays one day. A campaign whose rest is below the price takes no part: overspend is impossible (D16). */
export function playDay(
  world: PacingWorld,
  policy: PacingPolicy,
  planned: (campaign: PacedCampaign, dayShare: number) => number,
): PacedDay {
  const count = world.campaigns.length;
  const spent = new Float64Array(count);
  const met = new Float64Array(count);
  const dry = new Float64Array(count);
  const track = new Float64Array(count);
  let value = 0;
  let moment = 1;
  for (let slot = 0; slot < world.slots; slot++) {
    const at = world.dayShare[slot] ?? 0;
    while (at > moment / 25) addTrackErrors(world, spent, track, moment++ / 25, planned);
    let winner = -1;
    let best = 0;
    let worth = 0;
    const end = world.starts[slot + 1] ?? 0;
    for (let position = world.starts[slot] ?? 0; position < end; position++) {
      const k = world.candidate[position] ?? 0;
      const campaign = world.campaigns[k];
      if (campaign === undefined) continue;
      met[k] = (met[k] ?? 0) + 1;
      if (campaign.budgetMicros - (spent[k] ?? 0) < campaign.costMicros) {
        dry[k] = (dry[k] ?? 0) + 1;
        continue;
      }
      const valueMicros = world.valueMicros[position] ?? 0;
      const offered = policy.offer(k, valueMicros, campaign.costMicros);
      if (offered <= best) continue;
      [winner, best, worth] = [k, offered, valueMicros];
    }
    if (winner >= 0) {
      spent[winner] = (spent[winner] ?? 0) + (world.campaigns[winner]?.costMicros ?? 0);
      value += worth;
    }
    for (let position = world.starts[slot] ?? 0; position < end; position++) {
      const k = world.candidate[position] ?? 0;
      policy.learn(k, k === winner ? (world.campaigns[k]?.costMicros ?? 0) : 0, at);
    }
  }
  return {
    valueMicros: value,
    spentMicros: spent,
    dryShare: dry.map((each, k) => each / Math.max(1, met[k] ?? 1)),
    trackError: track.map((each) => each / (moment - 1)),
  };
}

function addTrackErrors(
  world: PacingWorld,
  spent: Float64Array,
  track: Float64Array,
  at: number,
  planned: (campaign: PacedCampaign, dayShare: number) => number,
): void {
  world.campaigns.forEach((campaign, k) => {
    const share = campaign.budgetMicros > 0 ? (spent[k] ?? 0) / campaign.budgetMicros : 0;
    track[k] = (track[k] ?? 0) + Math.abs(share - planned(campaign, at));
  });
}
