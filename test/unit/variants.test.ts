import { expect, test } from "vitest";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { agentsOf, partName, type Roster } from "../../actors/listener/roster.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { loadSettings } from "../../config/loader.ts";
import { type DecisionRecord, isDecisionRecord } from "../../protocols/decision-record.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { OUTSIDE_ROLES, type OutsideRole } from "../../protocols/outside-agent.ts";
import { type Role, ROLES } from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import { castRoles } from "../../runtime/host/roster.ts";
import { indexOf, NOON_MS, request, roster } from "../support/campaigns.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const LISTENERS = 40;
const DAY = "2026-11-24";
const SETTINGS = loadSettings({ environment: {}, overrides: {} });
const CATALOG = indexOf(
  { id: "a", creatives: 2, creative: { categories: ["IAB1"] } },
  { id: "b", adSet: { bidCpmMicros: 8_000_000, targeting: { genres: ["rock"] } } },
  { id: "house", campaign: { tier: "house" }, adSet: { bidCpmMicros: 2_000_000 } },
);
/** The variant of each role that plays beside its default. */
const OTHERS: Readonly<Record<Role, string>> = {
  quality: "strict",
  audience: "aimed",
  reward: "steep",
  frequency: "strict",
  separation: "wide",
  pacing: "cautious",
  throttle: "off",
  personalisation: "off",
  creative: "even",
};
/** Roles that remember, by the names of the variants that do; `mine` is played outside. */
const WITH_MEMORY: Partial<Record<Role, readonly string[]>> = {
  reward: ["default", "steep"],
  frequency: ["default", "strict", "mine"],
  separation: ["default", "wide", "mine"],
  personalisation: ["default"],
  creative: ["default"],
};
const OUTSIDE = { timeoutMs: 20, encoding: "msgpack" } as const;
/** What an agent outside answers that has nothing against anything. */
const CONTENT: Readonly<Record<OutsideRole, object>> = {
  quality: { v: 1, verdict: "allow" },
  reward: { v: 1, nanosPerSecond: 0, why: "" },
  frequency: { v: 1, vetoes: [] },
  separation: { v: 1, vetoes: [] },
  personalisation: { v: 1, expectations: [] },
  creative: { v: 1, chances: [] },
};
const CAPPED = { campaign: { frequencyCaps: [{ limit: 3, window: "1d", kind: "rolling" as const }] } };

function listening(cast: Roster, key: string, catalog = CATALOG): ActorKit {
  const kit = activate(listenerActor({ roster: cast, configVersion: "c1", node: "n1" }), {
    key,
    nowMs: NOON_MS,
    others: [walletActor, deliveryActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: catalog } },
    outside: ({ question }) => CONTENT[question.role],
  });
  const wallet = { kind: "wallet", key: walletKey(asPartition(partitionOf(key, 16))) };
  for (const campaign of ["a", "b", "house"])
    kit.tell("Grant", { campaign, day: DAY, grantedMicros: 1_000_000, number: 1 }, wallet);
  return kit;
}

const decide = (kit: ActorKit): DecisionAnswer =>
  DecisionAnswer.parse(kit.ask("Decide", DecisionRequest.parse(request())));
const recordOf = (kit: ActorKit): DecisionRecord => {
  const row: unknown = kit.rows.findLast(isDecisionRecord);
  if (!isDecisionRecord(row)) throw new Error("no decision");
  return row;
};

const SWAPPED: readonly (readonly [Role, string])[] = [
  ...ROLES.map((role) => [role, OTHERS[role]] as const),
  ...OUTSIDE_ROLES.map((role) => [role, "mine"] as const),
];

test.each(SWAPPED)("%s: `%s` plays for half of the listeners, seen in records, states and figures", (role, other) => {
  const variants = [
    { name: "default", share: 0.5 },
    { name: other, share: 0.5, ...(other === "mine" ? { outside: OUTSIDE } : {}) },
  ];
  const cast = castRoles({ ...SETTINGS, agents: { ...SETTINGS.agents, [role]: { variants } } });
  const inTurn = { creatives: 2, adSet: { rotation: "sequential" as const }, creative: { categories: ["IAB1"] } };
  const catalog = indexOf({ id: "a", ...CAPPED, ...inTurn }, { id: "b", adSet: { bidCpmMicros: 8_000_000 } });
  const played = new Map<string, number>();
  for (let listener = 0; listener < LISTENERS; listener++) {
    const kit = listening(cast, `listener-${listener}`, catalog);
    decide(kit);
    decide(kit);
    const { roles, experiments } = recordOf(kit);
    const variant = roles.find((row) => row.role === role)?.variant ?? "none";
    played.set(variant, (played.get(variant) ?? 0) + 1);
    expect(experiments).toEqual([{ layer: role, arm: variant, probability: 0.5 }]);
    const remembers = WITH_MEMORY[role]?.includes(variant) === true ? [`${role}@${variant}`] : [];
    expect(kit.partNames(`${role}@`)).toEqual(remembers);
    const figures = kit.circuits.find((circuit) => circuit.role === role && circuit.variant === variant);
    expect(figures?.answered).toBeGreaterThanOrEqual(2);
  }
  expect([...played.keys()].sort()).toEqual(["default", other].sort());
  for (const count of played.values()) expect(count).toBeGreaterThan(LISTENERS / 5);
});

