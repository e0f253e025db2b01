import {
  type BitmapWords,
  type CatalogIndex,
  type PostingLists,
  TARGETING_DIMENSIONS,
} from "../../protocols/catalog-index.ts";
import type { CoarseContext } from "../../protocols/messages/listener.ts";
import type { AudienceAnswer, AudienceRequest } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";

/**
 * Proposes the ad sets whose targeting the context meets, from the index's posting lists. A fact that is not known meets no
 * targeting on it.
 */
export const audienceAgent = defineAgent<AudienceRequest, AudienceAnswer>({
  role: "audience",
  variant: "default",
  version: "1",
  purpose: "safety",
  answer: ({ index, context }) => ({ words: reached(index, context) }),
  whenFailing: () => ({ words: [] }),
});

/**
 * Proposes what was aimed at this context by name; only where nothing was, what aims at everybody. Sends a listener the ads that were
 * meant for them, at the price of the auction's breadth.
 */
export const aimedAudienceAgent = defineAgent<AudienceRequest, AudienceAnswer>({
  role: "audience",
  variant: "aimed",
  version: "1",
  purpose: "safety",
  answer({ index, context }) {
    const words = reached(index, context);
    const aimed = words.map((word, at) => word & ~untargeted(index, at));
    return { words: aimed.some((word) => word !== 0) ? aimed : words };
  },
  whenFailing: () => ({ words: [] }),
});

/** Ad sets that target along no dimension. */
function untargeted({ targeting }: CatalogIndex, at: number): number {
  return TARGETING_DIMENSIONS.reduce((word, dimension) => word & (targeting[dimension].everyone[at] ?? 0), -1);
}

function reached({ targeting, adSets }: CatalogIndex, context: CoarseContext): BitmapWords {
  const words = new Array<number>(Math.ceil(adSets.length / 32)).fill(-1);
  const spare = adSets.length % 32;
  if (spare > 0) words[words.length - 1] = -1 >>> (32 - spare);
  narrow(words, meeting(targeting.countries, context.country));
  narrow(words, meeting(targeting.regions, context.region?.toUpperCase()));
  narrow(words, meeting(targeting.deviceTypes, context.deviceType));
  narrow(words, meeting(targeting.platforms, context.platform));
  narrow(words, meeting(targeting.feeds, context.feed));
  narrow(words, meeting(targeting.languages, context.language));
  narrow(words, meetingAny(targeting.genres, context.genres));
  return words;
}

function narrow(words: number[], by: BitmapWords): void {
  for (let at = 0; at < words.length; at++) words[at] = (words[at] ?? 0) & (by[at] ?? 0);
}

function meeting(lists: PostingLists, value: string | number | undefined): BitmapWords {
  if (value === undefined || !Object.hasOwn(lists.byValue, value)) return lists.everyone;
  return lists.byValue[value] ?? lists.everyone;
}

function meetingAny(lists: PostingLists, values: readonly string[]): BitmapWords {
  let words = lists.everyone;
  for (const value of values) {
    const met = meeting(lists, value.toLowerCase());
    if (met === lists.everyone) continue;
    words = words === lists.everyone ? met : words.map((word, at) => word | (met[at] ?? 0));
  }
  return words;
}
