import { describe, expect, test } from "vitest";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { only } from "../../actors/listener/roster.ts";
import { rewardAgents } from "../../actors/reward/agent.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import type { CatalogIndex } from "../../protocols/catalog-index.ts";
import { explainView } from "../../protocols/explanation.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { indexOf, NOON_MS, request, type RequestSpec, roster, SLOPE } from "../support/campaigns.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY = "2026-11-24";
const KEY = "listener-key";
const WALLET = { kind: "wallet", key: walletKey(partitionOf(KEY, 16)) };
const actor = listenerActor({ roster, configVersion: "c1", node: "n1" });

interface Setting {
  readonly catalog?: CatalogIndex;
  /** Grants by campaign, micros. */
  readonly grants?: Readonly<Record<string, number>>;
}

function listening({ catalog = indexOf({ id: "a" }), grants = { a: 1_000_000 } }: Setting = {}): ActorKit {
  const kit = activate(actor, {
    key: KEY,
    nowMs: NOON_MS,
    others: [walletActor, deliveryActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: catalog.version, value: catalog } },
  });
  for (const [campaign, grantedMicros] of Object.entries(grants))
    kit.tell("Grant", { campaign, day: DAY, grantedMicros, number: 1 }, WALLET);
  return kit;
}

const decide = (kit: ActorKit, spec: RequestSpec = {}): DecisionAnswer =>
  DecisionAnswer.parse(kit.ask("Decide", DecisionRequest.parse(request(spec))));
const event = (kit: ActorKit, decisionId: string, name: string): unknown =>
  kit.ask("Event", { event: name, atMs: kit.clock.now }, { kind: "delivery", key: decisionId });
const account = (kit: ActorKit, campaign = "a") => kit.part(`account/${campaign}/${DAY}`, WALLET);

describe("a bid", () => {
  test("debits the wallet, opens a delivery, remembers and is recorded, in one commit", () => {
    const kit = listening();
    const before = kit.records.length;
    const { decisionId, bids, nbr } = decide(kit);
    const [bid] = bids;
    expect(kit.records).toHaveLength(before + 1);
    expect(nbr).toBeNull();
    expect(bid).toMatchObject({
      campaignId: "a",
      adSetId: "a",
      cpmMicros: 10_000_000,
      priceNanos: 10_000_000,
      currency: "USD",
    });
    expect(bid?.expiresAtMs).toBe(NOON_MS + 20 * MINUTE_MS);
    expect(account(kit)).toMatchObject({ reservedNanos: 10_000_000 });
    expect(kit.part("", { kind: "delivery", key: decisionId })).toMatchObject({
      stage: "open",
      opening: { listener: KEY, day: DAY },
    });
    expect(kit.part("core")).toMatchObject({ bids: 1, memory: "listener" });
    expect(kit.part("separation@default")).toMatchObject({ recent: [{ decisionId, creativeId: "a" }] });
    expect(kit.rows.filter(({ t }) => t === "decision")).toMatchObject([
      { decisionId, outcome: "bid", campaignId: "a", propensity: 1, versions: { catalog: 1, config: "c1" } },
    ]);
  });

  test("reserves as long as the exchange or the feed says", () => {
    const expiry = (spec: RequestSpec): number => (decide(listening(), spec).bids[0]?.expiresAtMs ?? 0) - NOON_MS;
    expect(expiry({ slot: { expiryMs: 5 * MINUTE_MS } })).toBe(15 * MINUTE_MS);
    expect(expiry({ context: { feed: 3 } })).toBe(70 * MINUTE_MS);
  });

  test("is explained as interfaces.md shows it", () => {
    const kit = listening({
      catalog: indexOf({ id: "a" }, { id: "b", adSet: { bidCpmMicros: 99_000_000 } }),
    });
    const { decisionId } = decide(kit, { slot: { floorCpmMicros: 5_000_000 } });
    const record = kit.rows.find(({ t }) => t === "decision");
    expect(explainView(record, { events: [{ event: "impression", atMs: NOON_MS }], stages: ["billed"] })).toMatchObject(
      {
        decisionId,
        at: "2026-11-24T12:00:00.000Z",
        outcome: "bid",
        campaignId: "a",
        creativeId: "a",
        priceMicros: 10_000,
        floorMicros: 5_000,
        propensity: 1,
        candidates: [
          {
            campaignId: "b",
            proposedBy: "audience",
            vetoes: [{ role: "pacing", reason: "budget" }],
            terms: [],
            scoreMicros: 0,
          },
          {
            campaignId: "a",
            creativeId: "a",
            vetoes: [],
            terms: [{ role: "audience", micros: 10_000, why: "bid" }],
            scoreMicros: 10_000,
          },
        ],
        vetoCounts: { "pacing/budget": 1 },
        experiments: [],
        events: [{ event: "impression", at: "2026-11-24T12:00:00.000Z" }],
      },
    );
  });
});

