import { instantMs } from "../../protocols/campaign/instant.ts";
import { budget, type BudgetTerms } from "../../protocols/messages/budget.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { documentOf, type CatalogTable, versionOf } from "./state.ts";

/** Budgets told in one step: each answers with grants, and one envelope may cause 64 tells in its partition (D1). */
const TOLD_MAX = 16;

/** What the budget of a campaign has to know; null when there is no such campaign. */
function termsOf(table: CatalogTable, campaignId: string): BudgetTerms | null {
  const campaign = documentOf(table, "campaigns", campaignId);
  if (campaign === undefined) return null;
  const bids = (table.get(`members/${campaignId}`) ?? []).map(
    (adSetId) => documentOf(table, "ad-sets", adSetId)?.bidCpmMicros ?? 0,
  );
  return {
    // The catalog's version, because the terms depend on the ad sets too.
    version: versionOf(table),
    campaign: campaignId,
    live: campaign.status === "active",
    timezone: campaign.timezone,
    startsAtMs: instantOf(campaign.startsAt),
    endsAtMs: instantOf(campaign.endsAt),
    lifetimeMicros: campaign.budget?.lifetimeMicros ?? null,
    dailyMicros: campaign.budget?.dailyMicros ?? null,
    pacing: campaign.pacing ?? "asap",
    // A CPM in micros is the price of one impression in nanos.
    impressionNanosMax: Math.max(0, ...bids),
  };
}

const instantOf = (text: string | null | undefined): number | null =>
  text === null || text === undefined ? null : instantMs(text);

/** Tells the next budgets what changed, and comes back for the rest. */
export function tellBudgets(table: CatalogTable, fx: Effects): CatalogTable {
  const untold = table.get("untold") ?? [];
  for (const campaignId of untold.slice(0, TOLD_MAX)) {
    const terms = termsOf(table, campaignId);
    if (terms !== null) fx.tell(ref(budget, campaignId), "Terms", terms);
  }
  const rest = untold.slice(TOLD_MAX);
  if (rest.length === 0) return untold.length === 0 ? table : table.without("untold");
  fx.setTimer("tell", fx.nowMs);
  return table.with("untold", rest);
}

/** A deleted campaign spends nothing more; its last document says in which zone its days run. */
export function tellDeleted(table: CatalogTable, campaignId: string, fx: Effects): void {
  const terms = termsOf(table, campaignId);
  if (terms !== null) fx.tell(ref(budget, campaignId), "Terms", { ...terms, version: terms.version + 1, live: false });
}