test("a listener who changes the variant keeps what caps need, and both variants are kept from then on (F1)", () => {
  const catalog = indexOf({ id: "a", ...CAPPED });
  const kit = listening(castRoles(SETTINGS), "listener-1", catalog);
  decide(kit);
  const before = kit.part("frequency@default");
  const strict = castRoles({
    ...SETTINGS,
    agents: { ...SETTINGS.agents, frequency: { variants: [{ name: "strict", share: 1 }] } },
  });
  const changed = kit.under(listenerActor({ roster: strict, configVersion: "c2", node: "n1" }));
  kit.clock.advance(40 * 60_000);
  decide(changed);
  expect(changed.part("frequency@default")).not.toEqual(before);
  expect(changed.part("frequency@strict")).toEqual(changed.part("frequency@default"));
});

const SAFETY = new Set<Role>(["quality", "audience", "frequency", "separation", "pacing"]);

test.each(ROLES)(
  "when every %s throws, decisions go on: safety closed, scoring by its default, the record says so; until it answers again",
  (role) => {
    const ailing = { isBroken: true };
    const kit = listening({ ...roster, [role]: breaking(roster[role], ailing) }, "listener-1");
    const outcome = (): string | undefined => recordOf(kit).roles.find((each) => each.role === role)?.outcome;
    const circuit = () => kit.circuits.find((each) => each.role === role);
    for (let request = 0; request < 7; request++) {
      // A role that is asked for every wave of proposals fails several times in one decision.
      const isOpen = circuit()?.state === "open";
      const { bids, nbr } = decide(kit);
      expect(bids, `nbr ${nbr}`).toHaveLength(SAFETY.has(role) ? 0 : 1);
      expect(outcome()).toBe(isOpen ? "open" : "failed");
    }
    expect(circuit()).toMatchObject({ state: "open", failed: 5, lastError: "broken" });
    ailing.isBroken = false;
    decide(kit);
    expect(outcome()).toBe("open");
    kit.clock.advance(40 * 60_000);
    expect(decide(kit).bids).toHaveLength(1);
    expect(outcome()).toBe("answered");
    expect(circuit()).toMatchObject({ state: "closed", failed: 5 });
  },
);

test("a variant that no longer plays forgets what has grown too long, and takes over anew when it plays again", () => {
  const catalog = indexOf({ id: "a", ...CAPPED });
  const kit = listening(castRoles(SETTINGS), "listener-1", catalog);
  decide(kit);
  const long = { ...(kit.part("frequency@default") as object), heard: heardOf(2_000) };
  const casting = (name: string) =>
    listenerActor({
      roster: castRoles({ ...SETTINGS, agents: { ...SETTINGS.agents, frequency: { variants: [{ name, share: 1 }] } } }),
      configVersion: name,
      node: "n1",
    });
  const strict = activate(casting("strict"), {
    key: "listener-1",
    nowMs: NOON_MS + 40 * 60_000,
    others: [walletActor, deliveryActor],
    snapshots: { [INDEX_SNAPSHOT]: { version: 1, value: catalog } },
    parts: { core: kit.part("core"), "frequency@default": long },
  });
  strict.tell(
    "Grant",
    { campaign: "a", day: DAY, grantedMicros: 1_000_000, number: 1 },
    { kind: "wallet", key: walletKey(asPartition(partitionOf("listener-1", 16))) },
  );
  decide(strict);
  expect(strict.part("frequency@default")).toBeUndefined();
  expect(strict.part("frequency@strict")).toBeDefined();
});

test("a variant that no release has is refused with those there are", () => {
  const agents = { ...SETTINGS.agents, reward: { variants: [{ name: "generous", share: 1 }] } };
  expect(() => castRoles({ ...SETTINGS, agents })).toThrow(/agents\.reward\.variants generous.*default, steep, off/);
});

test("every role of a decision has a default and another variant", () => {
  const names = agentsOf(castRoles(SETTINGS)).map(partName);
  for (const role of ROLES) expect(names.filter((name) => name.startsWith(`${role}@`)).length).toBeGreaterThan(1);
});

const heardOf = (campaigns: number) =>
  Array.from({ length: campaigns }, (_, at) => ({ campaignId: `c${at}`, atMs: [NOON_MS] }));

function breaking(
  cast: readonly { readonly agent: AnyAgent; readonly share: number }[],
  ailing: { readonly isBroken: boolean },
): unknown {
  return cast.map(({ agent, share }) => ({
    share,
    agent: {
      ...agent,
      answer: (...question: Parameters<AnyAgent["answer"]>) => {
        if (ailing.isBroken) throw new Error("broken");
        return agent.answer(...question) as unknown;
      },
    },
  }));
}