describe("no bid", () => {
  test("before the first index says nothing about campaigns", () => {
    const kit = activate(actor, { key: KEY, nowMs: NOON_MS, others: [walletActor, deliveryActor] });
    expect(decide(kit)).toMatchObject({ bids: [], nbr: 0 });
  });

  test.each<[string, Setting, RequestSpec, number]>([
    ["no campaign", { catalog: indexOf() }, {}, 501],
    ["no money", { grants: {} }, {}, 502],
    ["a floor above every bid", {}, { slot: { floorCpmMicros: 99_000_000 } }, 507],
  ])("for %s", (_name, setting, spec, nbr) => {
    const kit = listening(setting);
    expect(decide(kit, spec)).toMatchObject({ bids: [], nbr });
    expect(kit.rows).toMatchObject([{ outcome: "no-bid", nbr, campaignId: null, priceNanos: null }]);
  });

  test("a dry account asks its budget for more", () => {
    const kit = listening({ grants: {} });
    decide(kit);
    kit.advance(2_000);
    expect(kit.sent("Report")).toMatchObject([{ to: { kind: "budget", key: "a" } }]);
    expect(kit.sent("Report")[0]?.payload.wantedMicros).toBeGreaterThan(0);
  });

  test("the ad just heard is not served again, another is", () => {
    const kit = listening({
      catalog: indexOf({ id: "a" }, { id: "b", adSet: { bidCpmMicros: 5_000_000 } }),
      grants: { a: 1_000_000, b: 1_000_000 },
    });
    const heard = [1, 2, 3].map(() => decide(kit).bids[0]?.campaignId);
    expect(heard).toEqual(["a", "b", "a"]);
    expect(decide(listening(), {}).nbr).toBeNull();
  });
});

describe("caps", () => {
  const capped = (limit: number): Setting => ({
    catalog: indexOf(
      { id: "a", campaign: { frequencyCaps: [{ limit, window: "1d", kind: "rolling" }] } },
      { id: "b", adSet: { bidCpmMicros: 1_000_000 } },
    ),
    grants: { a: 1_000_000, b: 1_000_000 },
  });
  const served = (kit: ActorKit, times: number): number =>
    Array.from({ length: times }, () => decide(kit).bids[0]?.campaignId).filter((campaign) => campaign === "a").length;

  test("F1: hold under many requests, and across a crash", () => {
    const kit = listening(capped(2));
    expect(served(kit, 3)).toBe(2);
    kit.crashAndRecover();
    expect(served(kit, 10)).toBe(0);
  });

  test("F2: a lost bid gives its place and its money back", () => {
    const kit = listening(capped(1));
    const { decisionId } = decide(kit);
    expect(decide(kit).bids[0]?.campaignId).toBe("b");
    event(kit, decisionId, "loss");
    expect(account(kit)).toMatchObject({ reservedNanos: 0, spentNanos: 0 });
    expect(served(kit, 4)).toBe(1);
  });

  test("a billed bid keeps its place until the window has passed", () => {
    const kit = listening(capped(1));
    const { decisionId } = decide(kit);
    event(kit, decisionId, "impression");
    expect(account(kit)).toMatchObject({ reservedNanos: 0, spentNanos: 10_000_000 });
    expect(kit.part("frequency@default")).toEqual({ pending: [], heard: [{ campaignId: "a", atMs: [NOON_MS] }] });
    kit.advance(HOUR_MS);
    expect(served(kit, 3)).toBe(0);
  });

  test("an expired bid gives both back", () => {
    const kit = listening(capped(1));
    decide(kit);
    kit.advance(HOUR_MS);
    expect(account(kit)).toMatchObject({ reservedNanos: 0, spentNanos: 0 });
    expect(served(kit, 1)).toBe(1);
  });
});

