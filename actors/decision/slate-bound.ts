import { type SlatePlace, type SlateProblem, TIERS } from "./slate.ts";
import type { SlateState } from "./slate-state.ts";

/** What could still be had from a place on: each ad once, as it is worth most. */
interface Prospect {
  readonly ad: number;
  readonly tier: number;
  readonly nanos: number;
  /** Its rank among all of them. */
  readonly rank: number;
}

/**
 * The most that the rest of an answer can be worth, relaxed twice: the best ads that are left, as many as there are places, whatever
 * keeps them apart; and the same with the time at a price instead of a bound (Lagrange's relaxation).
 */
export class SlateBound {
  readonly #problem: SlateProblem;
  readonly #state: SlateState;
  /** By place: what is left from there on, the best first. */
  readonly #prospects: readonly (readonly Prospect[])[];
  /** By tier, what a millisecond is worth. */
  readonly #msWorth: readonly number[];
  /** By place and tier, those that are worth more than their time, by how much. */
  readonly #beyond: readonly (readonly (readonly Prospect[])[])[];
  /** Whether the places from here on are all of one kind. */
  readonly #isAlike: readonly boolean[];

  constructor(problem: SlateProblem, state: SlateState) {
    this.#problem = problem;
    this.#state = state;
    const { places } = problem;
    this.#prospects = places.map((_, from) => prospectsOf(places.slice(from)));
    this.#isAlike = places.map(({ kind }, from) => places.slice(from).every((place) => place.kind === kind));
    this.#msWorth = Array.from({ length: TIERS }, (_, tier) => this.#dearestMs(tier));
    this.#beyond = this.#prospects.map((prospects) =>
      this.#msWorth.map((msWorth, tier) =>
        prospects
          .filter((prospect) => prospect.tier === tier && this.#beyondTime(prospect, msWorth) > 0)
          .sort((one, other) => this.#beyondTime(other, msWorth) - this.#beyondTime(one, msWorth)),
      ),
    );
  }

  /** Whether the places from `at` on, with options from `from` on, may add up to more than `best`. */
  mayExceed(best: readonly number[], at: number, from: number): boolean {
    const first = this.#isAlike[at] === true ? from : 0;
    const most = this.#mostByCount(at, first);
    const leftMs = this.#msFrom(at);
    for (let tier = 0; tier < TIERS; tier++) {
      const count = most[tier] ?? 0;
      const timed = leftMs === Infinity ? Infinity : this.#mostByTime(at, tier, first, leftMs);
      const bound = (this.#state.worth[tier] ?? 0) + Math.min(count, timed);
      if (bound !== (best[tier] ?? 0)) return bound > (best[tier] ?? 0);
      // With fewer ads of this tier than were counted, more of the next would have room.
      if (timed < count) return true;
    }
    return false;
  }

  #mostByCount(at: number, first: number): readonly number[] {
    const most = new Array<number>(TIERS).fill(0);
    let room = this.#problem.places.length - at;
    for (const { ad, tier, nanos, rank } of this.#prospects[at] ?? []) {
      if (room === 0) break;
      if (rank < first || this.#state.isGone(ad, at)) continue;
      most[tier] = (most[tier] ?? 0) + nanos;
      room -= 1;
    }
    return most;
  }

  #mostByTime(at: number, tier: number, first: number, timeMs: number): number {
    const msWorth = this.#msWorth[tier] ?? 0;
    let room = this.#problem.places.length - at;
    let most = msWorth * timeMs;
    for (const prospect of this.#beyond[at]?.[tier] ?? []) {
      if (room === 0) break;
      if (prospect.rank < first || this.#state.isGone(prospect.ad, at)) continue;
      most += this.#beyondTime(prospect, msWorth);
      room -= 1;
    }
    // Worth is whole, so a bound may be cut; the tolerance swallows what binary fractions take away.
    return Math.floor(most + 1e-3);
  }

  /** The price of a millisecond at which the bound of the whole answer is lowest; any price gives a bound. */
  #dearestMs(tier: number): number {
    const prospects = (this.#prospects[0] ?? []).filter((prospect) => prospect.tier === tier);
    const timeMs = this.#msFrom(0);
    let best = 0;
    let lowest = Infinity;
    for (const price of timeMs === Infinity ? [] : [0, ...prospects.map((prospect) => this.#density(prospect))]) {
      const beyond = prospects.map((prospect) => Math.max(0, this.#beyondTime(prospect, price)));
      const most = beyond.sort((one, other) => other - one).slice(0, this.#problem.places.length);
      const bound = price * timeMs + most.reduce((sum, nanos) => sum + nanos, 0);
      if (bound < lowest) [lowest, best] = [bound, price];
    }
    return best;
  }

  #beyondTime({ ad, nanos }: Prospect, msWorth: number): number {
    return nanos - msWorth * this.#state.ad(ad).durationMs;
  }

  #density({ ad, nanos }: Prospect): number {
    return nanos / Math.max(1, this.#state.ad(ad).durationMs);
  }

  /** The time that all places from here on have together. */
  #msFrom(at: number): number {
    const imps = new Set(this.#problem.places.slice(at).map(({ imp }) => imp));
    let sumMs = 0;
    for (const imp of imps) sumMs += this.#state.leftMs[imp] ?? Infinity;
    return sumMs;
  }
}

function prospectsOf(places: readonly SlatePlace[]): readonly Prospect[] {
  const best = new Map<number, Omit<Prospect, "rank">>();
  for (const { options } of places) {
    for (const { ad, tier, nanos } of options) {
      const before = best.get(ad);
      if (before === undefined || tier < before.tier || (tier === before.tier && nanos > before.nanos))
        best.set(ad, { ad, tier, nanos });
    }
  }
  return [...best.values()]
    .sort((one, other) => one.tier - other.tier || other.nanos - one.nanos)
    .map((prospect, rank) => ({ ...prospect, rank }));
}
