import { drawLognormal, streamFor } from "./chance.ts";

/*
 * Campaigns that share one day's slots at first price: who wins a slot pays its own bid, so a campaign's budget buys a fixed number of
 * impressions and the question is which. Values spread by audience match (log-sd .5, [A] of learning.md 2: slot value).
 */

export interface PacingWorld {
  readonly campaigns: readonly PacedCampaign[];
  readonly slots: number;
  /** Share of the day gone at each slot, ascending. */
  readonly dayShare: Float64Array;
  /** Candidates of slot s: positions `starts[s]` to `starts[s + 1]` of the two arrays below. */
  readonly starts: Uint32Array;
  readonly candidate: Uint32Array;
  /** Advertiser micros that the candidate's impression is worth. */
  readonly valueMicros: Float64Array;
}

export interface PacedCampaign {
  readonly budgetMicros: number;
  /** First price an impression. */
  readonly costMicros: number;
  /** Opportunities by 24th of the day before, from which the spend plan is made. */
  readonly historic: readonly number[];
}

export interface PacingWorldOptions {
  readonly seed: number;
  readonly campaigns: number;
  readonly slots: number;
  /**
   * balanced: today's supply is like yesterday's, up to chance. supply-shift: the morning brings 30 % less than yesterday's and the
   * evening 40 % more, and slots are worth more in the evening (a sports night).
   */
  readonly supply: "balanced" | "supply-shift" | "scarce" | "flood" | "early";
}

/** Candidates a slot on average; targeting keeps most campaigns out of most slots. */
const CANDIDATES = 8;
/** Demand over supply: budgets add up to this share of the day's slots. */
const DEMAND = 0.6;

export function drawPacingWorld(options: PacingWorldOptions): PacingWorld {
  const random = streamFor(options.seed, 4, options.supply === "balanced" ? 0 : 1);
  const { campaigns: count, slots } = options;
  const reach = Array.from({ length: count }, () => drawLognormal(0.4, random));
  const reachSum = reach.reduce((sum, each) => sum + each, 0);
  const SC = options.supply==='scarce'?.75:options.supply==='flood'?1.4:1;  const chance = reach.map((each) => Math.min(0.9, SC*(each / reachSum) * CANDIDATES));
  const dayShare = drawDay(slots, options.supply, random);
  const starts = new Uint32Array(slots + 1);
  const candidate: number[] = [];
  const valueMicros: number[] = [];
  const costs = Array.from({ length: count }, () => 15_000 * drawLognormal(0.3, random));
  const met = new Float64Array(count);
  for (let slot = 0; slot < slots; slot++) {
    const lift = options.supply === "supply-shift" && (dayShare[slot] ?? 0) > 0.7 ? 1.15 : 1;
    for (let k = 0; k < count; k++) {
      if (random() >= (chance[k] ?? 0)) continue;
      candidate.push(k);
      valueMicros.push((costs[k] ?? 0) * drawLognormal(0.5, random) * lift);
      met[k] = (met[k] ?? 0) + 1;
    }
    starts[slot + 1] = candidate.length;
  }
  const historicDay = drawDay(slots, "balanced", random);
  const shape = new Array<number>(24).fill(0);
  for (const at of historicDay) shape[Math.min(23, Math.floor(at * 24))] = (shape[Math.min(23, Math.floor(at * 24))] ?? 0) + 1;
  const appetite = Array.from({ length: count }, () => drawLognormal(0.4, random));
  const appetiteMean = appetite.reduce((sum, each) => sum + each, 0) / count;
  const campaigns = costs.map((costMicros, k) => {
    const yesterday = (chance[k] ?? 0) /SC* drawLognormal(0.05, random);
    const impressions = (DEMAND / CANDIDATES) * slots * (chance[k] ?? 0)/SC * ((appetite[k] ?? 1) / appetiteMean);
    return { costMicros, budgetMicros: Math.floor(impressions) * costMicros, historic: shape.map((each) => each * yesterday) };
  });
  return { campaigns, slots, dayShare, starts, candidate: Uint32Array.from(candidate), valueMicros: Float64Array.from(valueMicros) };
}

/** Moments of slots over the day: few at night, most in the evening. */
function drawDay(slots: number, supply: PacingWorldOptions["supply"], random: () => number): Float64Array {
  const weights = Array.from({ length: 24 }, (_, hour) => {
    const usual = 1 + 0.8 * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
    if (supply === "balanced"||supply==="scarce"||supply==="flood") return usual;
    if (supply === 'early') return usual * (hour < 12 ? 1.4 : 0.7);
    return usual * (hour < 12 ? 0.7 : 1.4);
  });
  const total = weights.reduce((sum, each) => sum + each, 0);
  const at = new Float64Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    let left = random() * total;
    let hour = 0;
    while (hour < 23 && left >= (weights[hour] ?? 0)) left -= weights[hour++] ?? 0;
    at[slot] = (hour + random()) / 24;
  }
  return at.sort();
}
