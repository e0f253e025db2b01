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
  readonly supply: Supply;
}

/**
 * How today's supply differs from yesterday's, from which the plan was made. balanced: by chance only. supply-shift: the morning brings
 * 30 % less, the evening 40 % more, and late slots are worth 15 % more. The others are the same with signs changed, and whole days.
 */
export type Supply = keyof typeof SUPPLIES;
export const SUPPLIES = {
  balanced: { morning: 1, evening: 1, day: 1, lateValue: 1 },
  "supply-shift": { morning: 0.7, evening: 1.4, day: 1, lateValue: 1.15 },
  "early-shift": { morning: 1.4, evening: 0.7, day: 1, lateValue: 1 },
  scarce: { morning: 1, evening: 1, day: 0.75, lateValue: 1 },
  plenty: { morning: 1, evening: 1, day: 1.4, lateValue: 1 },
} as const;

/** Candidates a slot on average; targeting keeps most campaigns out of most slots. */
const CANDIDATES = 8;
/** Demand over supply: budgets add up to this share of the day's slots. */
const DEMAND = 0.6;

export function drawPacingWorld(options: PacingWorldOptions): PacingWorld {
  const random = streamFor(options.seed, 4, Object.keys(SUPPLIES).indexOf(options.supply));
  const { campaigns: count, slots } = options;
  const { day, lateValue } = SUPPLIES[options.supply];
  const reach = Array.from({ length: count }, () => drawLognormal(0.4, random));
  const reachSum = sum(reach);
  const usualChance = reach.map((each) => Math.min(0.6, (each / reachSum) * CANDIDATES));
  const dayShare = drawDay(slots, options.supply, random);
  const starts = new Uint32Array(slots + 1);
  const candidate: number[] = [];
  const valueMicros: number[] = [];
  const costs = Array.from({ length: count }, () => 15_000 * drawLognormal(0.3, random));
  for (let slot = 0; slot < slots; slot++) {
    const lift = (dayShare[slot] ?? 0) > 0.7 ? lateValue : 1;
    for (let k = 0; k < count; k++) {
      if (random() >= day * (usualChance[k] ?? 0)) continue;
      candidate.push(k);
      valueMicros.push((costs[k] ?? 0) * drawLognormal(0.5, random) * lift);
    }
    starts[slot + 1] = candidate.length;
  }
  const yesterday = new Array<number>(24).fill(0);
  for (const at of drawDay(slots, "balanced", random)) {
    const part = Math.min(23, Math.floor(at * 24));
    yesterday[part] = (yesterday[part] ?? 0) + 1;
  }
  const appetite = Array.from({ length: count }, () => drawLognormal(0.4, random));
  const campaigns = costs.map((costMicros, k) => {
    const chance = usualChance[k] ?? 0;
    const seen = chance * drawLognormal(0.05, random);
    const impressions = (DEMAND / CANDIDATES) * slots * chance * ((appetite[k] ?? 1) / (sum(appetite) / count));
    return {
      costMicros,
      budgetMicros: Math.floor(impressions) * costMicros,
      historic: yesterday.map((each) => each * seen),
    };
  });
  return {
    campaigns,
    slots,
    dayShare,
    starts,
    candidate: Uint32Array.from(candidate),
    valueMicros: Float64Array.from(valueMicros),
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

/** Moments of slots over the day, ascending: few at night, most in the evening. */
function drawDay(slots: number, supply: Supply, random: () => number): Float64Array {
  const { morning, evening } = SUPPLIES[supply];
  const weights = Array.from({ length: 24 }, (_, hour) => {
    const usual = 1 + 0.8 * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
    return usual * (hour < 12 ? morning : evening);
  });
  const total = sum(weights);
  const at = new Float64Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    let left = random() * total;
    let hour = 0;
    while (hour < 23 && left >= (weights[hour] ?? 0)) left -= weights[hour++] ?? 0;
    at[slot] = (hour + random()) / 24;
  }
  return at.sort();
}
