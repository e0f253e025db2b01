import { expect, test } from "vitest";
import { creativeLearnerActor } from "../../actors/creative-learner/actor.ts";
import { creativeAgent } from "../../actors/creative/agent.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import type { DecisionRecord } from "../../protocols/decision-record.ts";
import { partitionOf } from "../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import {
  CHANCE_UNITS,
  CreativeTable,
  creativeTopic,
  LEARNT_GENRES,
  learntGenre,
} from "../../protocols/messages/creative-learner.ts";
import type { DecisionAnswer } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import type { Proposal } from "../../protocols/roles.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { DecisionReplay } from "../../runtime/host/decision-replay.ts";
import { indexOf, lines, NOON_MS, request, roster } from "../support/campaigns.ts";
import { activate, type ActorKit, openSealer } from "../support/testkit.ts";

const TOPIC = creativeTopic("a");
const SPEC = {
  id: "a",
  creatives: 3,
  adSet: { rotation: "optimised" as const, creatives: [{ id: "a" }, { id: "a-2" }, { id: "a-3" }] },
};

const learner = (): ActorKit => activate(creativeLearnerActor, { key: "a", nowMs: NOON_MS });
const table = (kit: ActorKit): CreativeTable => CreativeTable.parse(kit.published(TOPIC).at(-1)?.value);

/** Impressions of three creatives, of which `a-2` is clicked ten times as often. */
function hear(kit: ActorKit, impressions: number, seed: number): void {
  const random = randomStream(seed);
  for (let at = 0; at < impressions; at++) {
    const creativeId = ["a", "a-2", "a-3"][at % 3] ?? "a";
    const heard = { creativeId, genre: at % LEARNT_GENRES.length, atMs: kit.clock.now };
    kit.tell("Shown", heard);
    if (random() < (creativeId === "a-2" ? 0.1 : 0.01)) kit.tell("Responded", heard);
    kit.advance(1_000);
  }
  kit.advance(60_000);
}

test("the creative that is clicked most gets nearly all of it, the others keep a floor or stop, and versions only rise", () => {
  const kit = learner();
  hear(kit, 3_000, 1);
  const { chances, effects, state } = table(kit);
  expect(state).toBe("learning");
  for (const row of chances) {
    expect(row[1]).toBeGreaterThan(0.8 * CHANCE_UNITS);
    expect(Math.abs(row.reduce((sum, units) => sum + units, 0) - CHANCE_UNITS)).toBeLessThanOrEqual(2);
  }
  const [a, best] = effects;
  expect(best).toMatchObject({ creativeId: "a-2", shown: 1_000 });
  expect(best?.low ?? 0).toBeGreaterThan(a?.high ?? Infinity);
  const versions = kit.published(TOPIC).map(({ version }) => version);
  expect(versions.length).toBeGreaterThan(5);
  expect(versions).toEqual(versions.map((_, at) => at + 1));
});

test("a crash in mid-learning changes no estimate: the same tells end in the same table", () => {
  const [one, other] = [learner(), learner()];
  hear(one, 300, 2);
  hear(other, 300, 2);
  other.crashAndRecover();
  hear(one, 300, 3);
  hear(other, 300, 3);
  expect(other.state).toEqual(one.state);
  expect(table(other).effects.map(({ responses }) => responses)).toEqual(
    table(one).effects.map(({ responses }) => responses),
  );
});

test("missing feedback is not bad feedback: when most bids end without a word, nothing is learnt, and the table says so", () => {
  const kit = learner();
  hear(kit, 600, 4);
  const before = table(kit);
  for (let at = 0; at < 400; at++) {
    kit.tell("Missed", { atMs: kit.clock.now });
    if (at % 10 === 0) kit.tell("Shown", { creativeId: "a-2", genre: 0, atMs: kit.clock.now });
    kit.advance(1_000);
  }
  kit.advance(60_000);
  const held = table(kit);
  expect(held.state).toBe("holding");
  expect(held.effects.map(({ known }) => known)).toEqual(before.effects.map(({ known }) => known));
  expect(held.effects.map(({ responses }) => responses)).toEqual(before.effects.map(({ responses }) => responses));
});

