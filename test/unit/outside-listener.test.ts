import { describe, expect, test } from "vitest";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { reserve } from "../../actors/wallet/calls.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { loadSettings } from "../../config/loader.ts";
import type { CompiledIndex } from "../../protocols/catalog-index.ts";
import { type DecisionRecord, isDecisionRecord } from "../../protocols/decision-record.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { type DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { OUTSIDE_ROLES, type OutsideRole } from "../../protocols/outside-agent.ts";
import { castRoles } from "../../runtime/host/roster.ts";
import { indexOf, lines, NOON_MS, request, type RequestSpec } from "../support/campaigns.ts";
import { activate, type ActorKit, type KitOptions } from "../support/testkit.ts";

const KEY = "listener-1";
const WALLET = { kind: "wallet", key: walletKey(asPartition(partitionOf(KEY, 16))) };
const DAY = "2026-11-24";
const TIMEOUT_MS = 20;
const SETTINGS = loadSettings({ environment: {}, overrides: {} });

/** A listener for whom `roles` are all played outside. */
function listening(
  roles: readonly OutsideRole[],
  catalog: CompiledIndex,
  options: Pick<KitOptions, "outside"> & { readonly timeoutMs?: number } = {},
): ActorKit {
  const outside = { timeoutMs: options.timeoutMs ?? TIMEOUT_MS, encoding: "json" as const };
  const variants = [{ name: "mine", share: 1, outside }];
  const cast = Object.fromEntries(roles.map((role) => [role, { variants }]));
  const roster = castRoles({ ...SETTINGS, agents: { ...SETTINGS.agents, ...cast } });
  const kit = activate(listenerActor({ roster, configVersion: "c1", node: "n1" }), {
    key: KEY,
    nowMs: NOON_MS,
    others: [walletActor, deliveryActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: catalog } },
    ...options,
  });
  for (const { id } of catalog.adSets)
    kit.tell("Grant", { campaign: id, day: DAY, grantedMicros: 1_000_000, number: 1 }, WALLET);
  return kit;
}

const asked = (spec: RequestSpec = {}) => DecisionRequest.parse(request(spec));
const begin = (kit: ActorKit, spec?: RequestSpec) => kit.begin("Decide", asked(spec));
const recordOf = (kit: ActorKit): DecisionRecord => {
  const row: unknown = kit.rows.findLast(isDecisionRecord);
  if (!isDecisionRecord(row)) throw new Error("no decision");
  return row;
};
const roleIn = (kit: ActorKit, role: string) => recordOf(kit).roles.find((row) => row.role === role);

const ALLOWS: Readonly<Record<OutsideRole, object>> = {
  quality: { v: 1, verdict: "allow" },
  reward: { v: 1, nanosPerSecond: 0, why: "" },
  frequency: { v: 1, vetoes: [] },
  separation: { v: 1, vetoes: [] },
  personalisation: { v: 1, expectations: [] },
  creative: { v: 1, chances: [] },
};

const ONE = indexOf({ id: "a" });
const TWO = indexOf({ id: "a" }, { id: "b", adSet: { bidCpmMicros: 8_000_000 } });

