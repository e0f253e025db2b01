import fc from "fast-check";
import { expect, test } from "vitest";
import { type CatalogDocument, compileIndex } from "../../actors/decision/compile-index.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import type { Roster } from "../../actors/listener/roster.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { loadSettings } from "../../config/loader.ts";
import { type DecisionRecord, isDecisionRecord } from "../../protocols/decision-record.ts";
import { rateSnapshot } from "../../protocols/currency.ts";
import { fnv1a32, mix32 } from "../../protocols/hash.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { servingIdOf } from "../../protocols/decision-id.ts";
import type { AudioSlot, DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { partitionOf } from "../../protocols/ids.ts";
import { openIndex, packIndex } from "../../protocols/packed-index.ts";
import { isOutsideRole } from "../../protocols/outside-agent.ts";
import { type Role, ROLES } from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import { DecisionReplay } from "../../runtime/host/decision-replay.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { castRoles } from "../../runtime/host/roster.ts";
import { type LineSpec, lines, NOON_MS, request } from "../support/campaigns.ts";
import { linesOf, requestOf, slotOf } from "../support/decision-world.ts";
import { sayingOf } from "../support/outside-opinions.ts";
import { activate, type ActorKit, openSealer } from "../support/testkit.ts";

const DAY = "2026-11-24";
// So few requests a minute that some listeners come to it.
const SETTINGS = loadSettings({ environment: {}, overrides: { quality: { requestsPerMinuteMax: 4 } } });
const VERSION = 7;
/** Some nodes convert: then campaigns of both currencies compete. */
const RATES = rateSnapshot({ EUR: 0.92 });

/** All variants of all roles, one outside too where that can be, each for its part of the listeners. */
const CAST: Roster = castRoles({
  ...SETTINGS,
  agents: Object.fromEntries(
    Object.entries(castRoles(SETTINGS)).map(([role, cast]) => {
      const agents = (cast as readonly { readonly agent: AnyAgent }[]).map(({ agent }) => agent.variant);
      const count = agents.length + (isOutsideRole(role as Role) ? 1 : 0);
      const variants = agents.map((name) => ({ name, share: 1 / count }));
      const outside = { timeoutMs: 20, encoding: "msgpack" as const };
      return [
        role,
        { variants: count > agents.length ? [...variants, { name: "mine", share: 1 / count, outside }] : variants },
      ];
    }),
  ) as typeof SETTINGS.agents,
});

const hashed = (salt: number, about: string): number => mix32(fnv1a32(`${salt}/${about}`)) / 2 ** 32;

/** The same agents, of which those of some roles throw in a share of their consultations. */
function ailing(salt: number, share: number): Roster {
  let consultations = 0;
  const casts = ROLES.map((role) => {
    const cast = CAST[role] as readonly { readonly agent: AnyAgent; readonly share: number }[];
    if (hashed(salt, role) < 0.6) return [role, cast];
    const broken = cast.map(({ agent, share: seats }) => ({
      share: seats,
      agent: {
        ...agent,
        answer(question: unknown, context: never): unknown {
          if (hashed(salt, `${role}/${consultations++}`) < share) throw new Error("ailing");
          return (agent.answer as (question: unknown, context: never) => unknown)(question, context);
        },
      },
    }));
    return [role, broken];
  });
  return Object.fromEntries(casts);
}

const CAPS = [
  { limit: 2, window: "1h", kind: "rolling" },
  { limit: 2, kind: "session" },
  { limit: 3, window: "1d", kind: "calendar" },
] as const;

function capped(spec: LineSpec, salt: number): LineSpec {
  const cap = CAPS[Math.floor(hashed(salt, `cap/${spec.id}`) * 6)];
  return cap === undefined ? spec : { ...spec, campaign: { ...spec.campaign, frequencyCaps: [cap] } };
}

const POD = { id: "pod", sequence: 0, position: 0 };
/** What the one slot of a request becomes: itself, a structured pod, or a dynamic one. */
const SHAPES: readonly (readonly Partial<AudioSlot>[])[] = [
  [{}],
  [{ pod: POD }, { impId: "2", pod: POD }, { impId: "3", floorCpmMicros: 2_000_000, pod: POD }],
  [{ pod: { ...POD, durationMs: 75_000, adsMax: 4 } }],
];

interface Step {
  readonly request: DecisionRequest;
  readonly shape: readonly Partial<AudioSlot>[];
  readonly test: boolean;
  readonly memory: DecisionRequest["memory"];
  readonly profile: boolean;
  /** Time until the next, and what becomes of the bid meanwhile. */
  readonly afterMs: number;
  readonly events: readonly string[];
}

const mostly = <T>(usual: NoInfer<T>, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: others });

