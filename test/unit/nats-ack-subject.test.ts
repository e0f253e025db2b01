import { expect, test } from "vitest";
import { streamSequenceOf } from "../../runtime/nats/pull-subscription.ts";

test("the stream sequence is read from both forms of the acknowledgement subject", () => {
  expect(streamSequenceOf("$JS.ACK.CHORUS_P.p1.1.4711.12.1700000000000000000.0")).toBe(4711);
  expect(streamSequenceOf("$JS.ACK._.hash.CHORUS_P.p1.1.4711.12.1700000000000000000.0.random")).toBe(4711);
});

test("anything else is refused", () => {
  expect(() => streamSequenceOf("")).toThrow();
  expect(() => streamSequenceOf("chorus.p.1.in.a.b.c.7.9")).toThrow();
  expect(() => streamSequenceOf("$JS.ACK.CHORUS_P.p1.1.x.12.1700000000000000000.0")).toThrow();
});