describe("the first turn", () => {
  test("changes nothing: no record, no state, no timer, no message; the decision comes with the second", () => {
    const kit = listening(OUTSIDE_ROLES, ONE);
    const before = { records: kit.records.length, sent: kit.sent().length };
    const ask = begin(kit);
    expect(ask.questions.map(({ question }) => question.role).sort()).toEqual([...OUTSIDE_ROLES].sort());
    expect({ records: kit.records.length, sent: kit.sent().length }).toEqual(before);
    expect(kit.partNames()).toEqual([]);
    expect(kit.timers).toEqual({});
    for (const role of OUTSIDE_ROLES) ask.hear(role, ALLOWS[role]);
    expect(ask.end()).toMatchObject({ bids: [{ campaignId: "a" }] });
    expect(kit.records.length).toBe(before.records + 1);
    expect(
      recordOf(kit)
        .roles.filter(({ variant }) => variant === "mine")
        .map(({ outcome }) => outcome),
    ).toEqual(OUTSIDE_ROLES.map(() => "answered"));
  });

  test("is forgotten by a crash, as if nobody had asked", () => {
    const kit = listening(["reward"], ONE);
    const { length } = kit.records;
    expect(begin(kit).questions).toHaveLength(1);
    kit.crashAndRecover();
    expect(kit.records).toHaveLength(length);
    const ask = begin(kit);
    ask.hear("reward", ALLOWS.reward);
    expect(ask.end()).toMatchObject({ bids: [{ campaignId: "a" }] });
  });

  test("asks on the subject of role and variant, in the words that are documented", () => {
    const catalog = indexOf({ id: "a", creative: { categories: ["IAB17-3"], languages: ["en"] } });
    const { questions } = begin(listening(["quality", "creative"], catalog), { test: true });
    const common = { v: 1, variant: "mine", timeoutMs: TIMEOUT_MS, test: true, profile: true };
    const context = { genres: [], country: "USA", feed: 1 };
    expect(questions.map(({ subject, question }) => [subject, question])).toEqual([
      [
        "chorus.agent.quality.mine",
        { ...common, context, role: "quality", traffic: { client: "app", datacenter: false, recent: 1 } },
      ],
      [
        "chorus.agent.creative.mine",
        {
          ...common,
          context,
          role: "creative",
          candidates: [
            {
              adSetId: "a",
              campaignId: "a",
              advertiserId: "a",
              tier: 2,
              bidNanos: 10_000_000,
              currency: "USD",
              creatives: [{ creativeId: "a", durationMs: 30_000, categories: ["IAB17-3"], languages: ["en"] }],
            },
          ],
        },
      ],
    ]);
  });

  test("names no listener, in no form: two listeners alike get the same questions", () => {
    const kit = listening(OUTSIDE_ROLES, ONE);
    const text = JSON.stringify(begin(kit, { requestHash: "hash-of-the-request" }).questions);
    for (const name of [KEY, "hash-of-the-request", "decisionId", "session"]) expect(text).not.toContain(name);
  });

  test("asks about the best ranked candidates that the hard rules leave, 64 at most", () => {
    const specs = Array.from({ length: 80 }, (_, at) => ({ id: `c${at}`, adSet: { bidCpmMicros: 1_000_000 + at } }));
    const closed = { id: "closed", adSet: { bidCpmMicros: 9_000_000, targeting: { countries: ["FRA"] } } };
    const paused = { id: "paused", campaign: { status: "paused" as const }, adSet: { bidCpmMicros: 9_000_000 } };
    const [question] = begin(listening(["creative"], indexOf(...specs, closed, paused))).questions;
    const best = Array.from({ length: 64 }, (_, at) => `c${79 - at}`);
    expect(question?.question.candidates?.map(({ adSetId }) => adSetId)).toEqual(best);
  });

  test("is the only one where there is nothing to ask about", () => {
    const kit = listening(["frequency", "creative", "personalisation", "separation"], indexOf());
    const ask = begin(kit);
    expect(ask.questions).toEqual([]);
    expect(ask.end()).toMatchObject({ bids: [], nbr: 501 });
  });
});

describe("the second turn decides on what is true then", () => {
  test("X2: a campaign that was paused meanwhile is not served, although the agent was asked about it", () => {
    const kit = listening(["personalisation"], TWO);
    const ask = begin(kit);
    const paused = lines({ id: "a", campaign: { status: "paused" } }, { id: "b" });
    kit.snapshots.put(INDEX_SNAPSHOT, 2, compileIndex(paused, 2));
    ask.hear("personalisation", {
      v: 1,
      expectations: [{ adSetId: "a", pComplete: 1, pClick: 1, nanos: 1e9, why: "loves it" }],
    });
    expect(ask.end()).toMatchObject({ bids: [{ campaignId: "b" }] });
    expect(recordOf(kit).versions.catalog).toBe(2);
  });

  test.each(["frequency", "separation"] as const)(
    "%s has nothing said of a campaign that came meanwhile: vetoed",
    (role) => {
      const kit = listening([role], ONE);
      const ask = begin(kit);
      kit.snapshots.put(INDEX_SNAPSHOT, 2, indexOf({ id: "a" }, { id: "new", adSet: { bidCpmMicros: 90_000_000 } }));
      ask.hear(role, ALLOWS[role]);
      expect(ask.end()).toMatchObject({ bids: [{ campaignId: "a" }] });
      expect(recordOf(kit).vetoCounts).toEqual({ [`${role}/not-asked`]: 1 });
    },
  );

  test("a scoring role has its default for a campaign that came meanwhile", () => {
    const kit = listening(["personalisation", "creative"], ONE);
    const ask = begin(kit);
    const added = indexOf({ id: "a" }, { id: "new", adSet: { bidCpmMicros: 90_000_000 } });
    kit.snapshots.put(INDEX_SNAPSHOT, 2, added);
    kit.tell("Grant", { campaign: "new", day: DAY, grantedMicros: 1_000_000, number: 1 }, WALLET);
    ask.hear("personalisation", ALLOWS.personalisation);
    ask.hear("creative", ALLOWS.creative);
    expect(ask.end()).toMatchObject({ bids: [{ campaignId: "new" }] });
  });

  test("money that was spent meanwhile is not there any more", () => {
    const kit = listening(["reward"], ONE);
    const ask = begin(kit);
    const spend = { campaign: "a", day: DAY, nanos: 1_000_000_000, test: false };
    expect(kit.call(reserve, spend, WALLET.key)).toMatchObject({ ok: true });
    ask.hear("reward", ALLOWS.reward);
    expect(ask.end()).toMatchObject({ bids: [], nbr: 502 });
  });

  test.each([
    ["released", true],
    ["billed", false],
  ] as const)("tells run meanwhile: the cap of an ad that was %s is free: %s", (event, isFree) => {
    const capped = { frequencyCaps: [{ limit: 1, window: "1d", kind: "rolling" as const }] };
    const kit = listening(["frequency"], indexOf({ id: "a", campaign: capped }), { outside: () => ALLOWS.frequency });
    const held = { slot: { expiryMs: 7_200_000 } };
    const { decisionId } = kit.ask("Decide", asked(held)) as DecisionAnswer;
    kit.clock.advance(3_600_000); // separation has nothing against it any more; the reservation still holds the cap
    expect(kit.ask("Decide", asked(held))).toMatchObject({ bids: [], nbr: 9 });
    const ask = begin(kit, held);
    kit.tell("Outcome", { decisionId, campaignId: "a", creativeId: "a", event, atMs: kit.clock.now });
    ask.hear("frequency", ALLOWS.frequency);
    const answer = ask.end() as DecisionAnswer;
    expect(answer.bids.length > 0).toBe(isFree);
    expect(recordOf(kit).vetoCounts["frequency/cap"]).toBe(isFree ? undefined : 1);
  });

  test("time that passed meanwhile has passed: the flight of a campaign may have ended", () => {
    const endsAt = new Date(NOON_MS + 10).toISOString();
    const kit = listening(["reward"], indexOf({ id: "a", campaign: { endsAt } }));
    const ask = begin(kit);
    kit.clock.advance(10);
    ask.hear("reward", ALLOWS.reward);
    expect(ask.end()).toMatchObject({ bids: [], nbr: 501 });
  });
});

