import fc from "fast-check";
import { expect, test } from "vitest";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { servingIdOf } from "../../protocols/decision-id.ts";
import { type DecisionRecord, isDecisionRecord } from "../../protocols/decision-record.ts";
import { partitionOf } from "../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { indexOf, NOON_MS, request, roster } from "../support/campaigns.ts";
import { activate } from "../support/testkit.ts";

/*
 * Answers of several ads at the listener: one commit, as many reservations, deliveries and memories as ads.
 */

const DAY = "2026-11-24";
const KEY = "listener-key";
const WALLET = { kind: "wallet", key: walletKey(partitionOf(KEY, 16)) };
const PRICE = 10_000_000;
const actor = listenerActor({ roster, configVersion: "c1", node: "n1" });

interface World {
  readonly limit: number;
  readonly podLimit: number | undefined;
  /** Impressions that each campaign's account holds. */
  readonly funds: readonly number[];
}

const worldOf: fc.Arbitrary<World> = fc.record({
  limit: fc.integer({ min: 1, max: 3 }),
  podLimit: fc.constantFrom(undefined, 1, 2),
  funds: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 4 }),
});

interface Step {
  readonly places: number;
  readonly dynamic: boolean;
  readonly podId: string;
  /** What becomes of the ads of this answer, one after the other. */
  readonly fates: readonly ("impression" | "loss" | "nothing")[];
  readonly afterMs: number;
}

const stepsOf: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    places: fc.integer({ min: 1, max: 5 }),
    dynamic: fc.boolean(),
    podId: fc.constantFrom("a", "b"),
    fates: fc.array(fc.constantFrom("impression" as const, "loss" as const, "nothing" as const), {
      minLength: 5,
      maxLength: 5,
    }),
    afterMs: fc.constantFrom(0, 1_000, 400_000, 3_000_000),
  }),
  { minLength: 1, maxLength: 8 },
);

function listening({ limit, podLimit, funds }: World) {
  const pod = podLimit === undefined ? [] : [{ limit: podLimit, kind: "pod" as const }];
  const catalog = indexOf(
    ...funds.map((_, at) => ({
      id: `c${at}`,
      creatives: 3,
      campaign: { frequencyCaps: [{ limit, window: "1h", kind: "rolling" as const }, ...pod] },
      adSet: {
        rotation: "even" as const,
        creatives: [`c${at}`, `c${at}-2`, `c${at}-3`].map((id) => ({ id })),
      },
      creative: { durationMs: 15_000 },
    })),
  );
  const kit = activate(actor, {
    key: KEY,
    nowMs: NOON_MS,
    others: [walletActor, deliveryActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: catalog } },
  });
  funds.forEach((impressions, at) => {
    const grantedMicros = (impressions * PRICE) / 1_000;
    kit.tell("Grant", { campaign: `c${at}`, day: DAY, grantedMicros, number: 1 }, WALLET);
  });
  return kit;
}

function slotsOf({ places, dynamic, podId }: Step) {
  const pod = { id: podId, sequence: 0, position: 0 };
  if (dynamic) return [{ pod: { ...pod, adsMax: places, durationMs: 15_000 * places } }];
  return Array.from({ length: places }, (_, at) => ({ impId: `imp-${at}`, pod }));
}

