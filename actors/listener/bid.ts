import type { DecidedBid } from "../../protocols/messages/listener.ts";
import type { CompanionEntry } from "../../protocols/catalog-index.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Winner } from "../decision/decision.ts";

/** A bid of the answer: the price of its sale, with those media files that the slot takes. */
export function bidOf(winner: Winner, slot: number, expiresAtMs: EpochMs): DecidedBid {
  const { adSet, creative, mediaFiles, companions, sale } = winner;
  return {
    impId: winner.slot.impId,
    slot,
    campaignId: adSet.campaignId,
    adSetId: adSet.id,
    creative: {
      creativeId: creative.id,
      advertiserId: creative.advertiserId,
      advertiserName: creative.advertiserName,
      advertiserDomain: creative.advertiserDomain,
      durationMs: creative.durationMs,
      ...(creative.adId === null ? {} : { adId: creative.adId }),
      ...(creative.clickUrl === null ? {} : { clickUrl: creative.clickUrl }),
      ...(creative.skipAfterMs === null ? {} : { skipAfterMs: creative.skipAfterMs }),
      ...(companions.length === 0 ? {} : { companions: companions.map(companionOf) }),
      mediaFiles: mediaFiles.map(({ url, mimeType, bitrateKbps }) => ({
        url,
        mimeType,
        ...(bitrateKbps === null ? {} : { bitrateKbps }),
      })),
      categories: [...creative.categories],
      attributes: [...creative.attributes],
      languages: [...creative.languages],
    },
    cpmMicros: sale.priceCpmMicros,
    priceNanos: sale.priceCpmMicros,
    currency: sale.currency,
    ...(sale.dealId === null ? {} : { dealId: sale.dealId }),
    ...(sale.seat === null ? {} : { seat: sale.seat }),
    expiresAtMs,
  };
}

function companionOf({ clickUrl, altText, ...companion }: CompanionEntry) {
  return {
    ...companion,
    ...(clickUrl === null ? {} : { clickUrl }),
    ...(altText === null ? {} : { altText }),
  };
}
