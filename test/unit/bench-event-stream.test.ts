import { expect, test } from "vitest";
import { OUTPUT_EVERY } from "../../bench/load/runtime/bench-actors.ts";
import { type EventMix, EventStream, type MailBatch } from "../../bench/load/runtime/event-stream.ts";
import { decodeMail } from "../../protocols/envelope.ts";
import { partitionOf } from "../../protocols/ids.ts";

const PARTITIONS = 4;

function streamed(mix: EventMix, events: number): { stream: EventStream; batches: MailBatch[] } {
  const stream = new EventStream(mix, PARTITIONS);
  return { stream, batches: [...stream.take(events), ...stream.rest()] };
}

test("the events of W1 come packed by partition, gapless, each in the partition of its key", () => {
  const { batches } = streamed({ keys: 1_000, skew: "zipf", seed: 7 }, 5_000);
  const next = new Map<number, number>();
  let events = 0;
  for (const { partition, bytes, events: said } of batches) {
    const [run] = decodeMail(bytes).runs;
    expect(run).toMatchObject({ sender: "bench", receiver: partition, first: next.get(partition) ?? 1 });
    for (const { key } of run?.envelopes ?? []) expect(partitionOf(key, PARTITIONS)).toBe(partition);
    expect(run?.envelopes).toHaveLength(said);
    next.set(partition, (next.get(partition) ?? 1) + said);
    events += said;
  }
  expect(events).toBe(5_000);
});

test("an event weighs 124 bytes, within two", () => {
  const { batches } = streamed({ keys: 100_000, skew: "uniform", seed: 7 }, 4_000);
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes.byteLength, 0) / 4_000;
  expect(Math.abs(bytes - 124)).toBeLessThan(2);
});

test("one seed gives one stream, and the outputs are those that its events cause", () => {
  const mix: EventMix = { keys: 20, skew: "zipf", seed: 11 };
  const [one, other] = [streamed(mix, 3_000), streamed(mix, 3_000)];
  expect(one.batches).toEqual(other.batches);
  const counts = new Map<string, number>();
  for (const { bytes } of one.batches)
    for (const { envelopes } of decodeMail(bytes).runs)
      for (const { key } of envelopes) counts.set(key, (counts.get(key) ?? 0) + 1);
  const caused = [...counts.values()].reduce((sum, count) => sum + Math.floor(count / OUTPUT_EVERY), 0);
  expect(one.stream.outputs).toBe(caused);
  expect(caused).toBeGreaterThan(0);
  // Zipf: the first key has about twice as many as the second.
  expect((counts.get("k0") ?? 0) / (counts.get("k1") ?? 1)).toBeGreaterThan(1.5);
});
