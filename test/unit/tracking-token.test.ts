import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { asPartition, ID_PATTERN } from "../../protocols/ids.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import {
  expiryMs,
  readToken,
  signEventTokens,
  signToken,
  type TokenFields,
  tokenKey,
} from "../../protocols/tracking-token.ts";
import { TRACKED_EVENTS } from "../../protocols/tracked-event.ts";

const NOW_MS = Date.UTC(2026, 10, 24);
const KEY = tokenKey(1, new Uint8Array(32).fill(7));
const OLD_KEY = tokenKey(0, new Uint8Array(32).fill(9));
const FIELDS: TokenFields = {
  decisionId: decisionIdOf({ nowMs: NOW_MS, partition: asPartition(11), epoch: 3, commitSeq: 99, index: 0 }),
  partition: asPartition(11),
  slot: 0,
  event: "impression",
  priceNanos: 12_000_000,
  impressionExpiryMs: NOW_MS + 600_000,
  clickExpiryMs: NOW_MS + 86_400_000,
  test: false,
};

const anyFields = fc.record({
  decisionId: fc.uuid(),
  partition: fc.integer({ min: 0, max: 65_535 }).map(asPartition),
  slot: fc.integer({ min: 0, max: 255 }),
  event: fc.constantFrom(...TRACKED_EVENTS),
  priceNanos: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  impressionExpiryMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((seconds) => seconds * 1000),
  clickExpiryMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((seconds) => seconds * 1000),
  test: fc.boolean(),
});

describe("tracking tokens", () => {
  test("read back what was signed, in 72 characters that need no escaping", () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const token = signToken(KEY, fields);
        expect(token).toMatch(/^[A-Za-z0-9_-]{72}$/);
        expect(readToken([KEY], token, 0)).toEqual({ ok: true, fields });
      }),
    );
  });

  test("any flipped bit is refused (N3)", () => {
    const token = signToken(KEY, FIELDS);
    const bytes = Buffer.from(token, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readToken([KEY, OLD_KEY], altered.toString("base64url"), NOW_MS)).toEqual({ ok: false, reason: "forged" });
    }
  });

  test("any other character at any place is refused, also one that decodes alike", () => {
    const token = signToken(KEY, FIELDS);
    fc.assert(
      fc.property(fc.nat(71), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(token[at] !== character);
        expect(readToken([KEY], token.slice(0, at) + character + token.slice(at + 1), NOW_MS).ok).toBe(false);
      }),
    );
    expect(readToken([KEY], `${token}=`, NOW_MS)).toEqual({ ok: false, reason: "malformed" });
  });

  test("whatever is not a token is malformed and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readToken([KEY], text, NOW_MS)).toEqual({ ok: false, reason: "malformed" });
      }),
    );
  });

  test("the key before is still read, one that is not live is forged", () => {
    const token = signToken(OLD_KEY, FIELDS);
    expect(readToken([KEY, OLD_KEY], token, NOW_MS).ok).toBe(true);
    expect(readToken([KEY], token, NOW_MS)).toEqual({ ok: false, reason: "forged" });
    expect(readToken([{ ...OLD_KEY, secret: KEY.secret }], token, NOW_MS)).toEqual({ ok: false, reason: "forged" });
  });

  test("what settles a reservation expires with it, the rest with the click window", () => {
    const tokens = signEventTokens(KEY, FIELDS, TRACKED_EVENTS);
    const after = FIELDS.impressionExpiryMs + 1;
    const expired = TRACKED_EVENTS.filter((event) => !readToken([KEY], tokens[event], after).ok);
    expect(expired).toEqual(["impression", "win", "bill", "loss"]);
    for (const event of TRACKED_EVENTS) {
      expect(readToken([KEY], tokens[event], FIELDS.clickExpiryMs + 1)).toEqual({ ok: false, reason: "expired" });
      expect(readToken([KEY], tokens[event], expiryMs(FIELDS, event)).ok).toBe(true);
    }
  });

  test("signing many at once gives the tokens of signing each", () => {
    const tokens = signEventTokens(KEY, FIELDS, TRACKED_EVENTS);
    for (const event of TRACKED_EVENTS) expect(tokens[event]).toBe(signToken(KEY, { ...FIELDS, event }));
  });

  test("fields that do not fit are refused at signing", () => {
    expect(() => signToken(KEY, { ...FIELDS, priceNanos: 2 ** 48 })).toThrow(RangeError);
    expect(() => signToken(KEY, { ...FIELDS, slot: 256 })).toThrow(RangeError);
    expect(() => signToken(KEY, { ...FIELDS, decisionId: "no" })).toThrow(RangeError);
  });
});

describe("pseudonyms", () => {
  test("are ids of 22 characters that depend on secret, source and value", () => {
    const secret = pseudonymSecret(new Uint8Array(32).fill(1));
    const key = pseudonymKey(secret, "user", "u1");
    expect(key).toMatch(ID_PATTERN);
    expect(key).toHaveLength(22);
    expect(pseudonymKey(secret, "user", "u1")).toBe(key);
    const others = [
      pseudonymKey(secret, "session", "u1"),
      pseudonymKey(secret, "user", "u2"),
      pseudonymKey(KEY.secret, "user", "u1"),
    ];
    expect(new Set([key, ...others]).size).toBe(4);
  });
});