describe("an agent outside", () => {
  const SAFETY = new Set<OutsideRole>(["quality", "frequency", "separation"]);

  test.each(OUTSIDE_ROLES)(
    "for %s that hangs, is gone or answers garbage: decisions go on, closed or by default, and the record says so",
    (role) => {
      for (const [says, outcome] of [
        ["late", "late"],
        ["gone", "failed"],
        [{ v: 1, nonsense: true }, "failed"],
        [new Uint8Array(70_000), "failed"],
      ] as const) {
        const kit = listening([role], ONE, { outside: () => says });
        const startedMs = kit.clock.now;
        const answer = kit.ask("Decide", asked()) as DecisionAnswer;
        expect(answer.bids.length === 0).toBe(SAFETY.has(role));
        expect(roleIn(kit, role)).toMatchObject({ variant: "mine", outcome });
        expect(kit.clock.now - startedMs).toBe(says === "late" ? TIMEOUT_MS : 0);
      }
    },
  );

  test("that hangs is not asked any more after five decisions, which then wait for nobody, until it answers again", () => {
    let says: "late" | object = "late";
    const kit = listening(["reward"], TWO, { outside: () => says });
    const outcomes = Array.from({ length: 7 }, () => {
      const startedMs = kit.clock.now;
      kit.ask("Decide", asked({ memory: "none" }));
      return [roleIn(kit, "reward")?.outcome, kit.clock.now - startedMs];
    });
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => ["late", TIMEOUT_MS]), ["open", 0], ["open", 0]]);
    expect(kit.circuits.find(({ role }) => role === "reward")).toMatchObject({ state: "open", late: 5 });
    says = ALLOWS.reward;
    kit.clock.advance(1_000);
    kit.ask("Decide", asked({ memory: "none" }));
    expect(roleIn(kit, "reward")?.outcome).toBe("answered");
    expect(kit.circuits.find(({ role }) => role === "reward")).toMatchObject({ state: "closed", answered: 1 });
  });

  test("with nothing to be asked about uses up no trial", () => {
    const kit = listening(["creative"], ONE, { outside: () => "gone" });
    for (let time = 0; time < 5; time++) kit.ask("Decide", asked({ memory: "none" }));
    kit.clock.advance(1_000);
    kit.ask("Decide", asked({ memory: "none", context: { country: "FRA" }, currencies: ["EUR"] }));
    const ask = begin(kit, { memory: "none" });
    expect(ask.questions).toHaveLength(1);
  });

  test("is waited for once: the record has that time and the version it says it is, however many waves were judged", () => {
    const specs = Array.from({ length: 40 }, (_, at) => ({ id: `c${at}` }));
    const kit = listening(["frequency"], indexOf(...specs));
    const ask = begin(kit);
    kit.clock.advance(7);
    ask.hear("frequency", { ...ALLOWS.frequency, version: "2026-11" });
    ask.end();
    expect(recordOf(kit).considered).toBeGreaterThan(8);
    expect(roleIn(kit, "frequency")).toMatchObject({ micros: 7_000, version: "2026-11", outcome: "answered" });
  });

  test("moves a bid by a quarter at most, and no further than the hard rules allow", () => {
    const says = (nanos: number) => ({
      v: 1,
      expectations: [{ adSetId: "b", pComplete: 1, pClick: 1, nanos, why: "loves it" }],
    });
    const winner = (bidCpmMicros: number) => {
      const catalog = indexOf({ id: "a", adSet: { bidCpmMicros: 10_000_000 } }, { id: "b", adSet: { bidCpmMicros } });
      const kit = listening(["personalisation"], catalog, { outside: () => says(1e12) });
      return (kit.ask("Decide", asked()) as DecisionAnswer).bids[0]?.campaignId;
    };
    expect(winner(8_100_000)).toBe("b");
    expect(winner(7_900_000)).toBe("a");
  });
});
