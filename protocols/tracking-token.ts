import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { DecisionId } from "./decision-id.ts";
import { asPartition, type Partition } from "./ids.ts";
import type { EpochMs, Nanos } from "./quantities.ts";

/** What a URL or a server-side event can report. The order is the wire format: append only. */
export const TRACKED_EVENTS = [
  "impression",
  "start",
  "firstQuartile",
  "midpoint",
  "thirdQuartile",
  "complete",
  "mute",
  "unmute",
  "pause",
  "resume",
  "skip",
  "click",
  "error",
  "win",
  "bill",
  "loss",
] as const;

export type TrackedEvent = (typeof TRACKED_EVENTS)[number];

/** What a token vouches for (decisioning.md 7.3). */
export interface TokenFields {
  readonly decisionId: DecisionId;
  /** Where the decision's delivery actor lives (D16). */
  readonly partition: Partition;
  /** The place in the pod, from 0 to 255. */
  readonly slot: number;
  /** The events this token may report: one for a URL, several for server-side events. */
  readonly events: readonly TrackedEvent[];
  /** The price of one impression, below 2^48. */
  readonly priceNanos: Nanos;
  /** The end of the reservation, in whole seconds: events that move money are refused after it. */
  readonly impressionExpiryMs: EpochMs;
  /** The end of everything else, in whole seconds. */
  readonly clickExpiryMs: EpochMs;
  /** Of a request with `test: 1`: never bills, caps or learns. */
  readonly test: boolean;
}

/** One of two live keys: the one that signs, and the one before it until its tokens are over. */
export interface TokenKey {
  /** 0 to 255, written into the token. */
  readonly id: number;
  readonly secret: KeyObject;
}

/** Makes a key of 32 random bytes; done once, because importing the bytes costs six times a signature. */
export function tokenKey(id: number, secret: Uint8Array): TokenKey {
  return { id, secret: createSecretKey(secret) };
}

export type TokenReading =
  | { readonly ok: true; readonly fields: TokenFields }
  | { readonly ok: false; readonly reason: "forged" | "expired" | "malformed" };

const VERSION = 1;
const BODY_BYTES = 38;
const MAC_BYTES = 16;
const CLAIMS_CODE_BYTES = 32;
const TOKEN_BYTES = BODY_BYTES + MAC_BYTES;
/** 54 bytes are 72 characters exactly, so no spare bits could carry a second spelling of the same token. */
const SHAPE = /^[A-Za-z0-9_-]{72}$/;
const PRICE_NANOS_MAX = 2 ** 48 - 1;
/** Where the fields stand. The events come last, so that all before them is hashed once for all tokens of a decision. */
const AT = {
  version: 0,
  key: 1,
  decision: 2,
  partition: 18,
  slot: 20,
  flags: 21,
  price: 22,
  impression: 28,
  click: 32,
  events: 36,
};

const EVENT_BIT: Readonly<Record<TrackedEvent, number>> = Object.fromEntries(
  TRACKED_EVENTS.map((event, index) => [event, 1 << index]),
) as Record<TrackedEvent, number>;
/** They settle the reservation, so they end with it. */
const SETTLES = EVENT_BIT.impression | EVENT_BIT.bill | EVENT_BIT.win | EVENT_BIT.loss;

/**
 * Signs what a tracking URL may say: base64url of a fixed layout and a code of 128 bits; 72 characters. The code is SHA-256 of
 * {HMAC-SHA-256 of all but the events, events}: nested, so that the tokens of one ad share the dearer half (measured: 23 µs for
 * 13 tokens against 37).
 * @throws RangeError when a field does not fit its place.
 */
export function signToken(key: TokenKey, fields: TokenFields): string {
  const bits = fields.events.reduce((sum, event) => sum | EVENT_BIT[event], 0);
  const bytes = encode(key, fields);
  return seal(bytes, claimsCode(key, bytes), bits);
}

/** A token for each event alone, as the URLs of one ad need them. */
export function signEventTokens<E extends TrackedEvent>(
  key: TokenKey,
  fields: Omit<TokenFields, "events">,
  events: readonly E[],
): Readonly<Record<E, string>> {
  const bytes = encode(key, fields);
  const code = claimsCode(key, bytes);
  const tokens = {} as Record<E, string>;
  for (const event of events) tokens[event] = seal(bytes, code, EVENT_BIT[event]);
  return tokens;
}

