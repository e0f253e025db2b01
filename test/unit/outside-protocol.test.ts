import { describe, expect, test } from "vitest";
import { encode } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import {
  encodeQuestion,
  type OutsideCandidate,
  type OutsideQuestion,
  type OutsideRole,
  OUTSIDE_ROLES,
  readAnswer,
} from "../../protocols/outside-agent.ts";
import { JSON_TEXT, MSGPACK } from "../../protocols/subjects.ts";
import { questionIn } from "../support/two-turn-ask.ts";

const candidate = (adSetId: string, ...creativeIds: string[]): OutsideCandidate => ({
  adSetId,
  campaignId: `campaign-of-${adSetId}`,
  advertiserId: "nordlicht",
  tier: 2,
  bidNanos: 10_000_000,
  currency: "USD",
  creatives: creativeIds.map((creativeId) => ({ creativeId, durationMs: 30_000, categories: [], languages: [] })),
});

const QUESTION: OutsideQuestion = {
  v: 1,
  role: "personalisation",
  variant: "mine",
  timeoutMs: 20,
  test: false,
  context: { genres: ["rock"], country: "USA" },
  profile: true,
  candidates: [candidate("a", "a-1", "a-2"), candidate("b", "b-1")],
};

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (role: OutsideRole, answer: unknown) => readAnswer(role, QUESTION, json(answer), JSON_TEXT);

