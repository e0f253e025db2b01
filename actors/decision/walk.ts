import type { AdSetEntry, BitmapWords, CatalogIndex } from "../../protocols/catalog-index.ts";
import { hasBit, nextBit } from "./bitmap.ts";
import { GUARANTEED_TIER, type Market } from "./market.ts";

/** An ad set on the way, and the highest tier it may be served at. */
export interface Step {
  readonly adSet: AdSetEntry;
  readonly tier: number;
}

/**
 * The ad sets that audience reached, by tier, then by bid from high to low. The index has them in this order; those of guaranteed deals
 * come as early as their deal lets them.
 */
export class Walk {
  readonly #words: BitmapWords;
  readonly #catalog: CatalogIndex;
  /** Ordinals that a deal raises, the highest bid first. */
  readonly #raised: readonly number[];
  readonly #isRaised: ReadonlySet<number> | null;
  #raisedAt = 0;
  #at: number;
  #step: Step | undefined;

  constructor(words: BitmapWords, catalog: CatalogIndex, markets: readonly Market[]) {
    this.#words = words;
    this.#catalog = catalog;
    const raised = raisedBy(markets, words, catalog);
    this.#raised = raised;
    this.#isRaised = raised.length > 0 ? new Set(raised) : null;
    this.#at = this.#natural(0);
    this.#step = this.#choose();
  }

  /** The next one, or undefined at the end. */
  get step(): Step | undefined {
    return this.#step;
  }

  advance(): void {
    this.#step = this.#choose();
  }

  #natural(from: number): number {
    let at = nextBit(this.#words, from);
    while (at !== -1 && this.#isRaised?.has(at) === true) at = nextBit(this.#words, at + 1);
    return at;
  }

  #choose(): Step | undefined {
    const { adSets } = this.#catalog;
    const own = this.#at === -1 ? undefined : adSets.at(this.#at);
    const ordinal = this.#raised[this.#raisedAt];
    const raised = ordinal === undefined ? undefined : adSets.at(ordinal);
    if (raised !== undefined && (own === undefined || isBefore(raised, own))) {
      this.#raisedAt += 1;
      return { adSet: raised, tier: GUARANTEED_TIER };
    }
    if (own === undefined) return undefined;
    this.#at = this.#natural(this.#at + 1);
    return { adSet: own, tier: own.tier };
  }
}

/** @param raised stands at the tier "guaranteed". */
function isBefore(raised: AdSetEntry, own: AdSetEntry): boolean {
  if (own.tier !== GUARANTEED_TIER) return own.tier > GUARANTEED_TIER;
  return raised.bidCpmMicros > own.bidCpmMicros;
}

function raisedBy(markets: readonly Market[], words: BitmapWords, { adSets }: CatalogIndex): readonly number[] {
  const raised = new Set<number>();
  for (const { deals } of markets) {
    for (const { entry, guaranteed } of deals) {
      for (const ordinal of guaranteed ? entry.adSets : [])
        if (hasBit(words, ordinal) && (adSets.at(ordinal)?.tier ?? 0) > GUARANTEED_TIER) raised.add(ordinal);
    }
  }
  const bid = (ordinal: number): number => adSets.at(ordinal)?.bidCpmMicros ?? 0;
  return [...raised].sort((one, other) => bid(other) - bid(one) || one - other);
}