describe("the listener's time", () => {
  /** Two creatives of one ad set, 30 s and 15 s long, at a price of 1 micro a second for each second heard lately. */
  const [dear] = rewardAgents({ ...SLOPE, nanosPerSecondHeard: 1_000 });
  const tiring = listenerActor({ roster: { ...roster, reward: only(dear) }, configVersion: "c1", node: "n1" });
  const campaign = (id: string, durationMs: number) => ({
    id,
    adSet: { bidCpmMicros: 1_000_000 },
    creative: { durationMs },
  });
  const worn = (): ActorKit => {
    const lines = [campaign("long", 30_000), campaign("short", 15_000), campaign("long-too", 30_000)];
    const kit = activate(tiring, {
      key: KEY,
      nowMs: NOON_MS,
      others: [walletActor, deliveryActor],
      snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: indexOf(...lines) } },
    });
    for (const { id } of lines)
      kit.tell("Grant", { campaign: id, day: DAY, grantedMicros: 1_000_000, number: 1 }, WALLET);
    return kit;
  };
  const heardOf = (kit: ActorKit, spec: RequestSpec = {}) => {
    const { bids, nbr } = decide(kit, spec);
    const [bid] = bids;
    return bid === undefined ? nbr : bid.creative.durationMs / 1000;
  };

  test("grows with what was heard: first any ad, then the shorter one, then none (506), and after a rest again", () => {
    const kit = worn();
    const long = { slot: { minDurationMs: 20_000 } };
    expect(heardOf(kit, long)).toBe(30); // free: nothing was heard
    expect(heardOf(kit)).toBe(15); // 30 micros a second: 900 of the bid's 1,000 for 30 s, 450 for 15 s
    kit.advance(4 * MINUTE_MS);
    expect(heardOf(kit, long)).toBe(506);
    expect(kit.rows.at(-1)).toMatchObject({ outcome: "no-bid", nbr: 506, noAdProbability: 1 });
    kit.advance(HOUR_MS);
    expect(heardOf(kit, long)).toBe(30);
  });

  test("is not raised by a test, and is free for who is not remembered", () => {
    const kit = worn();
    for (let ad = 0; ad < 5; ad++) heardOf(kit, { test: true });
    expect(kit.partNames()).toEqual([]);
    for (let ad = 0; ad < 5; ad++) expect(heardOf(kit, { memory: "none", slot: { minDurationMs: 20_000 } })).toBe(30);
  });
});

describe("memory", () => {
  test("a test decides as always, but reserves, caps and remembers nothing", () => {
    const kit = listening();
    const { decisionId, bids } = decide(kit, { test: true });
    expect(bids[0]?.campaignId).toBe("a");
    expect(account(kit)).toMatchObject({ reservedNanos: 0 });
    expect(kit.partNames()).toEqual([]);
    expect(event(kit, decisionId, "impression")).toBe("test");
    expect(account(kit)).toMatchObject({ spentNanos: 0 });
    expect(decide(listening({ grants: {} }), { test: true }).nbr).toBe(502);
  });

  test("a test meets the caps of the listener", () => {
    const kit = listening();
    decide(kit);
    expect(decide(kit, { test: true }).nbr).toBe(504);
  });

  test("a request that may not be remembered leaves nothing but its bid", () => {
    const kit = listening();
    const { decisionId } = decide(kit, { memory: "none" });
    expect(kit.partNames()).toEqual([]);
    expect(kit.timers).toEqual({});
    expect(kit.part("", { kind: "delivery", key: decisionId }).opening.listener).toBeNull();
    event(kit, decisionId, "impression");
    expect(account(kit)).toMatchObject({ spentNanos: 10_000_000 });
    expect(kit.partNames()).toEqual([]);
  });

  test("an idle session is forgotten after four hours, and not before", () => {
    const kit = listening();
    decide(kit, { memory: "session" });
    kit.advance(3 * HOUR_MS);
    decide(kit, { memory: "session" });
    kit.advance(3 * HOUR_MS);
    expect(kit.partNames()).toContain("core");
    kit.advance(HOUR_MS);
    expect(kit.partNames()).toEqual([]);
    expect(kit.timers).toEqual({});
  });

  test("an idle listener is forgotten after 31 days, and not before", () => {
    const kit = listening();
    decide(kit);
    kit.advance(31 * 24 * HOUR_MS - MINUTE_MS);
    expect(kit.partNames()).toContain("core");
    kit.advance(MINUTE_MS);
    expect(kit.partNames()).toEqual([]);
    expect(kit.timers).toEqual({});
  });

  test("a listener that was forgotten stays forgotten when an event of old comes", () => {
    const kit = listening();
    kit.tell("Outcome", { decisionId: "d", campaignId: "a", creativeId: "a", event: "billed", atMs: NOON_MS });
    expect(kit.partNames()).toEqual([]);
  });

  test("half an hour of silence begins a new session", () => {
    const kit = listening();
    decide(kit);
    kit.advance(29 * MINUTE_MS);
    decide(kit);
    expect(kit.part("core").sessionStartedMs).toBe(NOON_MS);
    kit.advance(31 * MINUTE_MS);
    decide(kit);
    expect(kit.part("core").sessionStartedMs).toBe(NOON_MS + HOUR_MS);
  });

  test("all of it is personal, so it is sealed", () => {
    for (const name of ["core", "frequency@default", "separation@default", "creative@default"] as const)
      expect(actor.parts.part(name).personal).toBe(true);
  });
});