function refusal(readIt: () => unknown): string {
  try {
    readIt();
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.message}`;
    throw error;
  }
  return "none";
}

const veto = { adSetId: "a", reason: "cap", rule: "3 per 1d" };
const expectation = { adSetId: "a", pComplete: 0.9, pClick: 0.01, nanos: 1_000, why: "likes it" };
const VALID: Readonly<Record<OutsideRole, readonly object[]>> = {
  quality: [
    { v: 1, verdict: "allow" },
    { v: 1, verdict: "house", reason: "library", rule: "a known client", version: "7" },
    { v: 1, verdict: "no-bid", nbr: 4, reason: "burst", rule: "" },
  ],
  reward: [{ v: 1, nanosPerSecond: 6_000, why: "90 s lately" }],
  frequency: [
    { v: 1, vetoes: [] },
    { v: 1, vetoes: [veto, { ...veto, creativeId: "a-2" }] },
  ],
  separation: [{ v: 1, vetoes: [veto] }],
  personalisation: [{ v: 1, expectations: [expectation, { ...expectation, creativeId: "a-1", nanos: -2.5 }] }],
  creative: [{ v: 1, chances: [{ adSetId: "a", creativeId: "a-1", chance: 1 }] }],
};

describe.each(OUTSIDE_ROLES)("the answer of %s", (role) => {
  test("is read as it was written, as JSON and as msgpack", () => {
    for (const answer of VALID[role]) {
      expect(read(role, answer)).toEqual(answer);
      expect(readAnswer(role, QUESTION, encode(answer), MSGPACK)).toEqual(answer);
      expect(readAnswer(role, QUESTION, json(answer), "Application/JSON; charset=utf-8")).toEqual(answer);
    }
  });

  test("is refused without each of its fields, and with one more, by name", () => {
    for (const answer of VALID[role]) {
      for (const field of Object.keys(answer).filter((name) => name !== "version")) {
        const { [field]: _missing, ...rest } = answer as Record<string, unknown>;
        expect(refusal(() => read(role, rest))).toMatch(new RegExp(`^CODEC_INVALID .*${field}`));
      }
      expect(refusal(() => read(role, { ...answer, listener: "x" }))).toMatch(/^CODEC_INVALID .*"listener"/);
      expect(refusal(() => read(role, { ...answer, v: 2 }))).toMatch(/^CODEC_INVALID v: /);
      expect(refusal(() => read(role, { ...answer, version: "9".repeat(33) }))).toMatch(/^CODEC_INVALID version: /);
    }
  });

  test("is refused when it is no object", () => {
    for (const answer of [null, 7, "yes", [], [VALID[role][0]], true])
      expect(refusal(() => read(role, answer))).toMatch(/^CODEC_INVALID the answer: /);
  });
});

const REFUSED: readonly [role: OutsideRole, names: string, answer: object][] = [
  ["quality", "verdict", { v: 1, verdict: "maybe" }],
  ["quality", "nbr", { v: 1, verdict: "no-bid", nbr: 8, reason: "x", rule: "" }],
  ["quality", "reason", { v: 1, verdict: "house", reason: "Because I say so", rule: "" }],
  ["quality", "rule", { v: 1, verdict: "house", reason: "x", rule: "r".repeat(201) }],
  ["reward", "nanosPerSecond", { v: 1, nanosPerSecond: -1, why: "" }],
  ["reward", "nanosPerSecond", { v: 1, nanosPerSecond: 1e10, why: "" }],
  ["reward", "nanosPerSecond", { v: 1, nanosPerSecond: "6000", why: "" }],
  ["frequency", "vetoes", { v: 1, vetoes: Array.from({ length: 2_049 }, () => 0) }],
  ["frequency", "vetoes.1.adSetId", { v: 1, vetoes: [veto, { ...veto, adSetId: "../b" }] }],
  ["frequency", "vetoes.0.reason", { v: 1, vetoes: [{ ...veto, reason: "x".repeat(33) }] }],
  ["separation", "vetoes.0.creativeId", { v: 1, vetoes: [{ ...veto, creativeId: "" }] }],
  ["separation", "adSetId c", { v: 1, vetoes: [{ ...veto, adSetId: "c" }] }],
  ["separation", "creativeId b-1", { v: 1, vetoes: [{ ...veto, creativeId: "b-1" }] }],
  ["personalisation", "expectations.0.pComplete", { v: 1, expectations: [{ ...expectation, pComplete: 1.01 }] }],
  ["personalisation", "expectations.0.pClick", { v: 1, expectations: [{ ...expectation, pClick: -0.01 }] }],
  ["personalisation", "expectations.0.nanos", { v: 1, expectations: [{ ...expectation, nanos: 1e13 }] }],
  ["personalisation", "expectations.0.why", { v: 1, expectations: [{ ...expectation, why: null }] }],
  ["creative", "chances.0.chance", { v: 1, chances: [{ adSetId: "a", creativeId: "a-1", chance: 2 }] }],
  ["creative", "chances.0.creativeId", { v: 1, chances: [{ adSetId: "a", chance: 1 }] }],
  ["creative", "creativeId a-3", { v: 1, chances: [{ adSetId: "a", creativeId: "a-3", chance: 1 }] }],
];

test.each(REFUSED)("%s: a wrong %s is refused by that name", (role, names, answer) => {
  expect(refusal(() => read(role, answer))).toContain(`CODEC_INVALID ${names}`);
});

describe("bytes that are no answer", () => {
  const readRaw = (bytes: Uint8Array, type: string) => refusal(() => readAnswer("reward", QUESTION, bytes, type));

  test("are refused by what they are", () => {
    expect(readRaw(new TextEncoder().encode("{"), JSON_TEXT)).toBe("CODEC_INVALID the answer is not JSON");
    expect(readRaw(Uint8Array.of(0x22, 0xff, 0x22), JSON_TEXT)).toBe("CODEC_INVALID the answer is not JSON");
    expect(readRaw(new Uint8Array(0), MSGPACK)).toMatch(/^CODEC_INVALID /);
    expect(readRaw(json({}), "text/html")).toMatch(/^CODEC_INVALID Content-Type text\/html: /);
    expect(readRaw(json({}), `text/${"x".repeat(5_000)}`).length).toBeLessThan(200);
    expect(readRaw(new Uint8Array(65_537), JSON_TEXT)).toMatch(/^CODEC_LIMIT .*65537 bytes/);
  });

  test("cannot be larger inside than outside: nesting and counts are bounded before anything looks at them", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(readRaw(encode(nested(9)), MSGPACK)).toMatch(/^CODEC_LIMIT nested deeper/);
    expect(readRaw(encode(Array.from({ length: 20_000 }, () => 1)), MSGPACK)).toMatch(/^CODEC_LIMIT more than/);
    expect(readRaw(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, 1), MSGPACK)).toMatch(/^CODEC_/); // an array of 4 billion
    expect(readRaw(new TextEncoder().encode("[".repeat(60_000)), JSON_TEXT)).toMatch(/^CODEC_INVALID /);
  });

  test("are not quoted at length", () => {
    const answer = { v: 1, nanosPerSecond: 1, why: "", ["x".repeat(50_000)]: 1 };
    expect(refusal(() => read("reward", answer)).length).toBeLessThan(300);
  });
});

describe("the question", () => {
  test("is written as the agent wishes, and says so", () => {
    for (const encoding of ["json", "msgpack"] as const) {
      const { bytes, contentType, question } = encodeQuestion(QUESTION, encoding);
      expect(contentType).toBe(encoding === "json" ? JSON_TEXT : MSGPACK);
      expect(questionIn(bytes, contentType)).toEqual(QUESTION);
      expect(question).toBe(QUESTION);
    }
  });

  test("never exceeds 64 KiB: the worst ranked candidates stay behind, and an answer about those is refused", () => {
    const creatives = Array.from({ length: 12 }, (_, at) => `creative-${"x".repeat(40)}-${at}`);
    const candidates = Array.from({ length: 64 }, (_, at) => candidate(`ad-set-${at}`, ...creatives));
    const { question, bytes } = encodeQuestion({ ...QUESTION, candidates }, "json");
    expect(bytes.byteLength).toBeLessThanOrEqual(65_536);
    expect(question.candidates?.length).toBe(32);
    expect(question.candidates).toEqual(candidates.slice(0, 32));
    const answer = json({ v: 1, vetoes: [{ ...veto, adSetId: "ad-set-40" }] });
    expect(refusal(() => readAnswer("frequency", question, answer, JSON_TEXT))).toMatch(/adSetId ad-set-40/);
  });

  test("that one candidate alone makes too long asks about nothing", () => {
    const creatives = Array.from({ length: 1_500 }, (_, at) => `creative-${at}`);
    const { question, bytes } = encodeQuestion({ ...QUESTION, candidates: [candidate("a", ...creatives)] }, "json");
    expect(question.candidates).toEqual([]);
    expect(bytes.byteLength).toBeLessThan(1_000);
  });
});
