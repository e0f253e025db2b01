import { describe, expect, test } from "vitest";
import { outsideAgent } from "../../actors/outside/agent.ts";
import { loadSettings } from "../../config/loader.ts";
import type { OutsideRole, OutsideSaying } from "../../protocols/outside-agent.ts";
import { OUTSIDE_ROLES } from "../../protocols/outside-agent.ts";
import type { CompiledIndex } from "../../protocols/catalog-index.ts";
import type { Proposal } from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import type { Heard } from "../../runtime/actor/transient.ts";
import { CircuitBreaker } from "../../runtime/core/circuit.ts";
import { SnapshotTable } from "../../runtime/core/snapshot-table.ts";
import { castRoles } from "../../runtime/host/roster.ts";
import { indexOf, type LineSpec, NOON_MS } from "../support/campaigns.ts";
import { KitClock } from "../support/testkit.ts";

const SETTINGS = loadSettings({ environment: {}, overrides: {} });
const DEFAULTS = castRoles(SETTINGS);
const TERMS = { timeoutMs: 20, encoding: "json" } as const;

const baseOf = (role: OutsideRole): AnyAgent => {
  const [seat] = DEFAULTS[role] as readonly { readonly agent: AnyAgent }[];
  if (seat === undefined) throw new Error(`nobody plays ${role}`);
  return seat.agent;
};
const mine = (role: OutsideRole): AnyAgent => outsideAgent(role, "mine", baseOf(role), TERMS);

function proposalsOf(...specs: LineSpec[]): Proposal[] {
  const index: CompiledIndex = indexOf(...specs);
  return index.adSets.map((adSet) => ({
    adSet,
    creatives: adSet.creatives.flatMap((at) => index.creatives[at] ?? []),
  }));
}

function heardFrom(agent: AnyAgent, said: object, asked: readonly string[]): Heard {
  const answer = { said: { v: 1, ...said }, asked } as OutsideSaying;
  return { agent, outcome: "answered", hearing: { answer, version: "7" }, micros: 900 };
}

/** What the role says when the agent outside said that. */
function says(role: OutsideRole, request: object, said: object, asked: readonly string[] = [], part?: unknown) {
  const agent = mine(role);
  const circuits = new CircuitBreaker(new KitClock(NOON_MS), new SnapshotTable());
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes
  return circuits.consult<any>(agent, request, part, "seed", NOON_MS, heardFrom(agent, said, asked));
}

describe("quality", () => {
  const person = { traffic: { client: "app", datacenter: false }, recent: 1 };
  const robot = { traffic: { client: "bot", datacenter: false }, recent: 1 };
  const house = { verdict: "house", reason: "odd", rule: "seen too often" };
  const noBid = { verdict: "no-bid", nbr: 4, reason: "farm", rule: "" };

  test("the stricter of the release's verdict and the one from outside counts", () => {
    expect(says("quality", person, { verdict: "allow" }).answer).toEqual({ verdict: "allow" });
    expect(says("quality", person, house).answer).toEqual(house);
    expect(says("quality", person, { ...noBid, version: "7" }).answer).toEqual(noBid);
    expect(says("quality", robot, { verdict: "allow" }).answer).toMatchObject({ verdict: "no-bid", nbr: 3 });
    expect(says("quality", robot, house).answer).toMatchObject({ verdict: "no-bid", nbr: 3 });
    expect(says("quality", robot, noBid).answer).toMatchObject({ verdict: "no-bid", nbr: 3 });
  });
});

describe.each(["frequency", "separation"] as const)("%s", (role) => {
  const proposals = proposalsOf({ id: "a", creatives: 2 }, { id: "b" }, { id: "c" });
  const at = (id: string): number => proposals.findIndex(({ adSet }) => adSet.id === id);
  const request = { proposals, sessionStartedMs: NOON_MS };

  test("what is said adds to the release's own vetoes, once however often it is said", () => {
    const own = (baseOf(role).answer(request, {
      part: undefined,
      nowMs: NOON_MS,
      random: () => 0,
      snapshot: () => undefined,
    }) ?? { vetoes: [] }) as { vetoes: object[] };
    const veto = { adSetId: "a", creativeId: "a-2", reason: "mine", rule: "not twice" };
    const whole = { adSetId: "b", reason: "mine", rule: "never" };
    const { answer } = says(role, request, { vetoes: [veto, veto, whole, whole] }, ["a", "b", "c"]);
    expect(answer.vetoes).toEqual([
      ...own.vetoes,
      { proposal: at("a"), creativeId: "a-2", reason: "mine", rule: "not twice" },
      { proposal: at("b"), reason: "mine", rule: "never" },
    ]);
  });

  test("what it was not asked about is vetoed: a safety role fails closed", () => {
    const { answer } = says(role, request, { vetoes: [] }, ["a"]);
    const vetoed = answer.vetoes.map((veto: { proposal: number; reason: string }) => [veto.proposal, veto.reason]);
    expect(vetoed).toEqual(
      [
        [at("b"), "not-asked"],
        [at("c"), "not-asked"],
      ].sort(),
    );
  });

  test("it remembers as the release's own does, whatever it says", () => {
    expect(mine(role).part).toBe(baseOf(role).part);
    expect(mine(role).onCommitted).toBe(baseOf(role).onCommitted);
    expect(mine(role).onEvent).toBe(baseOf(role).onEvent);
  });
});

