import fc from "fast-check";
import { expect, test } from "vitest";
import { type Decision, type Roles, winnersOf } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import { compareWorth } from "../../actors/decision/slate.ts";
import type { AudioSlot, DecisionRequest } from "../../protocols/messages/listener.ts";
import { indexOf, type LineSpec, lines, NOON_MS, request, rolesOf } from "../support/campaigns.ts";
import { bidOf, decided, linesOf, mayServe, slotOf, requestOf, tierOf } from "../support/decision-world.ts";

/*
 * Answers of several ads, against the rules said once more, the slow way.
 */

const SEEDS = 4_000;

interface PodSpec {
  readonly kind: "structured" | "dynamic" | "hybrid" | "two pods";
  readonly podMs: number;
  readonly adsMax: number | undefined;
  readonly positions: readonly number[];
  readonly floors: readonly number[];
}

const podOf: fc.Arbitrary<PodSpec> = fc.record({
  kind: fc.constantFrom("structured", "dynamic", "hybrid", "two pods"),
  podMs: fc.constantFrom(30_000, 45_000, 60_000, 90_000, 120_000),
  adsMax: fc.constantFrom(undefined, 1, 2, 3, 4),
  positions: fc.array(fc.constantFrom(0, 0, 1, -1), { minLength: 3, maxLength: 3 }),
  floors: fc.array(fc.constantFrom(0, 0, 3_000_000), { minLength: 3, maxLength: 3 }),
});

/** The slots of a request in each of the three shapes of a pod, like the one given. */
function slotsOf(base: AudioSlot, { kind, podMs, adsMax, positions, floors }: PodSpec): AudioSlot[] {
  const slot = (at: number, pod: Partial<NonNullable<AudioSlot["pod"]>>): AudioSlot => ({
    ...base,
    impId: `imp-${at}`,
    floorCpmMicros: Math.max(base.floorCpmMicros, floors[at] ?? 0),
    pod: { id: "pod", sequence: 0, position: positions[at] ?? 0, ...pod },
  });
  const dynamic = { durationMs: podMs, ...(adsMax === undefined ? {} : { adsMax }) };
  switch (kind) {
    case "structured":
      return [slot(0, {}), slot(1, {}), slot(2, {})];
    case "dynamic":
      return [slot(0, dynamic)];
    case "hybrid":
      return [slot(0, {}), slot(1, dynamic)];
    case "two pods":
      return [slot(0, { id: "last", sequence: -1 }), slot(1, dynamic), slot(2, { id: "last", sequence: -1 })];
  }
}

const areCompeting = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}-`) || other.startsWith(`${one}-`);

/** Everything that must hold of an answer, whoever decided it (S1, S2, S3, V1). */
function check(
  decision: Decision,
  asked: DecisionRequest,
  specs: readonly LineSpec[],
  policy: "pod" | "adjacency",
): void {
  const winners = winnersOf(decision);
  const creatives = winners.map(({ creative }) => creative);
  expect(new Set(creatives.map(({ id }) => id)).size).toBe(creatives.length);
  const media = creatives.flatMap(({ mediaFiles }) => mediaFiles.map(({ url }) => url));
  expect(new Set(media).size).toBe(media.length);
  const adIds = creatives.flatMap(({ adId }) => adId ?? []);
  expect(new Set(adIds).size).toBe(adIds.length);
  for (const { adSet, slot } of winners) {
    const spec = specs.find(({ id }) => id === adSet.id);
    expect(spec !== undefined && mayServe(spec, { ...asked, slots: [slot] })).toBe(true);
  }
  for (const slot of asked.slots) {
    const own = winners.filter((winner) => winner.slot === slot);
    const sumMs = own.reduce((sum, { creative }) => sum + creative.durationMs, 0);
    expect(sumMs).toBeLessThanOrEqual(slot.pod?.durationMs ?? Infinity);
    const most = slot.pod?.adsMax ?? (slot.pod?.durationMs === undefined ? 1 : Infinity);
    expect(own.length).toBeLessThanOrEqual(most);
  }
  for (const pod of new Set(asked.slots.map((slot) => slot.pod?.id))) {
    const own = winners.filter(({ slot }) => slot.pod?.id === pod);
    own.forEach((later, at) => {
      // slotinpod: nothing is heard before the first place, nor after the last.
      if (at > 0 && later.slot.pod?.position === 1) expect(own[at - 1]?.slot.pod?.position).toBe(1);
      if (at > 0 && own[at - 1]?.slot.pod?.position === -1) expect(later.slot.pod?.position).toBe(-1);
      for (const earlier of policy === "pod" ? own.slice(0, at) : own.slice(Math.max(0, at - 1), at)) {
        expect(earlier.creative.advertiserId).not.toBe(later.creative.advertiserId);
        const clash = earlier.creative.categories.filter((one) =>
          later.creative.categories.some((other) => areCompeting(one, other)),
        );
        expect(clash).toEqual([]);
      }
    });
  }
}

/** Lines with advertisers of their own, so that not all of a pod is one competitor. */
const advertised = (specs: readonly LineSpec[]): LineSpec[] =>
  specs.map((spec, at) => {
    const [, ...rest] = spec.creative?.categories ?? [];
    const own = at % 3 === 0 ? spec : { ...spec, advertiserId: `adv-${spec.id}` };
    return {
      ...own,
      creative: { ...spec.creative, categories: at % 4 === 0 ? (spec.creative?.categories ?? []) : rest },
    };
  });

test("S1, S2, S3, V1: no answer of several ads breaks a rule, in any shape of pod", () => {
  let several = 0;
  fc.assert(
    fc.property(linesOf, requestOf, podOf, fc.uuid(), (drawn, asked, pod, seed) => {
      const specs = advertised(drawn);
      const many = { ...asked, slots: slotsOf(slotOf(asked), pod) };
      const decision = decided(lines(...specs), many, seed);
      check(decision, many, specs, "pod");
      if (winnersOf(decision).length > 1) several += 1;
    }),
    { numRuns: 1_000 },
  );
  expect(several).toBeGreaterThan(250);
});

interface Small {
  readonly bid: number;
  readonly tier: "guaranteed" | "standard";
  readonly durationMs: number;
  readonly advertiser: number;
}

const smallOf: fc.Arbitrary<Small[]> = fc.array(
  fc.record({
    bid: fc.integer({ min: 1, max: 9 }),
    tier: fc.constantFrom("standard", "standard", "standard", "guaranteed"),
    durationMs: fc.constantFrom(15_000, 20_000, 30_000),
    advertiser: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 1, maxLength: 7 },
);

const smallLine = ({ bid, tier, durationMs, advertiser }: Small, at: number): LineSpec => ({
  id: `c${at}`,
  advertiserId: `adv${advertiser}`,
  campaign: { tier },
  adSet: { bidCpmMicros: bid * 1_000_000 },
  creative: { durationMs, mediaFiles: [{ url: `https://cdn.example/${at}`, mimeType: "audio/mpeg" }] },
});

