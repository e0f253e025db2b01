import fc from "fast-check";
import { expect, test } from "vitest";
import type { Roles } from "../../actors/decision/decision.ts";
import type { Proposal, RoleVeto } from "../../protocols/roles.ts";
import { lines, rolesOf } from "../support/campaigns.ts";
import {
  bidOf,
  chanceOf,
  decided,
  linesOf,
  mayServe,
  opinionated,
  opinionsOf,
  requestOf,
  tierOf,
  worthOf,
} from "../support/decision-world.ts";

test("V1, A3: exactly what the rules allow can win, and of it the best bid of the highest tier does", () => {
  let served = 0;
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), (specs, asked, seed) => {
      const decision = decided(lines(...specs), asked, seed);
      const allowed = specs.filter((spec) => mayServe(spec, asked) && bidOf(spec) > 0);
      const winner = specs.find(({ id }) => id === decision.winner?.adSet.id);
      if (allowed.length === 0) {
        expect(winner).toBeUndefined();
        return;
      }
      served += 1;
      const tier = Math.min(...allowed.map(tierOf));
      const bid = Math.max(...allowed.filter((spec) => tierOf(spec) === tier).map(bidOf));
      expect(allowed).toContain(winner);
      expect([tierOf(winner), bidOf(winner)]).toEqual([tier, bid]);
      const ties = allowed.filter((spec) => tierOf(spec) === tier && bidOf(spec) === bid).length;
      const creatives = winner?.adSet?.rotation === "sequential" ? 1 : (winner?.creatives ?? 1);
      expect(decision.propensity).toBeCloseTo(1 / ties / creatives, 12);
    }),
    { numRuns: 1_000 },
  );
  // Rules that leave nothing would prove nothing.
  expect(served).toBeGreaterThan(500);
});

test("A3: of what takes part and is worth the listener's time, the best of the highest tier is served", () => {
  let served = 0;
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), opinionsOf([0, 1, 1]), (specs, asked, seed, opinions) => {
      const decision = decided(lines(...specs), asked, seed, opinionated(opinions));
      const worth = specs.filter(
        (spec) => mayServe(spec, asked) && chanceOf(opinions, spec.id) === 1 && worthOf(spec, opinions) > 0,
      );
      const winner = specs.find(({ id }) => id === decision.winner?.adSet.id);
      if (worth.length === 0) {
        expect(winner).toBeUndefined();
        expect(decision.noAdProbability).toBe(1);
        return;
      }
      served += 1;
      const tier = Math.min(...worth.map(tierOf));
      const best = Math.max(...worth.filter((spec) => tierOf(spec) === tier).map((spec) => worthOf(spec, opinions)));
      expect(worth).toContain(winner);
      expect([tierOf(winner), winner === undefined ? 0 : worthOf(winner, opinions)]).toEqual([tier, best]);
      expect(decision.noAdProbability).toBe(0);
    }),
    { numRuns: 1_000 },
  );
  expect(served).toBeGreaterThan(300);
});

test("V1: what any safety agent vetoes is never served, whatever the others say", () => {
  const vetoing = fc.array(fc.record({ role: fc.constantFrom("frequency", "separation", "pacing"), at: fc.nat(60) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), vetoing, (specs, asked, seed, vetoes) => {
      const against = (role: string, proposals: readonly Proposal[]): RoleVeto[] =>
        proposals.flatMap(({ adSet, creatives }, proposal) =>
          vetoes.flatMap((veto): RoleVeto[] => {
            if (veto.role !== role) return [];
            if (adSet.id === `c${veto.at}`) return [{ proposal, reason: "test", rule: "ad set" }];
            const creative = creatives.find(({ id }) => id === `c${veto.at - 20}-2`);
            return creative === undefined
              ? []
              : [{ proposal, creativeId: creative.id, reason: "test", rule: "creative" }];
          }),
        );
      const base = rolesOf();
      const verdict = { variant: "default", version: "1", outcome: "answered", micros: 0 } as const;
      const roles: Roles = {
        ...base,
        frequency: ({ proposals }) => ({
          ...verdict,
          role: "frequency",
          answer: { vetoes: against("frequency", proposals) },
        }),
        separation: ({ proposals }) => ({
          ...verdict,
          role: "separation",
          answer: { vetoes: against("separation", proposals) },
        }),
        pacing: ({ proposals }) => ({ ...verdict, role: "pacing", answer: { vetoes: against("pacing", proposals) } }),
      };
      const { winner } = decided(lines(...specs), asked, seed, roles);
      if (winner === null) return;
      const forbidden = vetoes.flatMap(({ at }) => [`c${at}`]);
      expect(forbidden).not.toContain(winner.adSet.id);
      expect(vetoes.map(({ at }) => `c${at - 20}-2`)).not.toContain(winner.creative.id);
    }),
    { numRuns: 500 },
  );
});

test("A2: raising a winner's bid never loses what it won", () => {
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), fc.integer({ min: 1, max: 50 }), (specs, asked, seed, steps) => {
      const before = decided(lines(...specs), asked, seed).winner;
      if (before === null) return;
      const raised = specs.map((spec) =>
        spec.id === before.adSet.id
          ? { ...spec, adSet: { ...spec.adSet, bidCpmMicros: bidOf(spec) + steps * 100_000 } }
          : spec,
      );
      const after = decided(lines(...raised), asked, seed).winner;
      expect(after?.adSet.id).toBe(before.adSet.id);
      expect(after?.creative.id).toBe(before.creative.id);
    }),
    { numRuns: 500 },
  );
});
test("A2: raising a winner's bid never loses the slot, whatever the scoring roles say and the draws were", () => {
  const raises = fc.integer({ min: 1, max: 50 });
  const opinions = opinionsOf([0, 0.25, 0.5, 1]);
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), raises, opinions, (specs, asked, seed, steps, opinion) => {
      const roles = opinionated(opinion);
      const before = decided(lines(...specs), asked, seed, roles).winner;
      if (before === null) return;
      const raised = specs.map((spec) =>
        spec.id === before.adSet.id
          ? { ...spec, adSet: { ...spec.adSet, bidCpmMicros: bidOf(spec) + steps * 100_000 } }
          : spec,
      );
      expect(decided(lines(...raised), asked, seed, roles).winner?.adSet.id).toBe(before.adSet.id);
    }),
    { numRuns: 1_000 },
  );
});

test("X1: the same inputs and seed give the same decision, in whatever order the documents came", () => {
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), (specs, asked, seed) => {
      const documents = lines(...specs);
      const first = decided(documents, asked, seed);
      expect(decided(documents, asked, seed)).toEqual(first);
      const reversed = decided([...documents].reverse(), asked, seed);
      expect(reversed.winner?.creative.id).toBe(first.winner?.creative.id);
      expect(reversed.propensity).toBe(first.propensity);
    }),
    { numRuns: 300 },
  );
});
