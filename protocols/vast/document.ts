import { LINEAR_EVENTS, type LinearEvent } from "../tracked-event.ts";
import { cdata, clockTime, escapeXml } from "./xml.ts";

export interface VastMediaFile {
  readonly url: string;
  /** `audio/mpeg`, `audio/mp4`, `audio/ogg`, … */
  readonly mimeType: string;
  readonly bitrateKbps?: number | undefined;
  /** Progressive unless said otherwise. */
  readonly delivery?: "progressive" | "streaming" | undefined;
}

export interface VastCompanion {
  readonly url: string;
  readonly mimeType: string;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly altText?: string | undefined;
  readonly clickThroughUrl?: string | undefined;
  readonly viewUrl?: string | undefined;
}

/** All that a VAST document says of one audio ad. URLs are written as given; their macros are the player's business. */
export interface VastAd {
  readonly id: string;
  /** Its place in a pod, from 1; absent for an ad that stands alone. */
  readonly sequence?: number | undefined;
  /** Unique for each serving: the decision id, with the slot in a pod. */
  readonly adServingId: string;
  readonly title: string;
  readonly advertiser?: string | undefined;
  readonly categories: readonly string[];
  /** Names the taxonomy of the categories. */
  readonly categoryAuthority: string;
  readonly creativeId: string;
  /** The industry's id of the creative, and who registered it; "unknown" where there is none. */
  readonly universalAdId: { readonly registry: string; readonly value: string };
  readonly durationMs: number;
  /** When `progress` is reported. */
  readonly progressMs?: number | undefined;
  /** When the player may offer to skip; never, when absent. */
  readonly skipAfterMs?: number | undefined;
  readonly expirySeconds?: number | undefined;
  readonly mediaFiles: readonly VastMediaFile[];
  readonly companions: readonly VastCompanion[];
  readonly impressionUrls: readonly string[];
  readonly errorUrl?: string | undefined;
  readonly trackingUrls: Readonly<Partial<Record<LinearEvent, string>>>;
  readonly clickThroughUrl?: string | undefined;
  readonly clickTrackingUrls: readonly string[];
}

/** The macro by which the player says what went wrong (VAST 4.2 section 6). */
export const ERROR_CODE_MACRO = "[ERRORCODE]";

const OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n<VAST version="4.2" xmlns="http://www.iab.com/VAST">';
const CLOSING = "</VAST>\n";

/** An inline VAST 4.2 audio document of one ad or a pod, its elements in the order of the 4.2 schema (decisioning.md 4). */
export function vastDocument(ads: readonly VastAd[]): string {
  return `${OPENING}${ads.map(adElement).join("")}${CLOSING}`;
}

function adElement(ad: VastAd): string {
  const sequence = ad.sequence === undefined ? "" : ` sequence="${ad.sequence}"`;
  return (
    `<Ad id="${escapeXml(ad.id)}"${sequence} adType="audio"><InLine><AdSystem>Chorus</AdSystem>` +
    optionalUrl("Error", ad.errorUrl) +
    ad.impressionUrls.map((url) => element("Impression", cdata(url))).join("") +
    element("AdServingId", escapeXml(ad.adServingId)) +
    element("AdTitle", escapeXml(ad.title)) +
    (ad.advertiser === undefined ? "" : element("Advertiser", escapeXml(ad.advertiser))) +
    categories(ad) +
    `<Creatives><Creative id="${escapeXml(ad.creativeId)}" sequence="1">${companions(ad)}${linear(ad)}` +
    `<UniversalAdId idRegistry="${escapeXml(ad.universalAdId.registry)}">${escapeXml(ad.universalAdId.value)}</UniversalAdId>` +
    "</Creative></Creatives>" +
    (ad.expirySeconds === undefined ? "" : element("Expires", String(ad.expirySeconds))) +
    "</InLine></Ad>"
  );
}

/** The answer for "no ad". */
export function emptyVast(errorUrl?: string): string {
  return `${OPENING}${optionalUrl("Error", errorUrl)}${CLOSING}`;
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function optionalUrl(name: string, url: string | undefined): string {
  return url === undefined ? "" : element(name, cdata(url));
}

function categories(ad: VastAd): string {
  const authority = escapeXml(ad.categoryAuthority);
  return ad.categories
    .map((category) => `<Category authority="${authority}">${escapeXml(category)}</Category>`)
    .join("");
}

function linear(ad: VastAd): string {
  const skip = ad.skipAfterMs === undefined ? "" : ` skipoffset="${clockTime(ad.skipAfterMs)}"`;
  return (
    `<Linear${skip}>` +
    element("TrackingEvents", tracking(ad)) +
    element("Duration", clockTime(ad.durationMs)) +
    element("MediaFiles", ad.mediaFiles.map(mediaFile).join("")) +
    clicks(ad) +
    "</Linear>"
  );
}

function tracking(ad: VastAd): string {
  let written = "";
  for (const event of LINEAR_EVENTS) {
    const url = ad.trackingUrls[event];
    if (url === undefined) continue;
    // The schema wants to know when progress is meant.
    if (event === "progress" && ad.progressMs === undefined) continue;
    const offset = event === "progress" ? ` offset="${clockTime(ad.progressMs ?? 0)}"` : "";
    written += `<Tracking event="${event}"${offset}>${cdata(url)}</Tracking>`;
  }
  return written;
}

/** Width and height 0 say "audio"; the schema requires them. */
function mediaFile(file: VastMediaFile): string {
  const bitrate = file.bitrateKbps === undefined ? "" : ` bitrate="${Math.round(file.bitrateKbps)}"`;
  return `<MediaFile delivery="${file.delivery ?? "progressive"}" type="${escapeXml(file.mimeType)}" width="0" height="0"${bitrate}>${cdata(file.url)}</MediaFile>`;
}

function clicks(ad: VastAd): string {
  const tracked = ad.clickTrackingUrls.map((url) => element("ClickTracking", cdata(url))).join("");
  const content = tracked + optionalUrl("ClickThrough", ad.clickThroughUrl);
  return content === "" ? "" : element("VideoClicks", content);
}

function companions(ad: VastAd): string {
  if (ad.companions.length === 0) return "";
  return `<CompanionAds required="none">${ad.companions.map(companion).join("")}</CompanionAds>`;
}

function companion(banner: VastCompanion): string {
  return (
    `<Companion width="${banner.widthPixels}" height="${banner.heightPixels}">` +
    `<StaticResource creativeType="${escapeXml(banner.mimeType)}">${cdata(banner.url)}</StaticResource>` +
    (banner.altText === undefined ? "" : element("AltText", escapeXml(banner.altText))) +
    optionalUrl("CompanionClickThrough", banner.clickThroughUrl) +
    (banner.viewUrl === undefined
      ? ""
      : element("TrackingEvents", `<Tracking event="creativeView">${cdata(banner.viewUrl)}</Tracking>`)) +
    "</Companion>"
  );
}