const stepOf: fc.Arbitrary<Step> = fc.record({
  request: mostly(request({ context: { genres: ["rock"], hourOfWeek: 36 } }), requestOf),
  shape: fc.constantFrom(...SHAPES),
  test: mostly<boolean>(false, fc.constant(true)),
  memory: mostly<DecisionRequest["memory"]>("listener", fc.constantFrom("session", "none")),
  profile: mostly<boolean>(true, fc.constant(false)),
  afterMs: mostly<number>(1_000, fc.constantFrom(60_000, 600_000, 3_600_000)),
  events: mostly(
    ["impression", "start", "skip"],
    fc.constantFrom<readonly string[]>([], ["impression"], ["impression", "start", "complete", "click"], ["loss"]),
  ),
});

/** @param ill how often agents outside do not answer well. */
function listening(documents: readonly CatalogDocument[], cast: Roster, salt: number, ill: number): ActorKit {
  const draw = randomStream(salt);
  const key = `listener-${salt}`; // another one, other variants
  const catalog = openIndex(packIndex(compileIndex(documents, VERSION)));
  const kit = activate(
    listenerActor({ roster: cast, configVersion: "c", node: "n1", rates: salt % 2 === 0 ? null : RATES }),
    {
      key,
      nowMs: NOON_MS,
      others: [walletActor, deliveryActor],
      snapshots: { [INDEX_SNAPSHOT]: { version: VERSION, value: catalog } },
      outside: ({ question }) => sayingOf(question, draw, ill),
    },
  );
  const wallet = { kind: "wallet", key: walletKey(partitionOf(key, 16)) };
  documents.forEach(({ collection, id }) => {
    if (collection !== "campaigns") return;
    // Some have nothing, some are scarce, some have plenty.
    const grantedMicros = [0, 3_000, 20_000, 1_000_000][Math.floor(hashed(salt, id) * 4)] ?? 0;
    if (grantedMicros > 0) kit.tell("Grant", { campaign: id, day: DAY, grantedMicros, number: 1 }, wallet);
  });
  return kit;
}

function decide(
  kit: ActorKit,
  { request, shape, test: isTest, memory, profile, events, afterMs }: Step,
): DecisionRecord {
  const capabilities = { ...request.capabilities, profile };
  const slots = shape.map((each) => ({ ...slotOf(request), ...each }));
  const asked = { ...request, slots, test: isTest, memory, capabilities };
  const answer = kit.ask("Decide", JSON.parse(JSON.stringify(asked))) as DecisionAnswer;
  const record: unknown = kit.rows.findLast(isDecisionRecord);
  for (const { slot } of answer.bids)
    for (const event of events)
      kit.ask("Event", { event, atMs: kit.clock.now }, { kind: "delivery", key: servingIdOf(answer.decisionId, slot) });
  kit.advance(afterMs);
  if (!isDecisionRecord(record)) throw new Error("no record");
  return record;
}

test("X1: every decision comes out the same, bit for bit, from its sealed inputs and the catalog alone; also where roles failed, and what agents outside said", async () => {
  const seen = { decisions: 0, bids: 0, pods: 0, outside: 0, failed: 0, late: 0, open: 0, unfunded: 0, tooLarge: 0 };
  await fc.assert(
    fc.asyncProperty(
      linesOf,
      fc.array(stepOf, { minLength: 1, maxLength: 16 }),
      fc.nat(),
      fc.constantFrom(0, 0.1, 0.5, 1),
      async (specs, steps, salt, share) => {
        const documents = lines(...specs.map((spec) => capped(spec, salt)));
        const kit = listening(documents, ailing(salt, share), salt, share);
        const replays = new DecisionReplay({
          sealer: openSealer,
          roster: CAST,
          configVersion: "c",
          documentsAt: async (version) => (version === VERSION ? [...documents].reverse() : null),
        });
        for (const step of steps) {
          const record = decide(kit, step);
          seen.decisions++;
          if (record.outcome === "bid") seen.bids++;
          if (record.roles.some(({ variant, outcome }) => variant === "mine" && outcome === "answered")) seen.outside++;
          if (record.slots.filter(({ slot }) => slot !== null).length > 1) seen.pods++;
          if (record.nbr === 502) seen.unfunded++;
          if (record.inputs === "too large") seen.tooLarge++;
          for (const { outcome } of record.roles) if (outcome !== "answered") seen[outcome]++;
          expect(await replays.replay(record)).toEqual({ outcome: "same" });
        }
      },
    ),
    { numRuns: 250 },
  );
  expect(seen.bids).toBeGreaterThan(seen.decisions / 10);
  expect(Math.min(seen.outside, seen.failed, seen.late, seen.open, seen.unfunded, seen.pods)).toBeGreaterThan(10);
  expect(seen.tooLarge).toBe(0);
});