test("F1, F2, B3, B4: with pods, heard and pending stay within every cap and money is reserved once an ad, released once", () => {
  let pods = 0;
  fc.assert(
    fc.property(worldOf, stepsOf, (world, steps) => {
      const kit = listening(world);
      const heard = new Map<string, number[]>();
      const open = new Map<string, { readonly campaign: string; readonly expiresAtMs: number }>();
      const spent = new Map<string, number>();
      for (const step of steps) {
        const { decisionId, bids } = DecisionAnswer.parse(
          kit.ask("Decide", DecisionRequest.parse(request({ slots: slotsOf(step) }))),
        );
        if (bids.length > 1) pods += 1;
        expect(bids.map(({ slot }) => slot)).toEqual(bids.map((_, at) => at));
        for (const { slot, campaignId, expiresAtMs } of bids)
          open.set(servingIdOf(decisionId, slot), { campaign: campaignId, expiresAtMs });
        for (const campaign of new Set(bids.map(({ campaignId }) => campaignId))) {
          const own = bids.filter(({ campaignId }) => campaignId === campaign).length;
          expect(own).toBeLessThanOrEqual(world.podLimit ?? Infinity);
          const recently = (heard.get(campaign) ?? []).filter((atMs) => atMs > kit.clock.now - 3_600_000).length;
          const pending = [...open.values()].filter((each) => each.campaign === campaign).length;
          expect(recently + pending).toBeLessThanOrEqual(world.limit);
        }
        for (const [at, impressions] of world.funds.entries()) {
          const reserved = [...open.values()].filter(({ campaign }) => campaign === `c${at}`).length;
          const account = kit.part(`account/c${at}/${DAY}`, WALLET) as
            { readonly reservedNanos: number; readonly spentNanos: number } | undefined;
          expect(account?.reservedNanos ?? 0).toBe(reserved * PRICE);
          expect(account?.spentNanos ?? 0).toBe((spent.get(`c${at}`) ?? 0) * PRICE);
          expect(reserved + (spent.get(`c${at}`) ?? 0)).toBeLessThanOrEqual(impressions);
        }
        bids.forEach(({ slot, campaignId }, at) => {
          const fate = step.fates[at] ?? "nothing";
          const key = servingIdOf(decisionId, slot);
          if (fate === "nothing") return;
          // Twice: a repeat changes nothing (N1).
          for (let times = 0; times < 2; times++)
            kit.ask("Event", { event: fate, atMs: kit.clock.now }, { kind: "delivery", key });
          open.delete(key);
          if (fate === "loss") return;
          heard.set(campaignId, [...(heard.get(campaignId) ?? []), kit.clock.now]);
          spent.set(campaignId, (spent.get(campaignId) ?? 0) + 1);
        });
        kit.advance(step.afterMs);
        for (const [key, { expiresAtMs }] of open) if (expiresAtMs <= kit.clock.now) open.delete(key);
      }
    }),
    { numRuns: 150 },
  );
  expect(pods).toBeGreaterThan(50);
});

test("an answer of several ads is one commit: each has its delivery, its token's place and its part in the record", () => {
  const kit = listening({ limit: 3, podLimit: undefined, funds: [6, 6, 6] });
  const before = kit.records.length;
  const asked = request({ slots: slotsOf({ places: 3, dynamic: false, podId: "a", fates: [], afterMs: 0 }) });
  const { decisionId, bids } = DecisionAnswer.parse(kit.ask("Decide", DecisionRequest.parse(asked)));
  expect(kit.records).toHaveLength(before + 1);
  expect(bids.map(({ impId, slot }) => [impId, slot])).toEqual([
    ["imp-0", 0],
    ["imp-1", 1],
    ["imp-2", 2],
  ]);
  for (const { slot, creative } of bids) {
    const key = servingIdOf(decisionId, slot);
    expect(kit.part("", { kind: "delivery", key })).toMatchObject({
      stage: "open",
      opening: { decisionId, slot, creativeId: creative.creativeId },
    });
  }
  const record = kit.rows.findLast<DecisionRecord>(isDecisionRecord);
  expect(record).toMatchObject({ outcome: "bid", campaignId: bids[0]?.campaignId });
  expect(record?.slots.map(({ slot, impId, campaignId }) => [slot, impId, campaignId])).toEqual(
    bids.map(({ slot, impId, campaignId }) => [slot, impId, campaignId]),
  );
  const product = (record?.slots ?? []).reduce((sum, { propensity }) => sum * propensity, 1);
  expect(record?.propensity).toBeCloseTo(product, 12);
  kit.ask("Event", { event: "impression", atMs: NOON_MS }, { kind: "delivery", key: servingIdOf(decisionId, 2) });
  expect(kit.rows.at(-1)).toMatchObject({ t: "event", decisionId, slot: 2, event: "impression" });
});

test("a test of a pod reserves and remembers nothing", () => {
  const kit = listening({ limit: 3, podLimit: undefined, funds: [6, 6] });
  const slots = slotsOf({ places: 2, dynamic: true, podId: "a", fates: [], afterMs: 0 });
  const { bids } = DecisionAnswer.parse(kit.ask("Decide", DecisionRequest.parse(request({ test: true, slots }))));
  expect(bids).toHaveLength(2);
  expect(kit.partNames()).toEqual([]);
  expect(kit.part(`account/c0/${DAY}`, WALLET)).toMatchObject({ reservedNanos: 0 });
});