test("the delivery lives in the partition of its decision", () => {
  const kit = activate(actor, {
    key: KEY,
    nowMs: NOON_MS,
    others: [walletActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: indexOf({ id: "a" }) } },
  });
  kit.tell("Grant", { campaign: "a", day: DAY, grantedMicros: 1_000_000, number: 1 }, WALLET);
  const { decisionId } = decide(kit);
  expect(kit.sent("Open")).toMatchObject([
    { to: { kind: "delivery", key: decisionId, partition: asPartition(kit.id.partition) } },
  ]);
});

describe("touches, for conversions without a token", () => {
  const MEASURED = { id: true, caps: true, profile: true, measure: true, childSafe: false };
  const hear = (kit: ActorKit, capabilities = MEASURED): string => {
    const { decisionId } = decide(kit, { capabilities });
    event(kit, decisionId, "impression");
    return decisionId;
  };
  const lastTouch = (kit: ActorKit, advertiserId: string | null = null): unknown =>
    kit.ask("LastTouch", { atMs: kit.clock.now, advertiserId });

  test("are the ads heard and clicked, by advertiser and time", () => {
    const kit = listening({ catalog: indexOf({ id: "a", creatives: 9 }) });
    expect(lastTouch(kit)).toBeNull();
    const [first, second] = [hear(kit), (kit.advance(10 * MINUTE_MS), hear(kit))];
    kit.crashAndRecover();
    expect([lastTouch(kit), lastTouch(kit, "a")]).toEqual([{ servingId: second }, { servingId: second }]);
    expect(lastTouch(kit, "another")).toBeNull();
    kit.advance(MINUTE_MS);
    event(kit, first, "click");
    event(kit, first, "click");
    expect(lastTouch(kit)).toEqual({ servingId: first });
  });

  test("are not kept without the capability, nor after a request without it", () => {
    const kit = listening({ catalog: indexOf({ id: "a", creatives: 9 }) });
    hear(kit, { ...MEASURED, measure: false });
    expect([kit.part("touches"), lastTouch(kit)]).toEqual([undefined, null]);
    kit.advance(10 * MINUTE_MS);
    hear(kit);
    expect(kit.part("touches")).toHaveLength(1);
    decide(kit, { capabilities: { ...MEASURED, measure: false } });
    expect(kit.part("touches")).toBeUndefined();
  });

  test("are sixteen at most: the one of longest ago goes", () => {
    const kit = listening();
    hear(kit);
    const tell = (at: number) =>
      kit.tell("Outcome", {
        decisionId: `d${at}`,
        campaignId: "a",
        creativeId: "a",
        event: "billed",
        atMs: kit.clock.now + at,
        touch: { advertiserId: "a" },
      });
    for (let at = 20; at > 0; at--) tell(at);
    tell(20);
    const kept = (kit.part("touches") as { decisionId: string }[]).map(({ decisionId }) => decisionId);
    expect(kept).toHaveLength(16);
    expect(kept).toEqual(expect.arrayContaining(["d20", "d5"]));
    expect(kept).not.toContain("d1");
  });
});