/** The best worth of any subset in any order that the rules allow. */
function bestOf(specs: readonly LineSpec[], podMs: number, adsMax: number): number[] {
  let best = [0, 0, 0, 0, 0];
  for (let subset = 0; subset < 2 ** specs.length; subset++) {
    const chosen = specs.filter((_, at) => (subset >> at) % 2 === 1);
    const sumMs = chosen.reduce((sum, { creative }) => sum + (creative?.durationMs ?? 0), 0);
    const advertisers = new Set(chosen.map(({ advertiserId }) => advertiserId));
    if (chosen.length > adsMax || sumMs > podMs || advertisers.size < chosen.length) continue;
    const worth = [0, 0, 0, 0, 0];
    for (const spec of chosen) worth[tierOf(spec)] = (worth[tierOf(spec)] ?? 0) + bidOf(spec);
    if (compareWorth(worth, best) > 0) best = worth;
  }
  return best;
}

test("S3, A3: where nothing is drawn, a pod is the best that fits, as brute force over all subsets finds it", () => {
  fc.assert(
    fc.property(
      smallOf,
      fc.constantFrom(45_000, 60_000, 75_000, 120_000),
      fc.integer({ min: 2, max: 6 }),
      fc.uuid(),
      (small, podMs, adsMax, seed) => {
        const specs = small.map(smallLine);
        const pod = { id: "p", sequence: 0, position: 0, durationMs: podMs, adsMax };
        const decision = decided(lines(...specs), request({ slot: { pod } }), seed);
        const worth = [0, 0, 0, 0, 0];
        for (const { adSet } of winnersOf(decision)) worth[adSet.tier] = (worth[adSet.tier] ?? 0) + adSet.bidCpmMicros;
        expect(worth).toEqual(bestOf(specs, podMs, adsMax));
        expect(decision.propensity).toBeCloseTo(
          decision.places.reduce((product, place) => product * place.propensity, 1),
          12,
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("A2: raising the bid of an ad that is in the answer never takes it out", () => {
  fc.assert(
    fc.property(
      smallOf,
      fc.constantFrom(45_000, 60_000, 90_000),
      fc.integer({ min: 1, max: 5 }),
      fc.uuid(),
      (small, podMs, steps, seed) => {
        const slot = { pod: { id: "p", sequence: 0, position: 0, durationMs: podMs } };
        const served = (bids: readonly Small[]): string[] =>
          winnersOf(decided(lines(...bids.map(smallLine)), request({ slot }), seed)).map(({ adSet }) => adSet.id);
        for (const id of served(small)) {
          const raised = small.map((each, at) => (`c${at}` === id ? { ...each, bid: each.bid + steps } : each));
          expect(served(raised)).toContain(id);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("what stands ahead in a pod is said to every role: a role that vetoes by it is obeyed, whatever the search hoped for", () => {
  fc.assert(
    fc.property(smallOf, fc.uuid(), fc.integer({ min: 1, max: 3 }), (small, seed, most) => {
      // Neither pairs nor counts tell the search of this rule: so many ads of odd bids in an answer, in all.
      const plain = rolesOf();
      const isOdd = (bidCpmMicros: number): boolean => (bidCpmMicros / 1_000_000) % 2 === 1;
      const roles: Roles = {
        ...plain,
        separation: (question) => {
          const odd = (question.ahead ?? []).filter(({ adSet }) => isOdd(adSet.bidCpmMicros)).length;
          const own = plain.separation(question);
          const more = question.proposals.flatMap(({ adSet }, proposal) =>
            odd >= most && isOdd(adSet.bidCpmMicros) ? [{ proposal, reason: "odd", rule: "few of them" }] : [],
          );
          return { ...own, answer: { vetoes: [...own.answer.vetoes, ...more] } };
        },
      };
      const slot = { pod: { id: "p", sequence: 0, position: 0, adsMax: 6 } };
      const winners = winnersOf(decided(lines(...small.map(smallLine)), request({ slot }), seed, roles));
      expect(winners.filter(({ adSet }) => isOdd(adSet.bidCpmMicros)).length).toBeLessThanOrEqual(most);
    }),
    { numRuns: 300 },
  );
});

/** Four lines, of which some take part by chance, in a pod of two. */
const CHANCES = [0.3, 1, 0.5, 1];
const WORLD = indexOf(
  { id: "c0", adSet: { bidCpmMicros: 9_000_000 } },
  {
    id: "c1",
    adSet: { bidCpmMicros: 5_000_000, rotation: "even", creatives: [{ id: "c1" }, { id: "c1-2" }] },
    creatives: 2,
  },
  { id: "c2", adSet: { bidCpmMicros: 5_000_000 } },
  { id: "c3", adSet: { bidCpmMicros: 4_000_000 } },
);

test("the propensity of a place is exact given those before it, and their product is how often the answer comes", () => {
  const plain = rolesOf();
  const roles: Roles = {
    ...plain,
    throttle: (question) => {
      const chances = question.proposals.map(({ adSet }) => CHANCES[Number(adSet.id.slice(1))] ?? 1);
      return { ...plain.throttle(question), answer: { chances } };
    },
  };
  const asked = request({
    slots: [{ pod: { id: "p", sequence: 0, position: 0 } }, { pod: { id: "p", sequence: 0, position: 0 } }],
  });
  const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0, refusedCampaigns: [] };
  const came = new Map<string, number>();
  const logged = new Map<string, number>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const decision = decide({ ...moment, request: asked }, { catalog: WORLD }, roles, `seed-${seed}`);
    const name = decision.places.map(({ winner }) => winner?.creative.id ?? "-").join(" ");
    came.set(name, (came.get(name) ?? 0) + 1);
    if (logged.has(name)) expect(logged.get(name)).toBe(decision.propensity);
    logged.set(name, decision.propensity);
    for (const { winner, actions, noAdProbability, propensity } of decision.places) {
      const sum = actions.reduce((total, { probability }) => total + probability, noAdProbability);
      expect(sum).toBeCloseTo(1, 12);
      const action = actions.find(({ creativeId }) => creativeId === winner?.creative.id);
      expect(propensity).toBeCloseTo(winner === null ? noAdProbability : (action?.probability ?? Number.NaN), 12);
    }
  }
  expect(logged.size).toBeGreaterThan(8);
  expect([...logged.values()].reduce((sum, propensity) => sum + propensity, 0)).toBeCloseTo(1, 9);
  for (const [name, propensity] of logged) {
    const error = 4 * Math.sqrt((propensity * (1 - propensity)) / SEEDS);
    expect(Math.abs((came.get(name) ?? 0) / SEEDS - propensity), name).toBeLessThan(error + 1e-9);
  }
});

test("X1: the same inputs and seed give the same answer, in whatever order the documents came", () => {
  fc.assert(
    fc.property(linesOf, requestOf, podOf, fc.uuid(), (drawn, asked, pod, seed) => {
      const documents = lines(...advertised(drawn));
      const many = { ...asked, slots: slotsOf(slotOf(asked), pod) };
      const first = decided(documents, many, seed);
      expect(decided(documents, many, seed)).toEqual(first);
      const reversed = decided([...documents].reverse(), many, seed);
      expect(winnersOf(reversed).map(({ creative }) => creative.id)).toEqual(
        winnersOf(first).map(({ creative }) => creative.id),
      );
    }),
    { numRuns: 100 },
  );
});
