import { expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import type { DecisionRecord } from "../../protocols/decision-record.ts";
import { Fault } from "../../protocols/errors.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { DecisionQuery } from "../../runtime/host/decision-list.ts";
import { DecisionSearch } from "../../runtime/host/decision-search.ts";
import type { LoggedRows } from "../../runtime/nats/decision-log.ts";

const partition = asPartition(2);
const madeMs = 1_700_000_000_000; // long ago: nothing waits for rows that may still come
const idAt = (nowMs: number, index = 0): string => decisionIdOf({ nowMs, partition, epoch: 1, commitSeq: 1, index });

function decision(at: number, changes: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    t: "decision",
    v: 3,
    dealId: null,
    slots: [],
    clearingCurrency: "USD",
    decisionId: idAt(at),
    at,
    outcome: "bid",
    nbr: null,
    test: false,
    receivedAt: at - 1,
    node: "n1",
    reservedUntil: null,
    clearingNanos: 12_000_000,
    inputs: "absent",
    requestHash: "h",
    campaignId: "spring",
    adSetId: "spring-de",
    creativeId: "spring-30",
    currency: "USD",
    priceNanos: 12_000_000,
    floorNanos: 0,
    propensity: 1,
    actions: [],
    noAdProbability: 0,
    explore: true,
    experiments: [],
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
    replays: { replay: async () => ({ outcome: "same" }) },
    asker: { partitions: 4, ask: () => new Promise((resolve) => resolve(describe())) },
    log: {
      async *since(_partition, fromMs) {
        read.fromMs = fromMs;
        for (const [index, rows] of messages.entries()) yield logged(rows, index);
      },
      async *backwards(from) {
        for (const [index, rows] of [...messages.entries()].reverse()) {
          if (from !== "end" && "sequence" in from && index + 1 > from.sequence) continue;
          if (from !== "end" && "atMs" in from && madeMs + index > from.atMs) continue;
          yield logged(rows, index);
        }
      },
    },
  });
  return { search, read };
}

const EVERYTHING: DecisionQuery = {
  campaign: undefined,
  outcome: undefined,
  sinceMs: undefined,
  untilMs: undefined,
  after: undefined,
  limit: 10,
};

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
  const list = async (query: Partial<DecisionQuery>): Promise<number[]> => {
    const { decisions } = await rig(rows, absent).search.list({ ...EVERYTHING, ...query });
    return decisions.map(({ at }) => Date.parse(at) - madeMs);
  };
  expect(await list({ limit: 10 })).toEqual([3, 2, 1, 0]);
  expect(await list({ limit: 2 })).toEqual([3, 2]);
  expect(await list({ limit: 10, campaign: "autumn" })).toEqual([2]);
  expect(await list({ limit: 10, sinceMs: madeMs + 2 })).toEqual([3, 2]);
  expect(await list({ limit: 10, untilMs: madeMs + 2 })).toEqual([1, 0]);
});

test("a list goes on where the page before ended, also within a message", async () => {
  const rows = [0, 10, 20].map((at) => [0, 1, 2].map((step) => decision(madeMs + at + step)));
  const { search } = rig(rows, absent);
  const pages: number[][] = [];
  let after: DecisionQuery["after"];
  do {
    const { decisions, next } = await search.list({ ...EVERYTHING, after, limit: 4 });
    pages.push(decisions.map(({ at }) => Date.parse(at) - madeMs));
    after = next ?? undefined;
  } while (after !== undefined);
  expect(pages).toEqual([[22, 21, 20, 12], [11, 10, 2, 1], [0]]);
});

test("a list says what a campaign was in each decision, and what spoke against it", async () => {
  const candidate = (campaignId: string, ...vetoes: string[]) => ({
    campaignId,
    adSetId: campaignId,
    creativeId: campaignId,
    proposedBy: "audience",
    vetoes: vetoes.map((reason) => ({ role: "frequency", reason, rule: "2 a day" })),
    terms: [],
    scoreNanos: 1,
    bidNanos: 1,
  });
  const rows = [
    [decision(madeMs, { campaignId: "autumn", candidates: [candidate("autumn"), candidate("spring", "cap")] })],
    [decision(madeMs + 1, { campaignId: "autumn", candidates: [candidate("autumn"), candidate("spring")] })],
    [decision(madeMs + 2, { candidates: [candidate("spring")] })],
  ];
  const { decisions } = await rig(rows, absent).search.list({ ...EVERYTHING, campaign: "spring" });
  expect(decisions).toMatchObject([
    { as: "winner", vetoes: [] },
    { as: "outbid", vetoes: [] },
    { as: "vetoed", vetoes: [{ role: "frequency", reason: "cap", rule: "2 a day" }] },
  ]);
});
