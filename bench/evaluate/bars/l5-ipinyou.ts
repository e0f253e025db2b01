import { type Bar, type BarContext, type Check, outcomeOf, skippedOutcome } from "../bar.ts";
import {
  type AuctionLog,
  type AuctionOutcome,
  dualBidder,
  greedyBidder,
  playAuctions,
  throttledBidder,
} from "../baselines/auctions.ts";
import type { Datasets } from "../datasets.ts";
import { overSeeds } from "../intervals.ts";

/* What bar L5 asks: budget pacing on a real price landscape, iPinYou's auction log of campaign 2997. */

const BUDGETS = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2] as const;
const EPISODES = [1_000, Infinity] as const;

interface ToolOutcome {
  readonly clicks: number;
  readonly value: number;
}
interface PacingReference {
  readonly pacing_ipinyou_2997: Record<string, { budget_per_episode: number } & Record<string, ToolOutcome>>;
}

export interface LoggedBudget {
  readonly episode: number;
  /** Share of the mean price of an auction that may be spent in each. */
  readonly share: number;
  readonly ours: AuctionOutcome;
  readonly greedy: AuctionOutcome;
  /** Means over the seeds. */
  readonly throttled: { readonly clicks: number; readonly value: number };
}

export const auctionLogBar: Bar = {
  id: "L5",
  title: "budget pacing on iPinYou's auction log, by value won (predicted clicks)",
  goal: "ahead of greedy and throttled pacing at every budget; clicks at 1/32 beside the published 48 / 71 / 78",
  usesWorld: false,
  async run(context) {
    if (context.datasets === null) return skippedOutcome("no datasets");
    const reference = context.datasets.reference as PacingReference;
    const budgets = playBudgets(context.datasets, context);
    const least = budgets.reduce((worst, each) => (lead(each) < lead(worst) ? each : worst));
    const published = budgets.find(({ episode, share }) => episode === 1_000 && share === 1 / 32);
    const tool = reference.pacing_ipinyou_2997["N=1000,c0=0.03125"];
    const checks: Check[] = [
      {
        name: `value over the better baseline's, least of ${budgets.length} budgets (${labelled(least)})`,
        figure: lead(least),
        interval: null,
        bar: 1,
        better: "above",
        baseline: 1,
        oracle: null,
      },
      {
        name: "clicks at 1/32 in episodes of 1,000, greedy as published 48",
        figure: published?.ours.clicks ?? 0,
        interval: null,
        bar: 48,
        better: "above",
        baseline: tool?.["greedy_mcpc_cold"]?.clicks ?? null,
        oracle: null,
      },
    ];
    return outcomeOf(checks, `published at 1/32: mcpc 48, linear 71, RLB 78. ${budgets.map(described).join("; ")}`);
  },
};

export function playBudgets(
  datasets: Datasets,
  { seeds, progress }: Pick<BarContext, "seeds" | "progress">,
): LoggedBudget[] {
  const csv = datasets.csv("pacing/ipinyou_2997.csv");
  const log: AuctionLog = {
    price: csv.numbers("market_price"),
    click: csv.numbers("click"),
    predicted: csv.numbers("pctr"),
  };
  const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((all, each) => all + each, 0);
  const clickPrice = sum(log.price) / sum(log.click);
  const { pacing_ipinyou_2997: reference } = datasets.reference as PacingReference;
  // The published budgets are shares of the training days' mean price, which only the reference's budgets tell.
  const meanPrice = ((reference["N=1000,c0=0.125"]?.budget_per_episode ?? 0) / 1_000) * 8;
  return EPISODES.flatMap((episode) =>
    BUDGETS.map((share): LoggedBudget => {
      progress(`L5 episodes of ${episode}, budget ${share}`);
      const size = Math.min(episode, csv.rows);
      const play = (bidder: ReturnType<typeof dualBidder>): AuctionOutcome =>
        playAuctions(log, size, meanPrice * share, clickPrice, bidder);
      const throttled = seeds.map((seed) => play(throttledBidder(seed)));
      return {
        episode: size,
        share,
        ours: play(dualBidder()),
        greedy: play(greedyBidder()),
        throttled: {
          clicks: overSeeds(throttled.map(({ clicks }) => clicks)).figure,
          value: overSeeds(throttled.map(({ value }) => value)).figure,
        },
      };
    }),
  );
}

const lead = ({ ours, greedy, throttled }: LoggedBudget): number =>
  ours.value / Math.max(greedy.value, throttled.value);
const labelled = ({ episode, share }: LoggedBudget): string => `1/${1 / share}, episodes of ${episode}`;
const described = (each: LoggedBudget): string =>
  `${labelled(each)}: ${each.ours.clicks} clicks, greedy ${each.greedy.clicks}, throttled ${each.throttled.clicks.toFixed(0)}`;