test("a cap holds although the agent outside vetoes nothing (F1)", () => {
  const [capped] = proposalsOf({
    id: "a",
    campaign: { frequencyCaps: [{ limit: 1, window: "1d", kind: "rolling" }] },
  });
  const creative = capped?.creatives[0];
  if (capped === undefined || creative === undefined) throw new Error("no proposal");
  const moment = { context: { genres: [] }, profile: true, atMs: NOON_MS, expiresAtMs: NOON_MS + 600_000 };
  const decision = { decisionId: "d1", adSet: capped.adSet, creative, ...moment };
  const part: unknown = mine("frequency").onCommitted?.(undefined, decision, NOON_MS);
  const request = { proposals: [capped], sessionStartedMs: NOON_MS };
  expect(says("frequency", request, { vetoes: [] }, ["a"], part).answer.vetoes).toMatchObject([{ rule: "1 per 1d" }]);
});

describe("personalisation", () => {
  const proposals = proposalsOf({ id: "a", creatives: 2 }, { id: "b" });
  const request = { proposals, context: { genres: [] }, profile: true };
  const neutral = baseOf("personalisation").whenFailing(request) as { expectations: object[][] };
  const one = { pComplete: 0.5, pClick: 0.1, nanos: 7, why: "one" };
  const all = { pComplete: 0.4, pClick: 0.2, nanos: -7, why: "all" };

  test("what is said of a creative comes before what is said of its ad set, and the default stands for the rest", () => {
    const expectations = [
      { adSetId: "a", creativeId: "a-2", ...one },
      { adSetId: "a", ...all },
    ];
    const { answer } = says("personalisation", request, { expectations }, ["a", "b"]);
    const a = proposals.findIndex(({ adSet }) => adSet.id === "a");
    expect(answer.expectations[a]).toEqual([all, one]);
    expect(answer.expectations[1 - a]).toEqual(neutral.expectations[1 - a]);
  });
});

describe("creative", () => {
  const proposals = proposalsOf(
    { id: "a", creatives: 3, adSet: { rotation: "weighted" } },
    { id: "b", creatives: 2, adSet: { rotation: "weighted" } },
  );
  const at = (id: string): number => proposals.findIndex(({ adSet }) => adSet.id === id);
  const standIn = baseOf("creative").whenFailing({ proposals }) as { chances: number[][] };

  test("chances need not add up to 1; an ad set of which nothing is said rotates by the default", () => {
    const chances = [
      { adSetId: "a", creativeId: "a", chance: 0.1 },
      { adSetId: "a", creativeId: "a-3", chance: 0.3 },
    ];
    const { answer } = says("creative", { proposals }, { chances }, ["a", "b"]);
    expect(answer.chances[at("a")]).toEqual([0.25, 0, 0.75].map((share) => expect.closeTo(share, 12)));
    expect(answer.chances[at("b")]).toEqual(standIn.chances[at("b")]);
  });

  test("nothing above 0 is nothing said", () => {
    const chances = [{ adSetId: "a", creativeId: "a", chance: 0 }];
    expect(says("creative", { proposals }, { chances }, ["a"]).answer.chances).toEqual(standIn.chances);
  });
});

test("reward: the price of the listener's time is the one from outside", () => {
  const said = { nanosPerSecond: 1_234.5, why: "tired" };
  expect(says("reward", { context: { genres: [] }, sessionStartedMs: NOON_MS }, said).answer).toEqual(said);
});

describe.each(OUTSIDE_ROLES)("when the agent outside for %s", (role) => {
  const request = {
    proposals: proposalsOf({ id: "a" }),
    sessionStartedMs: NOON_MS,
    context: { genres: [] },
    traffic: { client: "app", datacenter: false },
    recent: 1,
  };

  test.each(["late", "failed", "open"] as const)("is %s, the role answers as when it fails, and says so", (outcome) => {
    const agent = mine(role);
    const circuits = new CircuitBreaker(new KitClock(NOON_MS), new SnapshotTable());
    const heard: Heard = { agent, outcome, hearing: undefined, micros: 20_000 };
    const verdict = circuits.consult(agent, request, undefined, "seed", NOON_MS, heard);
    expect(verdict).toMatchObject({ role, variant: "mine", outcome, answer: baseOf(role).whenFailing(request) });
  });

  test("was never asked, the role answers as when it fails", () => {
    const circuits = new CircuitBreaker(new KitClock(NOON_MS), new SnapshotTable());
    const verdict = circuits.consult(mine(role), request, undefined, "seed", NOON_MS);
    expect(verdict).toMatchObject({ outcome: "failed", answer: baseOf(role).whenFailing(request) });
  });
});

test("the record's version is the one that the agent outside says it has", () => {
  expect(says("reward", {}, { nanosPerSecond: 0, why: "" }).version).toBe("7");
});

describe("casting", () => {
  const cast = (role: string, variants: readonly object[]) =>
    castRoles({ ...SETTINGS, agents: { ...SETTINGS.agents, [role]: { variants } } });

  test.each(["audience", "pacing", "throttle"])("%s cannot be played outside", (role) => {
    expect(() => cast(role, [{ name: "mine", share: 1, outside: TERMS }])).toThrow(
      new RegExp(`agents\\.${role}\\.variants mine: only quality, .* can be played outside`),
    );
  });

  test("a variant of the release keeps its name", () => {
    expect(() => cast("reward", [{ name: "steep", share: 1, outside: TERMS }])).toThrow(
      /agents\.reward\.variants steep: is a variant of this release already/,
    );
  });

  test("a variant that is not played outside is still one of this release's", () => {
    expect(() => cast("reward", [{ name: "mine", share: 1 }])).toThrow(/there is no such variant/);
  });
});
