import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { DecisionId } from "./decision-id.ts";
import { asPartition, type Partition } from "./ids.ts";
import type { EpochMs, Nanos } from "./quantities.ts";
import { TRACKED_EVENTS, type TrackedEvent } from "./tracked-event.ts";

/** What a token vouches for (decisioning.md 7.3). */
export interface TokenFields {
  readonly decisionId: DecisionId;
  /** Where the decision's delivery actor lives (D16). */
  readonly partition: Partition;
  /** The place in the pod, from 0 to 255. */
  readonly slot: number;
  /** The one event this token reports. */
  readonly event: TrackedEvent;
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
const TOKEN_BYTES = BODY_BYTES + MAC_BYTES;
/** 54 bytes are 72 characters exactly, so no spare bits could carry a second spelling of the same token. */
const SHAPE = /^[A-Za-z0-9_-]{72}$/;
const PRICE_NANOS_MAX = 2 ** 48 - 1;
/** Where the fields stand. The event comes last, so that all before it is authenticated once for all tokens of a decision. */
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
  event: 36,
};

/** They settle the reservation, so they end with it. */
const SETTLES: ReadonlySet<TrackedEvent> = new Set(["impression", "bill", "win", "loss"]);

/**
 * Signs what a tracking URL may say: base64url of a fixed layout and a code of 128 bits; 72 characters. The codes of one decision's events
 * are consecutive blocks of SHAKE256(HMAC-SHA-256(key, all but the event)): one HMAC and one hash for all URLs of an ad (ADR 0007).
 * @throws RangeError when a field does not fit its place.
 */
export function signToken(key: TokenKey, fields: TokenFields): string {
  return signEventTokens(key, fields, [fields.event])[fields.event];
}

/** A token for each event, as the URLs of one ad need them. */
export function signEventTokens<E extends TrackedEvent>(
  key: TokenKey,
  fields: Omit<TokenFields, "event">,
  events: readonly E[],
): Readonly<Record<E, string>> {
  const bytes = encode(key, fields);
  const codes = eventCodes(key, bytes);
  const tokens = {} as Record<E, string>;
  for (const event of events) {
    const index = TRACKED_EVENTS.indexOf(event);
    bytes.writeUInt16BE(index, AT.event);
    codeOf(codes, index).copy(bytes, BODY_BYTES);
    tokens[event] = bytes.toString("base64url");
  }
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
  const index = bytes.readUInt16BE(AT.event);
  if (index >= TRACKED_EVENTS.length) return { ok: false, reason: "forged" };
  const expected = codeOf(eventCodes(key, bytes), index);
  if (!timingSafeEqual(expected, bytes.subarray(BODY_BYTES))) return { ok: false, reason: "forged" };
  // Signed by us, in a layout of another release.
  if (bytes.readUInt8(AT.version) !== VERSION) return { ok: false, reason: "malformed" };
  const fields = decode(bytes);
  return nowMs > expiryMs(fields, fields.event) ? { ok: false, reason: "expired" } : { ok: true, fields };
}

/** Until when this token's event counts: money ends with the reservation, the rest with the click window. */
export function expiryMs(fields: TokenFields, event: TrackedEvent): EpochMs {
  return SETTLES.has(event) ? fields.impressionExpiryMs : fields.clickExpiryMs;
}

function encode(key: TokenKey, fields: Omit<TokenFields, "event">): Buffer {
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

/** The codes of all events, one after the other. */
function eventCodes(key: TokenKey, bytes: Buffer): Buffer {
  const claims = createHmac("sha256", key.secret).update(bytes.subarray(0, AT.event)).digest();
  return hash("shake256", claims, { outputEncoding: "buffer", outputLength: MAC_BYTES * TRACKED_EVENTS.length });
}

function codeOf(codes: Buffer, index: number): Buffer {
  return codes.subarray(index * MAC_BYTES, (index + 1) * MAC_BYTES);
}

function decode(bytes: Buffer): TokenFields {
  const hex = bytes.toString("hex", AT.decision, AT.decision + 16);
  return {
    decisionId: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    partition: asPartition(bytes.readUInt16BE(AT.partition)),
    slot: bytes.readUInt8(AT.slot),
    event: TRACKED_EVENTS[bytes.readUInt16BE(AT.event)] ?? "error",
    priceNanos: bytes.readUIntBE(AT.price, 6),
    impressionExpiryMs: bytes.readUInt32BE(AT.impression) * 1000,
    clickExpiryMs: bytes.readUInt32BE(AT.click) * 1000,
    test: bytes.readUInt8(AT.flags) === 1,
  };
}
