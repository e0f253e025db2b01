import { deflateRawSync, inflateRawSync } from "node:zlib";
import { decodeBounded, encode } from "./codec.ts";
import { Fault } from "./errors.ts";

/*
 * Small values that are kept by the million and seldom read: msgpack, deflated with a vocabulary that both sides know. Byte 0 numbers
 * the vocabulary: one that was used never changes, a better one gets the next number. Measured on the inputs of a decision: a quarter
 * of the bytes for the time of a plain deflate.
 */

const FORMAT = 1;
const OPTIONS = { level: 1, memLevel: 4, windowBits: 13, chunkSize: 8_192 } as const;
/** Far above any value of ours, so that damaged bytes do not fill the memory. */
const PLAIN_BYTES_MAX = 1_048_576;

/** What decisions are made from, as it usually looks; the commonest stands last, nearest to what refers to it. */
const USUAL = {
  personalisation: {
    habits: [
      { about: "IAB17", heard: 1.97, completed: 1.97, clicked: 0 },
      { about: "rock in the morning", heard: 1, completed: 1, clicked: 0 },
    ],
    open: [{ decisionId: "", about: ["IAB1"], atMs: 1_795_521_600_000, counted: false }],
  },
  frequency: {
    pending: [{ decisionId: "", campaignId: "", keep: 3, expiresAtMs: 1_795_521_600_000 }],
    heard: [{ campaignId: "", atMs: [1_795_521_600_000] }],
  },
  separation: {
    recent: [{ decisionId: "", creativeId: "", advertiserId: "", categories: ["IAB17-3"], atMs: 1_795_521_600_000 }],
  },
  creative: { last: [["", 0]] },
  reward: {
    heard: [
      { decisionId: "019f0000-0000-7000-8000-000000000000", atMs: 1_795_521_600_000, durationMs: 30_000 },
      { decisionId: "019f0000-0000-7000-8000-000000000000", atMs: 1_795_521_600_000, durationMs: 15_000 },
    ],
  },
  v: 1,
  catalog: 1,
  nowMs: 1_795_521_600_000,
  sessionStartedMs: 1_795_521_600_000,
  recent: 1,
  upliftMax: 0.25,
  refused: [],
  unpaid: false,
  request: {
    receivedAtMs: 1_795_521_600_000,
    test: false,
    traffic: { client: "unknown", datacenter: false },
    capabilities: { id: true, caps: true, profile: true, measure: true, childSafe: false },
    memory: "listener",
    context: {
      country: "USA",
      region: "US-NY",
      deviceType: 4,
      platform: "mobile",
      language: "en",
      feed: 1,
      genres: ["rock"],
      hourOfWeek: 36,
    },
    slot: {
      impId: "1",
      mimes: ["audio/mpeg", "audio/mp4", "audio/ogg"],
      minDurationMs: 0,
      maxDurationMs: 30_000,
      floorCpmMicros: 0,
      floorCurrency: "USD",
      secure: true,
      startDelay: 0,
      blockedAttributes: [],
      minBitrateKbps: 64,
      expiryMs: 600_000,
    },
    currencies: ["USD"],
    allowedCategories: [],
    allowedLanguages: [],
    blockedCategories: [],
    blockedAdvertiserDomains: [],
    requestHash: "",
  },
  roles: Array.from({ length: 9 }, () => ["default", "1", null]),
  free: [0, 1_000_000_000],
  imposed: [],
};
const VOCABULARY: Uint8Array = encode(USUAL);

/** @returns bytes owned by the caller. @throws Fault CODEC_INVALID for what msgpack cannot carry. */
export function packValue(value: unknown): Uint8Array {
  const body = deflateRawSync(encode(value), { ...OPTIONS, dictionary: VOCABULARY });
  const packed = new Uint8Array(1 + body.byteLength);
  packed[0] = FORMAT;
  packed.set(body, 1);
  return packed;
}

/** @throws Fault CODEC_INVALID for damaged bytes, STATE_TOO_NEW for a vocabulary of a later release. */
export function unpackValue(packed: Uint8Array): unknown {
  if (packed[0] !== FORMAT)
    throw new Fault("STATE_TOO_NEW", `packed with vocabulary ${packed[0]}, this release reads ${FORMAT}`);
  return decodeBounded(inflated(packed.subarray(1)));
}

function inflated(body: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(body, { dictionary: VOCABULARY, maxOutputLength: PLAIN_BYTES_MAX });
  } catch (cause) {
    throw new Fault("CODEC_INVALID", "the bytes are not a packed value", { cause });
  }
}