test("a frozen learner counts on and publishes nothing new; reset, it starts anew under a higher version", () => {
  const kit = learner();
  hear(kit, 300, 5);
  expect(kit.ask("Freeze", { frozen: true })).toMatchObject({ state: "frozen" });
  const published = kit.published(TOPIC).length;
  hear(kit, 300, 6);
  expect(kit.published(TOPIC)).toHaveLength(published);
  const thawed: unknown = kit.ask("Freeze", { frozen: false });
  expect(thawed).toMatchObject({ state: "learning" });
  expect(thawed).toEqual(kit.published(TOPIC).at(-1)?.value);
  expect(table(kit).effects[0]?.shown).toBe(200);
  const reset: unknown = kit.ask("Reset", {});
  expect(reset).toMatchObject({ effects: [] });
  expect(reset).toEqual(kit.published(TOPIC).at(-1)?.value);
  expect(kit.published(TOPIC).at(-1)?.version).toBe(published + 2);
});

test("the seventeenth creative takes the place of the one unheard the longest", () => {
  const kit = learner();
  for (let at = 0; at < 17; at++) {
    kit.tell("Shown", { creativeId: `c${at}`, genre: 0, atMs: kit.clock.now });
    kit.advance(1_000);
  }
  const ids = (kit.state as { creatives: { arms: { id: string }[] } }).creatives.arms.map(({ id }) => id);
  expect(ids).toHaveLength(16);
  expect(ids).not.toContain("c0");
  expect(ids).toContain("c16");
});

const TABLE: CreativeTable = {
  campaignId: "a",
  atMs: NOON_MS,
  chances: LEARNT_GENRES.map((_, genre) => (genre === 0 ? [1_000, 9_000, 0] : [3_334, 3_333, 3_333])),
  effects: ["a", "a-2", "a-3"].map((creativeId) => ({
    creativeId,
    mean: 1,
    low: 0.5,
    high: 2,
    shown: 10,
    known: 10,
    responses: 1,
  })),
  responseRate: 0.01,
  state: "learning",
};

test("optimised rotation draws from the table of the moment's genre, over the creatives that are left", () => {
  const index = indexOf(SPEC);
  const [adSet] = index.adSets;
  if (adSet === undefined) throw new Error("no ad set");
  const all: Proposal = { adSet, creatives: [...index.creatives] };
  const ask = (genres: string[], proposal: Proposal, known = true) =>
    creativeAgent.answer(
      { proposals: [proposal], context: { genres } },
      {
        part: undefined,
        nowMs: NOON_MS,
        random: () => 0,
        snapshot: (topic) => (known && topic === TOPIC ? TABLE : undefined),
      },
    );
  expect(ask(["Rock"], all)).toEqual({ chances: [[0.1, 0.9, 0]], defaults: {} });
  expect(ask(["polka"], all).chances[0]?.[0]).toBeCloseTo(0.3334);
  const left = { ...all, creatives: all.creatives.filter(({ id }) => id !== "a-2") };
  expect(ask(["Rock"], left).chances).toEqual([[1, 0]]);
  expect(ask(["Rock"], all, false).defaults).toEqual({ 0: "optimised: weighted" });
  expect(learntGenre(["polka"])).toBe(LEARNT_GENRES.length - 1);
});

test("what was drawn from a table is logged exactly, made again from the transcript (X1), and taught back", async () => {
  const index = indexOf(SPEC);
  const key = "listener-1";
  const kit = activate(listenerActor({ roster, configVersion: "c", node: "n1" }), {
    key,
    nowMs: NOON_MS,
    others: [walletActor, deliveryActor],
    snapshots: {
      [INDEX_SNAPSHOT]: { version: 1, value: index },
      [TOPIC]: { version: 7, value: TABLE },
    },
  });
  const wallet = { kind: "wallet", key: walletKey(partitionOf(key, 16)) };
  kit.tell("Grant", { campaign: "a", day: "2026-11-24", grantedMicros: 1_000_000, number: 1 }, wallet);
  const asked = request({ context: { genres: ["rock"] } });
  const { decisionId } = kit.ask("Decide", asked) as DecisionAnswer;
  const record = kit.rows.at(-1) as DecisionRecord;
  expect(record.propensity).toBe(record.creativeId === "a-2" ? 0.9 : 0.1);
  expect(kit.records.at(-1)?.snapshots).toContainEqual([TOPIC, 7]);
  const replays = new DecisionReplay({
    sealer: openSealer,
    roster,
    configVersion: "c",
    documentsAt: async () => lines(SPEC),
  });
  expect(await replays.replay(record)).toEqual({ outcome: "same" });
  for (const event of ["impression", "click"])
    kit.ask("Event", { event, atMs: kit.clock.now }, { kind: "delivery", key: decisionId });
  const taught = kit.sent().filter(({ to }) => to.kind === "creative-learner");
  expect(taught.map(({ type, payload }) => [type, payload.creativeId, payload.genre])).toEqual([
    ["Shown", record.creativeId, 0],
    ["Responded", record.creativeId, 0],
  ]);
});
