import type { AdSetEntry, CatalogIndex, CreativeEntry } from "../../protocols/catalog-index.ts";
import type { Proposal } from "../../protocols/roles.ts";
import { adSetVeto, creativeVeto, type HardRules, type HardVeto } from "./hard-rules.ts";

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
    const against = creativeVeto(creative, adSet.bidCpmMicros, rules);
    if (against === null) creatives.push(creative);
    else vetoes.push(against);
  }
  return creatives.length > 0 ? { proposal: { adSet, creatives } } : { vetoes };
}
