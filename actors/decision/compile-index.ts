import type { AdSetDocument } from "../../protocols/campaign/ad-set.ts";
import type { AdvertiserDocument } from "../../protocols/campaign/advertiser.ts";
import { type CampaignDocument, type FrequencyCap, TIERS, windowMs } from "../../protocols/campaign/campaign.ts";
import type { Collection } from "../../protocols/campaign/collections.ts";
import type { CreativeDocument } from "../../protocols/campaign/creative.ts";
import type { DealDocument } from "../../protocols/campaign/deal.ts";
import { hoursOfDaypart } from "../../protocols/campaign/daypart.ts";
import { instantMs } from "../../protocols/campaign/instant.ts";
import { mediaType } from "../../protocols/media-type.ts";
import type { AdSetEntry, CapEntry, CompiledIndex, CreativeEntry, DealEntry } from "../../protocols/catalog-index.ts";
import { compileTargeting } from "./compile-targeting.ts";
import { emptyWords, setBit } from "./bitmap.ts";

/** A document of the catalog as `Export` and the catalog's topic give it; null marks a deletion. */
export interface CatalogDocument {
  readonly collection: Collection;
  readonly id: string;
  readonly document: unknown;
}

const HOURS_A_WEEK = 168;

interface Sources {
  readonly advertisers: ReadonlyMap<string, AdvertiserDocument>;
  readonly campaigns: ReadonlyMap<string, CampaignDocument>;
  readonly creatives: ReadonlyMap<string, CreativeDocument>;
  readonly adSets: readonly AdSetDocument[];
  readonly deals: readonly DealDocument[];
}

/**
 * Compiles all documents of one version to what the kernel reads (D17): a pure function, so that a replay compiles the same. Only
 * ad sets that may be served come in: active, of an active campaign, with at least one active creative. Dates are the kernel's.
 */
export function compileIndex(documents: readonly CatalogDocument[], version: number): CompiledIndex {
  const sources = sort(documents);
  const creatives: CreativeEntry[] = [];
  const ordinals = new Map<string, number>();
  const kept = sources.adSets
    .map((adSet) => ({ adSet, campaign: servedCampaign(adSet, sources) }))
    .filter((pair): pair is { adSet: AdSetDocument; campaign: CampaignDocument } => pair.campaign !== undefined)
    .sort(byRank);
  const adSets: AdSetEntry[] = [];
  const targetings: AdSetDocument["targeting"][] = [];
  for (const { adSet, campaign } of kept) {
    const chosen: number[] = [];
    const weights: number[] = [];
    for (const { id, weight } of adSet.creatives) {
      const ordinal = creativeOrdinal(id, sources, creatives, ordinals);
      if (ordinal === undefined || chosen.includes(ordinal)) continue;
      chosen.push(ordinal);
      weights.push(weight ?? 1);
    }
    if (chosen.length === 0) continue;
    adSets.push(adSetEntry(adSets.length, adSet, campaign, chosen, weights));
    targetings.push(adSet.targeting);
  }
  const deals = dealEntries(sources.deals, adSets);
  const currencies = [...new Set(adSets.map(({ currency }) => currency))].sort();
  return { version, adSets, creatives, targeting: compileTargeting(targetings), deals, currencies };
}

function sort(documents: readonly CatalogDocument[]): Sources {
  const advertisers = new Map<string, AdvertiserDocument>();
  const campaigns = new Map<string, CampaignDocument>();
  const creatives = new Map<string, CreativeDocument>();
  const adSets: AdSetDocument[] = [];
  const deals: DealDocument[] = [];
  for (const { collection, id, document } of documents) {
    if (document === null || document === undefined) continue;
    if (collection === "advertisers") advertisers.set(id, document as AdvertiserDocument);
    else if (collection === "campaigns") campaigns.set(id, document as CampaignDocument);
    else if (collection === "creatives") creatives.set(id, document as CreativeDocument);
    else if (collection === "ad-sets") adSets.push(document as AdSetDocument);
    else if (collection === "deals") deals.push(document as DealDocument);
  }
  return { advertisers, campaigns, creatives, adSets, deals };
}

function servedCampaign(adSet: AdSetDocument, sources: Sources): CampaignDocument | undefined {
  if (adSet.status === "paused") return undefined;
  const campaign = sources.campaigns.get(adSet.campaignId);
  return campaign?.status === "active" && sources.advertisers.has(campaign.advertiserId) ? campaign : undefined;
}

type Pair = { readonly adSet: AdSetDocument; readonly campaign: CampaignDocument };

const tierOf = (campaign: CampaignDocument): number => TIERS.indexOf(campaign.tier ?? "standard");

