import {
  initialPacing,
  secondPriceBid,
  shadowPrice,
  updatePacing,
} from "../../../actors/learning/pacing/dual-price.ts";
import { evenPlan } from "../../../actors/learning/pacing/spend-plan.ts";
import { streamFor } from "../worlds/chance.ts";

/** A log of second-price auctions, in order. */
export interface AuctionLog {
  /** What had to be paid to win, in the log's own unit. */
  readonly price: ArrayLike<number>;
  readonly click: ArrayLike<number>;
  /** What the bidder knows beforehand: predicted chance of a click. */
  readonly predicted: ArrayLike<number>;
}

export interface AuctionOutcome {
  readonly clicks: number;
  readonly impressions: number;
  /** Sum of the predicted chances of what was won. */
  readonly value: number;
  /** Mean over the episodes of |spent / budget − 1|. */
  readonly paceError: number;
}

interface Bidder {
  bid(value: number, at: number): number;
  paid(spent: number, shareGone: number): void;
}

/** A fresh bidder for each episode's budget; what it carries over is its own affair. */
export type BidderOf = (budget: number, auctions: number) => Bidder;

/** Plays the log in episodes, each with the same budget an auction. `value` is the predicted chance times the price of a click. */
export function playAuctions(
  log: AuctionLog,
  episode: number,
  budgetPerAuction: number,
  clickPrice: number,
  bidderOf: BidderOf,
): AuctionOutcome {
  const total = { clicks: 0, impressions: 0, value: 0, error: 0, episodes: 0 };
  for (let start = 0; start < log.price.length; start += episode) {
    const size = Math.min(episode, log.price.length - start);
    const budget = Math.round(budgetPerAuction * size);
    const bidder = bidderOf(budget, size);
    let left = budget;
    for (let auction = 0; auction < size; auction++) {
      const at = start + auction;
      const price = log.price[at] ?? 0;
      const bid = bidder.bid((log.predicted[at] ?? 0) * clickPrice, auction);
      const isWon = bid >= price && price <= left;
      if (isWon) {
        left -= price;
        total.impressions++;
        total.clicks += log.click[at] ?? 0;
        total.value += log.predicted[at] ?? 0;
      }
      bidder.paid(isWon ? price : 0, (auction + 1) / size);
    }
    total.error += Math.abs(left / budget);
    total.episodes++;
  }
  const { clicks, impressions, value } = total;
  return { clicks, impressions, value, paceError: total.error / total.episodes };
}

/** Bids the value until the budget is gone (`mcpc` of the published figures). */
export const greedyBidder = (): BidderOf => () => ({ bid: (value) => value, paid: () => {} });

/** Bids the value in a share of auctions that follows the even plan. */
export function throttledBidder(seed: number): BidderOf {
  const random = streamFor(seed, 50);
  let chance = 0.1;
  return (budget) => {
    let spent = 0;
    return {
      bid: (value) => (random() < chance ? value : 0),
      paid(amount, shareGone) {
        spent += amount;
        chance = Math.min(1, Math.max(0.002, chance * (spent / budget > shareGone ? 0.99 : 1.01)));
      },
    };
  };
}

/** The pacing learner; an episode starts with the price that the one before ended with. */
export function dualBidder(): BidderOf {
  let price = 1;
  return (budget, auctions) => {
    let state = initialPacing(budget, evenPlan(auctions), price);
    return {
      bid: (value) => secondPriceBid(value, price),
      paid(spentMicros, dayShare) {
        state = updatePacing(state, { opportunities: 1, spentMicros, dayShare });
        price = shadowPrice(state);
      },
    };
  };
}