/**
 * Reads a token that came back. Compares in constant time; a token of a key that is not live is forged, for nothing tells it
 * from one. Expired is said only of tokens that were ours.
 */
export function readToken(keys: readonly TokenKey[], token: string, nowMs: EpochMs): TokenReading {
  if (!SHAPE.test(token)) return { ok: false, reason: "malformed" };
  const bytes = Buffer.from(token, "base64url");
  const keyId = bytes.readUInt8(AT.key);
  const key = keys.find((live) => live.id === keyId);
  if (key === undefined) return { ok: false, reason: "forged" };
  const expected = tokenCode(claimsCode(key, bytes), bytes.readUInt16BE(AT.events));
  if (!timingSafeEqual(expected, bytes.subarray(BODY_BYTES))) return { ok: false, reason: "forged" };
  // Signed by us, in a layout of another release.
  if (bytes.readUInt8(AT.version) !== VERSION) return { ok: false, reason: "malformed" };
  const fields = decode(bytes);
  return nowMs > lastUseMs(fields) ? { ok: false, reason: "expired" } : { ok: true, fields };
}

/** Until when this token's event counts: money ends with the reservation, the rest with the click window. */
export function expiryMs(fields: TokenFields, event: TrackedEvent): EpochMs {
  return (EVENT_BIT[event] & SETTLES) !== 0 ? fields.impressionExpiryMs : fields.clickExpiryMs;
}

function lastUseMs(fields: TokenFields): EpochMs {
  return fields.events.reduce((last, event) => Math.max(last, expiryMs(fields, event)), 0);
}

function encode(key: TokenKey, fields: Omit<TokenFields, "events">): Buffer {
  if (fields.priceNanos > PRICE_NANOS_MAX) throw new RangeError("priceNanos does not fit a tracking token");
  const bytes = Buffer.alloc(TOKEN_BYTES);
  bytes.writeUInt8(VERSION, AT.version);
  bytes.writeUInt8(key.id, AT.key);
  if (bytes.write(fields.decisionId.replaceAll("-", ""), AT.decision, 16, "hex") !== 16) {
    throw new RangeError("decisionId is not a UUID");
  }
  bytes.writeUInt16BE(fields.partition, AT.partition);
  bytes.writeUInt8(fields.slot, AT.slot);
  bytes.writeUInt8(fields.test ? 1 : 0, AT.flags);
  bytes.writeUIntBE(fields.priceNanos, AT.price, 6);
  bytes.writeUInt32BE(Math.floor(fields.impressionExpiryMs / 1000), AT.impression);
  bytes.writeUInt32BE(Math.floor(fields.clickExpiryMs / 1000), AT.click);
  return bytes;
}

function claimsCode(key: TokenKey, bytes: Buffer): Buffer {
  return createHmac("sha256", key.secret).update(bytes.subarray(0, AT.events)).digest();
}

function tokenCode(claims: Buffer, eventBits: number): Buffer {
  const input = Buffer.allocUnsafe(CLAIMS_CODE_BYTES + 2);
  claims.copy(input);
  input.writeUInt16BE(eventBits, CLAIMS_CODE_BYTES);
  return hash("sha256", input, "buffer").subarray(0, MAC_BYTES);
}

function seal(bytes: Buffer, claims: Buffer, eventBits: number): string {
  bytes.writeUInt16BE(eventBits, AT.events);
  tokenCode(claims, eventBits).copy(bytes, BODY_BYTES);
  return bytes.toString("base64url");
}

function decode(bytes: Buffer): TokenFields {
  const hex = bytes.toString("hex", AT.decision, AT.decision + 16);
  const bits = bytes.readUInt16BE(AT.events);
  return {
    decisionId: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    partition: asPartition(bytes.readUInt16BE(AT.partition)),
    slot: bytes.readUInt8(AT.slot),
    events: TRACKED_EVENTS.filter((event) => (bits & EVENT_BIT[event]) !== 0),
    priceNanos: bytes.readUIntBE(AT.price, 6),
    impressionExpiryMs: bytes.readUInt32BE(AT.impression) * 1000,
    clickExpiryMs: bytes.readUInt32BE(AT.click) * 1000,
    test: bytes.readUInt8(AT.flags) === 1,
  };
}