function byRank(a: Pair, b: Pair): number {
  const tiers = tierOf(a.campaign) - tierOf(b.campaign);
  if (tiers !== 0) return tiers;
  const bids = b.adSet.bidCpmMicros - a.adSet.bidCpmMicros;
  if (bids !== 0) return bids;
  return a.adSet.id < b.adSet.id ? -1 : a.adSet.id > b.adSet.id ? 1 : 0;
}

function adSetEntry(
  ordinal: number,
  adSet: AdSetDocument,
  campaign: CampaignDocument,
  creatives: readonly number[],
  weights: readonly number[],
): AdSetEntry {
  return {
    ordinal,
    id: adSet.id,
    campaignId: campaign.id,
    advertiserId: campaign.advertiserId,
    tier: tierOf(campaign),
    currency: campaign.currency,
    timezone: campaign.timezone,
    startsAtMs: instantOf(campaign.startsAt),
    endsAtMs: instantOf(campaign.endsAt),
    bidCpmMicros: adSet.bidCpmMicros,
    pacing: campaign.pacing ?? "asap",
    rotation: adSet.rotation ?? "even",
    caps: (campaign.frequencyCaps ?? []).map(capEntry),
    hours: hoursOf(adSet),
    creatives,
    weights,
  };
}

/** Ad sets that may not be served take no part in a deal; one without any stays, so that explanations find it. */
function dealEntries(deals: readonly DealDocument[], adSets: readonly AdSetEntry[]): readonly DealEntry[] {
  const ordinals = new Map(adSets.map(({ id, ordinal }) => [id, ordinal]));
  const entries = deals.map((deal): DealEntry => {
    const sold = new Set(deal.adSetIds.flatMap((id) => ordinals.get(id) ?? []));
    return {
      id: deal.id,
      adSets: [...sold].sort((one, other) => one - other),
      floorCpmMicros: deal.floorCpmMicros ?? 0,
      auctionType: deal.at ?? null,
      guaranteed: deal.guaranteed ?? false,
      seats: deal.seats ?? [],
    };
  });
  return entries.sort((one, other) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0));
}

const instantOf = (text: string | null | undefined): number | null =>
  text === null || text === undefined ? null : instantMs(text);

function capEntry(cap: FrequencyCap): CapEntry {
  const bounded = cap.kind === "rolling" || cap.kind === "calendar";
  return {
    kind: cap.kind,
    limit: cap.limit,
    windowMs: bounded ? (windowMs(cap.window) ?? 0) : 0,
    rule: bounded ? `${cap.limit} per ${cap.window}` : `${cap.limit} per ${cap.kind}`,
  };
}

function hoursOf(adSet: AdSetDocument): readonly number[] | null {
  const dayparts = adSet.targeting?.dayparts ?? [];
  if (dayparts.length === 0) return null;
  const words = emptyWords(HOURS_A_WEEK);
  for (const daypart of dayparts) {
    for (const hour of hoursOfDaypart(daypart)) setBit(words, hour);
  }
  return words;
}

function creativeOrdinal(
  id: string,
  sources: Sources,
  creatives: CreativeEntry[],
  ordinals: Map<string, number>,
): number | undefined {
  const known = ordinals.get(id);
  if (known !== undefined) return known;
  const creative = sources.creatives.get(id);
  if (creative === undefined || creative.status === "paused") return undefined;
  const advertiser = sources.advertisers.get(creative.advertiserId);
  if (advertiser === undefined) return undefined;
  const ordinal = creatives.length;
  ordinals.set(id, ordinal);
  creatives.push(creativeEntry(ordinal, creative, advertiser));
  return ordinal;
}

function creativeEntry(ordinal: number, creative: CreativeDocument, advertiser: AdvertiserDocument): CreativeEntry {
  return {
    ordinal,
    id: creative.id,
    advertiserId: advertiser.id,
    advertiserName: advertiser.name,
    advertiserDomain: advertiser.domain.toLowerCase(),
    durationMs: creative.durationMs,
    adId: creative.adId ?? null,
    clickUrl: creative.clickUrl ?? null,
    skipAfterMs: creative.skipAfterMs ?? null,
    companions: (creative.companions ?? []).map(({ clickUrl, altText, ...companion }) => ({
      ...companion,
      clickUrl: clickUrl ?? null,
      altText: altText ?? null,
    })),
    mediaFiles: creative.mediaFiles.map(({ url, mimeType, bitrateKbps }) => ({
      url,
      mimeType: mediaType(mimeType),
      bitrateKbps: bitrateKbps ?? null,
      secure: /^https:/i.test(url),
    })),
    categories: [...new Set([...(creative.categories ?? []), ...(advertiser.categories ?? [])])],
    attributes: creative.attributes ?? [],
    languages: creative.languages ?? [],
  };
}
