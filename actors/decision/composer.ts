import { compareWorth, type Slate, type SlateOption, type SlateProblem, TIERS } from "./slate.ts";
import { SlateBound } from "./slate-bound.ts";
import { SlateState } from "./slate-state.ts";

/**
 * Fills the places of an answer with ads so that what they are worth together is the most: the exact optimum, by depth-first branch and
 * bound. Pure numbers: it knows no catalog, no listener and no chance. A place may stay empty. S2, S3 and the pairs that a role keeps
 * apart are hard; a higher tier comes before any worth of a lower one (A3). Among slates of one worth it gives that with the best ad in
 * the first place; an empty first place comes last.
 */
export function compose(problem: SlateProblem): Slate {
  const unordered = new Search(problem, false);
  const slate = unordered.run();
  if (!unordered.sawReach) return slate;
  // Who may stand next to whom depends on the order, so places are not interchangeable after all.
  const nodesMax = problem.nodesMax - slate.nodes;
  if (nodesMax <= 0) return { ...slate, exact: false };
  const ordered = new Search({ ...problem, nodesMax }, true).run();
  return { ...ordered, nodes: slate.nodes + ordered.nodes };
}

class Search {
  readonly #problem: SlateProblem;
  readonly #isOrdered: boolean;
  readonly #state: SlateState;
  readonly #bound: SlateBound;
  #best: readonly (SlateOption | null)[];
  #bestWorth: readonly number[];
  #nodes = 0;
  #isExact = true;

  constructor(problem: SlateProblem, isOrdered: boolean) {
    this.#problem = problem;
    this.#isOrdered = isOrdered;
    this.#state = new SlateState(problem);
    this.#bound = new SlateBound(problem, this.#state);
    this.#best = problem.places.map(() => null);
    this.#bestWorth = justBelow(problem.atLeast);
  }

  get sawReach(): boolean {
    return this.#state.sawReach;
  }

  run(): Slate {
    this.#visit(0, 0);
    const worth = new Array<number>(TIERS).fill(0);
    for (const pick of this.#best) if (pick !== null) worth[pick.tier] = (worth[pick.tier] ?? 0) + pick.nanos;
    return { picks: this.#best, worth, nodes: this.#nodes, exact: this.#isExact };
  }

  /** @param from options before it are left out, because an interchangeable place before had its choice of them. */
  #visit(at: number, from: number): void {
    if (this.#nodes >= this.#problem.nodesMax) {
      this.#isExact = false;
      return;
    }
    this.#nodes += 1;
    const { places } = this.#problem;
    const { worth, picks } = this.#state;
    // Whatever has been placed is a slate, the rest empty.
    if (compareWorth(worth, this.#bestWorth) > 0) {
      this.#best = places.map((_, place) => (place < at ? (picks[place] ?? null) : null));
      this.#bestWorth = [...worth];
    }
    const place = places[at];
    if (place === undefined || !this.#bound.mayExceed(this.#bestWorth, at, from)) return;
    const isAlike = at > 0 && !this.#isOrdered && places[at + 1]?.kind === place.kind;
    for (let position = from; position < place.options.length; position++) {
      const option = place.options[position];
      if (option === undefined || !this.#state.fits(option, place, at)) continue;
      this.#state.put(option, place, at);
      this.#visit(at + 1, isAlike ? position + 1 : 0);
      this.#state.take(option, place, at);
    }
    // An empty place before a filled one of its kind is the same as the other way round.
    let after = at + 1;
    while (at > 0 && places[after]?.kind === place.kind) after += 1;
    for (let empty = at; empty < after; empty++) picks[empty] = null;
    if (after < places.length) this.#visit(after, 0);
  }
}

/** What the least slate that is looked for exceeds: worth is whole. */
function justBelow(atLeast: readonly number[] | undefined): readonly number[] {
  if (atLeast === undefined) return new Array<number>(TIERS).fill(0);
  return atLeast.map((nanos, tier) => (tier === TIERS - 1 ? nanos - 1 : nanos));
}
