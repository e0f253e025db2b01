import fc from "fast-check";
import { expect, test } from "vitest";
import type { Decision, Roles } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import { indexOf, NOON_MS, request, rolesOf } from "../support/campaigns.ts";

const SEEDS = 6_000;

interface Line {
  readonly bid: number;
  readonly tier: "standard" | "promo";
  readonly takesPart: number;
  readonly creatives: number;
}

const lineOf: fc.Arbitrary<Line> = fc.record({
  bid: fc.constantFrom(4, 5, 5, 6),
  tier: fc.constantFrom("standard", "standard", "promo"),
  takesPart: fc.constantFrom(0, 0.25, 0.5, 0.9, 1),
  creatives: fc.integer({ min: 1, max: 3 }),
});

function drawn(lines: readonly Line[], seed: string): Decision {
  const catalog = indexOf(
    ...lines.map(({ bid, tier, creatives }, at) => ({
      id: `c${at}`,
      campaign: { tier },
      adSet: { bidCpmMicros: bid * 1_000_000, rotation: "even" as const, creatives: creativesOf(at, creatives) },
      creatives,
    })),
  );
  const plain = rolesOf();
  const roles: Roles = {
    ...plain,
    throttle: (question) => {
      const chances = question.proposals.map(({ adSet }) => lines[Number(adSet.id.slice(1))]?.takesPart ?? 1);
      return { ...plain.throttle(question), answer: { chances } };
    },
  };
  const inputs = {
    nowMs: NOON_MS,
    request: request(),
    sessionStartedMs: NOON_MS,
    recent: 1,
    upliftMax: 0,
    refusedCampaigns: [],
  };
  return decide(inputs, { catalog }, roles, seed);
}

const creativesOf = (line: number, count: number): { id: string }[] =>
  Array.from({ length: count }, (_, at) => ({ id: at === 0 ? `c${line}` : `c${line}-${at + 1}` }));

const nameOf = ({ winner }: Decision): string =>
  winner === null ? "no ad" : `${winner.adSet.id}/${winner.creative.id}`;

test("the probabilities of all answers add up to one, and that of the answer is among them", () => {
  fc.assert(
    fc.property(fc.array(lineOf, { minLength: 1, maxLength: 5 }), fc.nat(), (lines, seed) => {
      const decision = drawn(lines, `seed-${seed}`);
      const sum = decision.actions.reduce((total, { probability }) => total + probability, decision.noAdProbability);
      if (decision.actions.length < 12) expect(sum).toBeCloseTo(1, 9);
      const named = decision.actions.find(({ adSetId, creativeId }) => `${adSetId}/${creativeId}` === nameOf(decision));
      const logged = decision.winner === null ? decision.noAdProbability : named?.probability;
      expect(decision.propensity).toBeCloseTo(logged ?? Number.NaN, 12);
      expect(decision.propensity).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

test("the logged propensity of an answer is how often that answer comes, over many seeds", () => {
  const worlds: readonly (readonly Line[])[] = [
    [
      { bid: 6, tier: "standard", takesPart: 0.25, creatives: 2 },
      { bid: 5, tier: "standard", takesPart: 0.5, creatives: 1 },
      { bid: 5, tier: "standard", takesPart: 0.9, creatives: 3 },
      { bid: 5, tier: "promo", takesPart: 0.5, creatives: 1 },
    ],
    [
      { bid: 5, tier: "standard", takesPart: 1, creatives: 2 },
      { bid: 5, tier: "standard", takesPart: 0.5, creatives: 1 },
      { bid: 4, tier: "standard", takesPart: 1, creatives: 1 },
    ],
  ];
  for (const lines of worlds) {
    const came = new Map<string, number>();
    const logged = new Map<string, number>();
    let inverse = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const decision = drawn(lines, `seed-${seed}`);
      const name = nameOf(decision);
      came.set(name, (came.get(name) ?? 0) + 1);
      logged.set(name, decision.propensity);
      inverse += 1 / decision.propensity;
    }
    for (const [name, propensity] of logged) {
      const error = 4 * Math.sqrt((propensity * (1 - propensity)) / SEEDS);
      expect(Math.abs((came.get(name) ?? 0) / SEEDS - propensity), name).toBeLessThan(error + 1e-9);
    }
    // Calibration: 1/p over what was logged counts the answers that can come (decisioning.md 7.4).
    expect(inverse / SEEDS).toBeCloseTo(logged.size, 0);
  }
});
