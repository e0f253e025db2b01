import {
  effectVariances,
  initialTransfer,
  transferredPriors,
  updateTransfer,
} from "../../../actors/learning/transfer/platform-effects.ts";
import { type Bar, type BarContext, type Check, outcomeOf } from "../bar.ts";
import { temperedThompson } from "../baselines/creative.ts";
import { type Measured, overSeeds } from "../intervals.ts";
import { playCampaign } from "../worlds/creative-world.ts";
import { drawPlatformCampaign } from "../worlds/platform-world.ts";

/*
 * What bar L7 asks: a campaign starts on a fourth platform, with what it and others did on three; how much of the gap from random to
 * the best creative is closed over its first 2,000 impressions there. The creative learner is the same in both arms, only its prior differs.
 */

const IMPRESSIONS = 2_000;
/** Ten days for the first 2,000 impressions of a new platform, so that delayed conversions can come. */
const PER_DAY = 200;
const BARS: readonly (readonly [correlation: number, bar: number])[] = [
  [0.95, 0.85],
  [0.8, 0.7],
  [0.5, 0.45],
];
/** Campaigns of the same advertiser whose effects the transfer learner has seen, and how many of them start anew. */
const KNOWN = 13;
const STARTING = 5;

interface Share {
  readonly transferred: number;
  readonly campaignMean: number;
  readonly correlation: number;
}

export const transferBar: Bar = {
  id: "L7",
  title: "transfer to a new platform: gap closed over its first 2,000 impressions, by the correlation of effects",
  goal: "correlation .95 / .8 / .5: ≥ 0.85 / 0.70 / 0.45; at 0 not worse than the campaign's mean (interval)",
  usesWorld: false,
  async run(context) {
    const checks: Check[] = [];
    const notes: string[] = [];
    for (const [correlation, bar] of BARS) {
      const shares = await sharesAt(correlation, context);
      const of = (name: keyof Share): Measured => overSeeds(shares.map((share) => share[name]));
      notes.push(`correlation ${correlation} estimated as ${of("correlation").figure.toFixed(2)}`);
      checks.push({
        name: `gap closed at correlation ${correlation}`,
        ...of("transferred"),
        bar,
        better: "above",
        baseline: of("campaignMean").figure,
        oracle: 1,
      });
    }
    const unrelated = await sharesAt(0, context);
    const difference = overSeeds(unrelated.map(({ transferred, campaignMean }) => transferred - campaignMean));
    checks.push({
      name: "upper end of (transferred − campaign mean) at correlation 0",
      figure: difference.interval[1],
      interval: difference.interval,
      bar: 0,
      better: "above",
      baseline: null,
      oracle: null,
    });
    return outcomeOf(checks, notes.join("; "));
  },
};

async function sharesAt(correlation: number, context: BarContext): Promise<Share[]> {
  const advertisers = context.short ? 12 : 60;
  const shares: Share[] = [];
  for (const seed of context.seeds) {
    context.progress(`L7 correlation ${correlation}, seed ${seed}`);
    const parameters = { advertisers, impressions: IMPRESSIONS, perDay: PER_DAY, known: KNOWN };
    shares.push(
      await context.remember(seed, `correlation ${correlation}`, parameters, () =>
        playSeed(seed, correlation, advertisers),
      ),
    );
  }
  return shares;
}

function playSeed(seed: number, correlation: number, advertisers: number): Share {
  const sums = { transferred: 0, campaignMean: 0, possible: 0, correlation: 0 };
  for (let advertiser = 0; advertiser < advertisers; advertiser++) {
    const first = (seed * 1_000 + advertiser) * KNOWN;
    const campaigns = Array.from({ length: KNOWN }, (_, campaign) =>
      drawPlatformCampaign({
        seed: first + campaign,
        correlation,
        responseRate: 0.02,
        effectLogSd: 0.4,
        impressionsBefore: 2_000,
      }),
    );
    let state = initialTransfer();
    campaigns.forEach(({ evidence }, k) => (state = updateTransfer(state, `campaign-${k}`, evidence)));
    sums.correlation += effectVariances(state).correlation / advertisers;
    campaigns.slice(0, STARTING).forEach(({ evidence, rates }, k) => {
      const priors = Object.fromEntries(transferredPriors(state, evidence, "smart"));
      const play = (name: "transferred" | "campaignMean", prior: typeof priors): number => {
        const options = { seed: first + k, responseRate: 0.02, effectLogSd: 0.4, genreLogSd: 0, rates };
        const world = { ...options, impressions: IMPRESSIONS, impressionsPerDay: PER_DAY };
        const [gap] = playCampaign(world, (creatives) => temperedThompson(creatives, first + k, prior), [IMPRESSIONS]);
        sums[name] += gap?.gained ?? 0;
        return gap?.possible ?? 0;
      };
      sums.possible += play("transferred", priors);
      play("campaignMean", {});
    });
  }
  const { transferred, campaignMean, possible } = sums;
  return { transferred: transferred / possible, campaignMean: campaignMean / possible, correlation: sums.correlation };
}
