import fc from "fast-check";
import { expect, test } from "vitest";
import { encode } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import { encodeQuestion, type OutsideQuestion, OUTSIDE_ROLES, readAnswer } from "../../protocols/outside-agent.ts";
import { JSON_TEXT, MSGPACK } from "../../protocols/subjects.ts";

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const words = fc.array(id, { maxLength: 4 });

const candidates = fc.uniqueArray(
  fc.record({
    adSetId: id,
    campaignId: id,
    advertiserId: id,
    tier: fc.integer({ min: 0, max: 4 }),
    bidNanos: fc.nat(),
    currency: fc.constant("USD"),
    creatives: fc.uniqueArray(
      fc.record({ creativeId: id, durationMs: fc.nat(), categories: words, languages: words }),
      { minLength: 1, maxLength: 30, selector: (each) => each.creativeId },
    ),
  }),
  { maxLength: 64, selector: (each) => each.adSetId },
);

const questions: fc.Arbitrary<OutsideQuestion> = fc.record({
  v: fc.constant(1 as const),
  role: fc.constantFrom(...OUTSIDE_ROLES),
  variant: fc.constant("mine"),
  timeoutMs: fc.integer({ min: 1, max: 1_000 }),
  test: fc.boolean(),
  context: fc.record({ genres: fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }) }),
  profile: fc.boolean(),
  candidates,
});

const encodings = fc.constantFrom("json" as const, "msgpack" as const);

test("every question fits, keeps the order of rank, and names what its answer may speak of", () => {
  fc.assert(
    fc.property(questions, encodings, (question, encoding) => {
      const asked = encodeQuestion(question, encoding);
      expect(asked.bytes.byteLength).toBeLessThanOrEqual(65_536);
      const kept = asked.question.candidates ?? [];
      expect(kept).toEqual(question.candidates?.slice(0, kept.length));
      const vetoes = kept.map(({ adSetId }) => ({ adSetId, reason: "x", rule: "" }));
      const answer = encode({ v: 1, vetoes });
      expect(readAnswer("frequency", asked.question, answer, MSGPACK)).toEqual({ v: 1, vetoes });
    }),
    { numRuns: 150 },
  );
});

const values = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.record({
    v: fc.constantFrom(1, 1, 2),
    verdict: fc.constantFrom("allow", "house", "no-bid"),
    nanosPerSecond: fc.double(),
    why: fc.string(),
    vetoes: fc.array(fc.record({ adSetId: id, reason: fc.string(), rule: fc.string() }, { requiredKeys: [] })),
  }),
);
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 4_096 }),
  values.map((value) => new TextEncoder().encode(JSON.stringify(value))),
  values.map((value) => Uint8Array.from(encode(value))),
  // A valid message of which one byte is another.
  fc
    .tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([value, at, byte]) => Uint8Array.from(encode(value)).with(at % Math.max(1, encode(value).length), byte)),
);

test("no bytes make reading do anything but answer or refuse with a short reason", () => {
  fc.assert(
    fc.property(
      questions,
      fc.constantFrom(...OUTSIDE_ROLES),
      hostile,
      fc.oneof(fc.constantFrom(JSON_TEXT, MSGPACK), fc.string()),
      (question, role, bytes, contentType) => {
        try {
          expect(readAnswer(role, question, bytes, contentType)).toMatchObject({ v: 1 });
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(["CODEC_INVALID", "CODEC_LIMIT"]).toContain(error.code);
          expect(error.message.length).toBeLessThan(400);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
