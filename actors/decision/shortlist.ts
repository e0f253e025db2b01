import type { CatalogIndex } from "../../protocols/catalog-index.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Proposal } from "../../protocols/roles.ts";
import { nextBit } from "./bitmap.ts";
import { gate } from "./gate.ts";
import { hardRules } from "./hard-rules.ts";

/** Ad sets looked at for one shortlist, so that a request which the rules refuse everywhere stays cheap. */
const LOOKED_AT_MAX = 1_024;

/**
 * The best ranked proposals that pass the hard rules of a slot: what agents outside are asked about before anything is drawn, vetoed or scored (D15).
 * @param words the ad sets that audience reached.
 */
export function shortlist(
  catalog: CatalogIndex,
  words: readonly number[],
  request: DecisionRequest,
  nowMs: EpochMs,
  proposalsMax: number,
): readonly Proposal[] {
  const rules = request.slots.map((slot) => hardRules(request, slot, catalog, nowMs));
  const proposals: Proposal[] = [];
  let looked = 0;
  for (let at = nextBit(words, 0); at !== -1 && at < catalog.adSets.length; at = nextBit(words, at + 1)) {
    if (proposals.length >= proposalsMax || looked++ >= LOOKED_AT_MAX) break;
    const adSet = catalog.adSets.at(at);
    if (adSet === undefined) continue;
    const creatives = rules.flatMap((each) => {
      const gated = gate(adSet, catalog, each);
      return "proposal" in gated ? gated.proposal.creatives : [];
    });
    if (creatives.length > 0) proposals.push({ adSet, creatives: [...new Set(creatives)] });
  }
  return proposals;
}
