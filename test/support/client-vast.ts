import { VASTClient } from "@dailymotion/vast-client";

/** A VAST document as a player's library reads it. */
export interface PlayableAd {
  readonly adServingId: string | undefined;
  readonly durationSeconds: number;
  readonly mediaFiles: readonly { readonly url: string; readonly mimeType: string }[];
  readonly impressionUrls: readonly string[];
  readonly errorUrls: readonly string[];
  /** By event: start, firstQuartile, … */
  readonly trackingUrls: Readonly<Record<string, readonly string[]>>;
  readonly clickThroughUrl: string | undefined;
}

interface ParsedAd {
  readonly adServingId: string | null;
  readonly impressionURLTemplates: readonly { readonly url: string }[];
  readonly errorURLTemplates: readonly string[];
  readonly creatives: readonly {
    readonly type: string;
    readonly duration: number;
    readonly mediaFiles: readonly { readonly fileURL: string; readonly mimeType: string }[];
    readonly trackingEvents: Readonly<Record<string, readonly string[]>>;
    readonly videoClickThroughURLTemplate: { readonly url: string } | null;
  }[];
}

/**
 * Parses VAST with @dailymotion/vast-client, straight from the text. @returns undefined for a document without an ad.
 * @throws Error when the library refuses it, or when a URL in it is none.
 */
export async function parseVast(xml: string): Promise<PlayableAd | undefined> {
  const url = `data:application/xml;base64,${Buffer.from(xml).toString("base64")}`;
  const { ads } = (await new VASTClient().get(url)) as { readonly ads: readonly ParsedAd[] };
  const [ad] = ads;
  if (ad === undefined) return undefined;
  const linear = ad.creatives.find(({ type }) => type === "linear");
  if (linear === undefined) throw new Error("the ad has no linear creative");
  const playable: PlayableAd = {
    adServingId: ad.adServingId ?? undefined,
    durationSeconds: linear.duration,
    mediaFiles: linear.mediaFiles.map(({ fileURL, mimeType }) => ({ url: fileURL, mimeType })),
    impressionUrls: ad.impressionURLTemplates.map((one) => one.url),
    errorUrls: ad.errorURLTemplates,
    trackingUrls: linear.trackingEvents,
    clickThroughUrl: linear.videoClickThroughURLTemplate?.url,
  };
  const urls = [
    ...playable.mediaFiles.map((file) => file.url),
    ...playable.impressionUrls,
    ...playable.errorUrls,
    ...Object.values(playable.trackingUrls).flat(),
    ...(playable.clickThroughUrl === undefined ? [] : [playable.clickThroughUrl]),
  ];
  for (const one of urls) if (!URL.canParse(one)) throw new Error(`not a URL in the VAST: ${one}`);
  return playable;
}
