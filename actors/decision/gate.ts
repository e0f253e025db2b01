import type { AdSetEntry, CatalogIndex, CreativeEntry } from "../../protocols/catalog-index.ts";
import type { Proposal } from "../../protocols/roles.ts";
import { adSetVeto, creativeVeto, type HardRules, type HardVeto } from "./hard-rules.ts";
import { type Sale, saleOf } from "./market.ts";

/** Applies the hard rules to one ad set (V1). @returns what they leave of it, or what they have against it. */
export function gate(
  adSet: AdSetEntry,
  catalog: CatalogIndex,
  rules: HardRules,
): { readonly proposal: Proposal } | { readonly vetoes: readonly HardVeto[] } {
  const veto = adSetVeto(adSet, rules);
  if (veto !== null) return { vetoes: [veto] };
  const creatives: CreativeEntry[] = [];
  const vetoes: HardVeto[] = [];
  for (const ordinal of adSet.creatives) {
    const creative = catalog.creatives.at(ordinal);
    if (creative === undefined) continue;
    const against = creativeVeto(creative, adSet, rules);
    if (against === null) creatives.push(creative);
    else vetoes.push(against);
  }
  if (creatives.length === 0) return { vetoes };
  return { proposal: { adSet, creatives: ofOneTier(adSet, creatives, rules) } };
}

/** How a creative that passed the rules is sold. */
export function soldAs(adSet: AdSetEntry, creative: CreativeEntry, { market }: HardRules): Sale {
  const sale = saleOf(adSet, creative, market);
  if (typeof sale === "string") throw new Error(`${creative.id} did not pass the rules: ${sale}`);
  return sale;
}

/** Where a guaranteed deal takes some creatives of an ad set only, the others stay out: they are of a lower tier (A3). */
function ofOneTier(adSet: AdSetEntry, creatives: readonly CreativeEntry[], rules: HardRules): readonly CreativeEntry[] {
  if (creatives.length === 1 || rules.market.deals.length === 0) return creatives;
  const tiers = creatives.map((creative) => soldAs(adSet, creative, rules).tier);
  const highest = Math.min(...tiers);
  return creatives.filter((_, at) => tiers[at] === highest);
}
