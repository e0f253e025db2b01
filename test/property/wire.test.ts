import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, decodeBounded, encode, encodeArrayOf } from "../../protocols/codec.ts";
import { type CommitRecord, decodeRecord, encodeRecord } from "../../protocols/commit-record.ts";
import { decisionIdOf, readDecisionId } from "../../protocols/decision-id.ts";
import { decodeMail, encodeMail, ENVELOPES_PER_MESSAGE_MAX } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";

/** What messages may carry: plain data. `undefined` becomes null on the wire, so it is not drawn. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.string(),
    fc.array(tie("value"), { maxLength: 5 }),
    fc
      .dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 5 },
      )
      .map((value) => ({ ...value })),
  ),
})).value;

const sequence = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const partition = fc.integer({ min: 0, max: 1_023 }).map(asPartition);
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const envelope = fc.record({ kind: name, key: name, type: name, payload: plain });
const bytes = fc.uint8Array({ maxLength: 60 });

const run = fc.record({
  sender: fc.oneof(partition, name),
  receiver: partition,
  first: sequence,
  envelopes: fc.array(envelope, { maxLength: 4 }),
});

const record: fc.Arbitrary<CommitRecord> = fc.record({
  partition,
  epoch: sequence,
  commitSeq: sequence,
  position: fc.option(fc.record({ stream: fc.string(), sequence, index: sequence })),
  received: fc.array(fc.tuple(fc.oneof(partition, name), sequence), { maxLength: 3 }),
  sent: fc.array(fc.tuple(partition, sequence), { maxLength: 3 }),
  states: fc.array(fc.record({ kind: name, key: name, part: fc.string(), bytes: fc.option(bytes) }), { maxLength: 3 }),
  timers: fc.array(fc.record({ dueMs: sequence, kind: name, key: name, name, set: fc.boolean() }), { maxLength: 3 }),
  outbox: fc.array(fc.record({ to: partition, first: sequence, envelopes: fc.array(envelope, { maxLength: 3 }) }), {
    maxLength: 3,
  }),
  decisions: fc.array(bytes, { maxLength: 3 }),
  deadLetters: fc.array(bytes, { maxLength: 3 }),
  topics: fc.array(fc.record({ topic: name, version: sequence, bytes }), { maxLength: 2 }),
  snapshots: fc.array(fc.tuple(name, sequence), { maxLength: 2 }),
  published: sequence,
  nowMs: sequence,
});

/** Buffers and arrays of bytes compare by content. */
const comparable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      inner instanceof Uint8Array ? Buffer.from(inner).toString("hex") : inner,
    ).replace(/\{"type":"Buffer","data":(\[[\d,]*\])\}/g, (_match, data: string) =>
      JSON.stringify(Buffer.from(JSON.parse(data) as number[]).toString("hex")),
    ),
  );

test("plain values survive the codec", () => {
  fc.assert(
    fc.property(plain, (value) => {
      expect(decode(encode(value))).toEqual(value);
    }),
  );
});

test("values joined without decoding read as one array", () => {
  fc.assert(
    fc.property(fc.array(plain, { maxLength: 40 }), (values) => {
      expect(decode(encodeArrayOf(values.map(encode)))).toEqual(values);
    }),
  );
});

test("a commit record survives its bytes", () => {
  fc.assert(
    fc.property(record, (value) => {
      expect(comparable(decodeRecord(encodeRecord(value)))).toEqual(comparable(value));
    }),
  );
});

test("any flipped bit of a record is noticed", () => {
  fc.assert(
    fc.property(record, fc.nat(), (value, at) => {
      const altered = Uint8Array.from(encodeRecord(value));
      const bit = at % (altered.byteLength * 8);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeRecord(altered)).toThrow(expect.objectContaining({ code: "RECORD_CORRUPT" }));
    }),
  );
});

test("mail survives its bytes", () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
      expect(decodeMail(encodeMail({ runs }))).toEqual({ runs });
    }),
  );
});

test("hostile bytes give a typed fault or a plain value, and nothing else", () => {
  const mutated = fc
    .tuple(
      fc.array(run, { maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
    )
    .map(([runs, edits]) => {
      const out = Uint8Array.from(encodeMail({ runs }));
      for (const [at, value] of edits) out[at % out.byteLength] = value;
      return out;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (input) => {
      for (const read of [decodeMail, (data: Uint8Array) => decodeBounded(data)]) {
        try {
          read(input);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(["CODEC_INVALID", "CODEC_LIMIT"]).toContain((error as Fault).code);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test("extension types never come out as anything but plain values", () => {
  let refused = 0;
  for (let type = 0; type < 256; type++) {
    for (const header of [
      [0xd4, type, 0],
      [0xc7, 1, type, 0],
      [0xd6, type, 0, 0, 0, 0],
    ]) {
      try {
        // msgpackr writes undefined as extension 0, and a record's definition (0x72) reads as a plain object.
        expect(JSON.parse(JSON.stringify(decodeBounded(Uint8Array.from([0x92, ...header, 0x00]))))).toBeInstanceOf(
          Array,
        );
        expect([0, 0x72]).toContain(type);
      } catch (error) {
        expect(error, `type ${type}`).toBeInstanceOf(Fault);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(3 * 250);
});

test("depth, count and size are bounded", () => {
  let deep: unknown = 0;
  for (let depth = 0; depth < 40; depth++) deep = [deep];
  expect(() => decodeBounded(encode(deep))).toThrow(expect.objectContaining({ code: "CODEC_LIMIT" }));
  expect(() => decodeBounded(encode(new Array(100).fill(0)), { bytesMax: 1_000, depthMax: 4, nodesMax: 50 })).toThrow(
    expect.objectContaining({ code: "CODEC_LIMIT" }),
  );
  expect(() => decodeBounded(encode("x".repeat(2_000)), { bytesMax: 1_000, depthMax: 4, nodesMax: 50 })).toThrow(
    expect.objectContaining({ code: "CODEC_LIMIT" }),
  );
  const envelopes = Array.from({ length: ENVELOPES_PER_MESSAGE_MAX + 1 }, () => ({
    kind: "k",
    key: "k",
    type: "t",
    payload: null,
  }));
  const runs = [{ sender: "s", receiver: asPartition(0), first: 1, envelopes }];
  expect(() => decodeMail(encodeMail({ runs }))).toThrow(expect.objectContaining({ code: "CODEC_LIMIT" }));
});

test("a decision id tells when and where it was made", () => {
  const origin = fc.record({
    nowMs: fc.integer({ min: 0, max: 2 ** 47 }),
    partition: fc.integer({ min: 0, max: 65_535 }).map(asPartition),
    epoch: sequence,
    commitSeq: sequence,
    index: fc.nat(5_000),
  });
  fc.assert(
    fc.property(origin, (from) => {
      const id = decisionIdOf(from);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(readDecisionId(id)).toEqual({ atMs: from.nowMs, partition: from.partition });
    }),
  );
});

test("ids of one partition and millisecond differ", () => {
  const ids = new Set<string>();
  for (let commitSeq = 1; commitSeq <= 200; commitSeq++) {
    for (let index = 0; index < 50; index++)
      ids.add(decisionIdOf({ nowMs: 1, partition: asPartition(3), epoch: 2, commitSeq, index }));
  }
  expect(ids.size).toBe(10_000);
});
