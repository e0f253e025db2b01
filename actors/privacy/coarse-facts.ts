import type { BidRequest, Device, Inventory } from "../../protocols/openrtb/bid-request.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { knownCountry } from "./country.ts";
import type { Capabilities } from "./gate.ts";

/** Where a listener listens. `web` is a browser on a computer, `desktop` an app there, `smart` speakers, TVs, cars and consoles. */
export type Platform = "mobile" | "desktop" | "web" | "smart";

/** All of the context that a shard gets to know about a request (D18); nothing of it names a listener. */
export interface CoarseFacts {
  /** ISO 3166-1 alpha-3. */
  readonly country: string | undefined;
  readonly region: string | undefined;
  /** OpenRTB device type, 1 to 8. */
  readonly deviceType: number | undefined;
  readonly platform: Platform | undefined;
  /** Two letters of ISO 639-1: the content's language, else the device's. */
  readonly language: string | undefined;
  readonly feed: number | undefined;
  /** Lower case, free text split at commas and the like, taxonomy ids as they are. */
  readonly genres: readonly string[];
  /** The listener's own clock against UTC, undefined where the request does not say. */
  readonly utcOffsetMinutes: number | undefined;
  /** The listener's own hour of the week: 0 is Monday from 00:00, 167 Sunday from 23:00. */
  readonly hourOfWeek: number | undefined;
}

const GENRES_MAX = 8;
const GENRE_CHARS_MAX = 40;
const REGION_CHARS_MAX = 8;
const MS_PER_HOUR = 3_600_000;
const MS_PER_MINUTE = 60_000;
/** 1970-01-01 was a Thursday. */
const EPOCH_HOUR_OF_WEEK = 72;
/** Clocks of the world lie between −12 and +14 hours. */
const UTC_OFFSET_MIN = -720;
const UTC_OFFSET_MAX = 840;

/** The coarse context of a request; `feed` is that of the imp to be answered. */
export function coarseFacts(
  request: BidRequest,
  feed: number | undefined,
  capabilities: Capabilities,
  nowMs: EpochMs,
): CoarseFacts {
  const { device, inventory } = request;
  const utcOffsetMinutes = utcOffset(device.utcOffsetMinutes);
  return {
    country: knownCountry(device.country),
    region: capabilities.geo === "region" ? regionCode(device.region) : undefined,
    deviceType: deviceType(device.deviceType),
    platform: platformOf(device, inventory),
    language: languageCode(inventory?.content?.language) ?? languageCode(device.language),
    feed,
    genres: genresOf(inventory),
    utcOffsetMinutes,
    hourOfWeek: utcOffsetMinutes === undefined ? undefined : hourOfWeek(nowMs, utcOffsetMinutes),
  };
}

/** The hour of the week, 0 to 167 from Monday 00:00, on a clock that is `utcOffsetMinutes` ahead of UTC. */
export function hourOfWeek(nowMs: EpochMs, utcOffsetMinutes: number): number {
  const hours = Math.floor((nowMs + utcOffsetMinutes * MS_PER_MINUTE) / MS_PER_HOUR);
  return (((hours + EPOCH_HOUR_OF_WEEK) % 168) + 168) % 168;
}

function utcOffset(minutes: number | undefined): number | undefined {
  if (minutes === undefined || minutes < UTC_OFFSET_MIN || minutes > UTC_OFFSET_MAX) return undefined;
  return Math.trunc(minutes);
}

/** ISO 3166-2 parts are short; what is longer may be a street, and is dropped. */
function regionCode(region: string | undefined): string | undefined {
  if (region === undefined || region.length > REGION_CHARS_MAX) return undefined;
  return /^[A-Za-z0-9-]+$/.test(region) ? region.toUpperCase() : undefined;
}

function deviceType(type: number | undefined): number | undefined {
  return type !== undefined && Number.isInteger(type) && type >= 1 && type <= 8 ? type : undefined;
}

function languageCode(tag: string | undefined): string | undefined {
  return /^[a-z]{2}(?=$|[-_])/i.exec(tag ?? "")?.[0].toLowerCase();
}

function genresOf(inventory: Inventory | undefined): readonly string[] {
  const content = inventory?.content;
  if (content === undefined) return [];
  const genres: string[] = [];
  for (const written of [...content.genres, ...(content.genre?.split(/[,;|/]/) ?? [])]) {
    const genre = written.trim().toLowerCase();
    if (genre === "" || genre.length > GENRE_CHARS_MAX || genres.includes(genre)) continue;
    genres.push(genre);
    if (genres.length === GENRES_MAX) break;
  }
  return genres;
}

/** By OpenRTB's device type where it says enough, else by operating system and user agent. */
function platformOf(device: Device, inventory: Inventory | undefined): Platform | undefined {
  const computer: Platform = inventory?.kind === "app" ? "desktop" : "web";
  switch (device.deviceType) {
    case 1:
    case 4:
    case 5:
      return "mobile";
    case 2:
      return computer;
    case 3:
    case 6:
    case 7:
    case 8:
      return "smart";
    default:
      return platformByName(`${device.os ?? ""} ${device.userAgent ?? ""}`, computer);
  }
}

const SMART =
  /\b(alexa|echo|sonos|roku|tizen|web0s|webos|smart-?tv|apple ?tv|tvos|chromecast|crkey|homepod|xbox|playstation|carplay)\b/i;
const MOBILE = /\b(ios|iphone|ipad|ipod|ipados|android|mobile|watchos)\b/i;
const COMPUTER = /\b(windows|macintosh|mac ?os|macos|os x|linux|cros|x11)\b/i;

function platformByName(name: string, computer: Platform): Platform | undefined {
  if (SMART.test(name)) return "smart";
  if (MOBILE.test(name)) return "mobile";
  return COMPUTER.test(name) ? computer : undefined;
}
