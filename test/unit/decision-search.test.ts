import { expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import type { DecisionRecord } from "../../protocols/decision-record.ts";
import { Fault } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";
import { DecisionSearch } from "../../runtime/host/decision-search.ts";
import type { LoggedRows } from "../../runtime/nats/decision-log.ts";

const partition = asPartition(2);
const madeMs = 1_700_000_000_000; // long ago: nothing waits for rows that may still come
const idAt = (nowMs: number, index = 0): string => decisionIdOf({ nowMs, partition, epoch: 1, commitSeq: 1, index });

function decision(at: number, changes: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    t: "decision",
    v: 1,
    decisionId: idAt(at),
    at,
    outcome: "bid",
    nbr: null,
    test: false,
    requestHash: "h",
    campaignId: "spring",
    adSetId: "spring-de",
    creativeId: "spring-30",
    currency: "USD",
    priceNanos: 12_000_000,
    floorNanos: 0,
    propensity: 1,
    candidates: [],
    vetoCounts: {},
    proposed: 1,
    considered: 1,
    roles: [],
    versions: { catalog: 1, config: "c" },
    capabilities: { id: true, caps: true, profile: true, measure: true, childSafe: false },
    context: { genres: [] },
    seed: "s",
    ...changes,
  };
}

/** A search over messages that are there already; `asked` counts how many were read. */
function rig(messages: readonly (readonly unknown[])[], describe: () => unknown, clockOffsetMs = 0) {
  const read = { messages: 0, fromMs: Number.NaN };
  const logged = (rows: readonly unknown[], index: number): LoggedRows => {
    read.messages++;
    return { sequence: index + 1, storedAtMs: madeMs + index, rows };
  };
  const search = new DecisionSearch({
    clockOffsetMs,
    asker: { partitions: 4, ask: () => new Promise((resolve) => resolve(describe())) },
    log: {
      async *since(_partition, fromMs) {
        read.fromMs = fromMs;
        for (const [index, rows] of messages.entries()) yield logged(rows, index);
      },
      async *newest() {
        for (const [index, rows] of [...messages.entries()].reverse()) yield logged(rows, index);
      },
    },
  });
  return { search, read };
}

const absent = (): never => {
  throw new Fault("ACTOR_ABSENT", "forgotten");
};

test("events of a living delivery come from its actor", async () => {
  const { search } = rig([[decision(madeMs)]], () => ({ events: [{ event: "impression", atMs: madeMs + 5 }] }));
  expect(await search.find(idAt(madeMs))).toMatchObject({
    campaignId: "spring",
    priceMicros: 12_000,
    events: [{ event: "impression", at: new Date(madeMs + 5).toISOString() }],
    eventsComplete: true,
  });
});

test("events of a delivery that is over come from its rows in the log, the last of which is complete", async () => {
  const decisionId = idAt(madeMs);
  const impression = { t: "event", decisionId, event: "impression", atMs: madeMs + 5 };
  const other = { t: "event", decisionId: idAt(madeMs, 1), event: "click", atMs: madeMs + 6 };
  const events = [
    { event: "impression", atMs: madeMs + 5 },
    { event: "start", atMs: madeMs + 7 },
  ];
  const running = rig([[decision(madeMs)], [impression, other], []], absent);
  expect(await running.search.find(decisionId)).toMatchObject({
    events: [{ event: "impression" }],
    eventsComplete: false,
  });
  const over = rig([[decision(madeMs)], [impression], [{ t: "outcome", decisionId, events }], [other]], absent);
  expect(await over.search.find(decisionId)).toMatchObject({
    events: [{ event: "impression" }, { event: "start" }],
    eventsComplete: true,
  });
  expect(over.read.messages).toBe(3);
});

test("a search for what is not there ends at the first decision that is clearly later", async () => {
  const later = Array.from({ length: 100 }, (_, index) => [decision(madeMs + 2_000 + index)]);
  const { search, read } = rig(later, absent);
  expect(await search.find(idAt(madeMs))).toBeNull();
  expect(read.messages).toBe(1);
});

test("a search reads a bounded number of messages", async () => {
  const filler = Array.from({ length: 5_000 }, () => []);
  const { search, read } = rig([[decision(madeMs)], ...filler], absent);
  expect(await search.find(idAt(madeMs))).toMatchObject({ eventsComplete: false });
  expect(read.messages).toBeLessThanOrEqual(2_048);
});

test("a no-bid has no delivery to ask", async () => {
  const { search } = rig(
    [[decision(madeMs, { outcome: "no-bid", nbr: 8, campaignId: null, priceNanos: null })]],
    () => {
      throw new Error("asked");
    },
  );
  expect(await search.find(idAt(madeMs))).toMatchObject({
    outcome: "no-bid",
    nbr: 8,
    events: [],
    eventsComplete: true,
  });
});

test("a search starts at the decision's time on the server's clock, which the node's may be ahead of", async () => {
  const offsetMs = 86_400_000;
  const { search, read } = rig([], absent, offsetMs);
  await search.find(idAt(madeMs));
  expect(read.fromMs).toBe(madeMs - offsetMs - 2_000);
});

test("what is no id of this cluster is not looked for", async () => {
  const { search, read } = rig([[decision(madeMs)]], absent);
  const elsewhere = decisionIdOf({ nowMs: madeMs, partition: asPartition(9), epoch: 1, commitSeq: 1, index: 0 });
  expect([await search.find("x"), await search.find(elsewhere), read.messages]).toEqual([null, null, 0]);
});

test("a list has the newest first, filtered by campaign and time, and no more than asked for", async () => {
  const rows = [0, 1, 2, 3].map((step) => [
    decision(madeMs + step, { campaignId: step === 2 ? "autumn" : "spring" }),
    { t: "event", decisionId: "x" },
  ]);
  const list = async (query: { campaign?: string; sinceMs?: number; limit: number }): Promise<number[]> =>
    (await rig(rows, absent).search.list(query)).map(({ at }) => Date.parse(at) - madeMs);
  expect(await list({ limit: 10 })).toEqual([3, 2, 1, 0]);
  expect(await list({ limit: 2 })).toEqual([3, 2]);
  expect(await list({ limit: 10, campaign: "autumn" })).toEqual([2]);
  expect(await list({ limit: 10, sinceMs: madeMs + 2 })).toEqual([3, 2]);
});
