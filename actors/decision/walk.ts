import type { AdSetEntry, BitmapWords, CatalogIndex } from "../../protocols/catalog-index.ts";
import { hasBit, nextBit } from "./bitmap.ts";
import { GUARANTEED_TIER, type Market } from "./market.ts";

/**
 * The ad sets that audience reached, by tier, then by bid from high to low. The index has them in this order; those of guaranteed deals
 * come as early as their deal lets them.
 */
export class Walk {
  /** Where it stands, or undefined at the end. */
  adSet: AdSetEntry | undefined;
  /** The highest tier at which that may be served. */
  tier = 0;
  readonly #words: BitmapWords;
  readonly #catalog: CatalogIndex;
  /** Ordinals that a deal raises, the highest bid first. */
  readonly #raised: readonly number[];
  readonly #isRaised: ReadonlySet<number> | null;
  #raisedAt = 0;
  #at: number;

  constructor(words: BitmapWords, catalog: CatalogIndex, markets: readonly Market[]) {
    this.#words = words;
    this.#catalog = catalog;
    this.#raised = markets.every(({ deals }) => deals.length === 0) ? [] : raisedBy(markets, words, catalog);
    this.#isRaised = this.#raised.length > 0 ? new Set(this.#raised) : null;
    this.#at = this.#natural(0);
    this.advance();
  }

  advance(): void {
    const { adSets } = this.#catalog;
    const own = this.#at === -1 ? undefined : adSets.at(this.#at);
    const ordinal = this.#raised[this.#raisedAt];
    const raised = ordinal === undefined ? undefined : adSets.at(ordinal);
    if (raised !== undefined && (own === undefined || isBefore(raised, own))) {
      this.#raisedAt += 1;
      this.adSet = raised;
      this.tier = GUARANTEED_TIER;
      return;
    }
    this.adSet = own;
    this.tier = own?.tier ?? 0;
    if (own !== undefined) this.#at = this.#natural(this.#at + 1);
  }

  #natural(from: number): number {
    let at = nextBit(this.#words, from);
    while (at !== -1 && this.#isRaised?.has(at) === true) at = nextBit(this.#words, at + 1);
    return at;
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
