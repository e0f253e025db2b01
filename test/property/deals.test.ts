import fc from "fast-check";
import { expect, test } from "vitest";
import { TIERS } from "../../protocols/campaign/campaign.ts";
import type { DealDocument } from "../../protocols/campaign/deal.ts";
import type { OfferedDeal } from "../../protocols/messages/listener.ts";
import { dealOf, type LineSpec, lines } from "../support/campaigns.ts";
import { bidOf, decided, linesOf, mayServe, requestOf, slotOf, tierOf } from "../support/decision-world.ts";

/*
 * Random catalogs, requests and deals; what a deal allows is said once more, the slow way.
 */

const SEATS = ["ours", "a", "b"];
const cpm = fc.constantFrom(0, 0, 2_000_000, 4_000_000, 6_000_000);

const dealSpec = (id: string): fc.Arbitrary<{ document: DealDocument; offer: OfferedDeal }> =>
  fc.record({
    document: fc.record({
      id: fc.constant(id),
      adSetIds: fc.subarray(Array.from({ length: 40 }, (_, at) => `c${at}`)),
      floorCpmMicros: cpm,
      at: fc.constantFrom(1 as const, 2 as const, 3 as const),
      guaranteed: fc.boolean(),
      seats: fc.constantFrom<string[]>([], [], ["a"], ["b", "a"]),
    }),
    offer: fc.record({
      id: fc.constantFrom(id, id, id, "unknown"),
      floorCpmMicros: cpm,
      floorCurrency: fc.constant("USD"),
      advertiserDomains: fc.constantFrom<string[]>([], [], ["a.example"]),
      guaranteed: fc.boolean(),
      seats: fc.constantFrom<string[]>([], [], ["ours"], ["a"]),
    }),
  });

const dealsOf = fc.tuple(dealSpec("d0"), dealSpec("d1"));
const seatsOf = fc.record({
  own: fc.constantFrom("ours", null),
  allowed: fc.constantFrom<string[]>([], [], ["ours"], ["a", "ours"]),
  blocked: fc.constantFrom<string[]>([], [], ["b"], SEATS),
});

interface Terms {
  readonly floor: number;
  readonly price: number;
  readonly tier: number;
  readonly dealId: string | null;
}

test("A1, V1: what is served meets the floor and the terms it is sold by, and never pays more than it bid", () => {
  let sold = 0;
  fc.assert(
    fc.property(
      linesOf,
      requestOf,
      dealsOf,
      seatsOf,
      fc.boolean(),
      fc.uuid(),
      (specs, asked, deals, seats, isPrivate, seed) => {
        const documents = [...lines(...specs), ...deals.map(({ document }) => dealOf(document))];
        const slot = { ...slotOf(asked), privateAuction: isPrivate, deals: deals.map(({ offer }) => offer) };
        const decision = decided(documents, { ...asked, seats, slots: [slot] }, seed);
        const mayBuy = (seat: string | null, also: readonly string[] = []): boolean =>
          [seats.allowed, also].every((list) => list.length === 0 || (seat !== null && list.includes(seat))) &&
          (seat === null || !seats.blocked.includes(seat));
        const termsOf = (spec: LineSpec): Terms[] => {
          const terms: Terms[] = [];
          for (const { document, offer } of deals) {
            const floor = Math.max(document.floorCpmMicros ?? 0, offer.floorCpmMicros);
            const buyers = document.seats?.length === 0 ? [seats.own] : (document.seats ?? []);
            const fits =
              offer.id === document.id &&
              document.adSetIds.includes(spec.id) &&
              bidOf(spec) >= floor &&
              buyers.some((seat) => mayBuy(seat, offer.seats)) &&
              (offer.advertiserDomains.length === 0 || spec.domain !== "b.example");
            const guaranteed = document.guaranteed === true || offer.guaranteed;
            const tier = guaranteed ? Math.min(1, tierOf(spec)) : tierOf(spec);
            const price = document.at === 3 && floor > 0 ? floor : bidOf(spec);
            if (fits) terms.push({ floor, price, tier, dealId: document.id });
          }
          if (!isPrivate && mayBuy(seats.own) && bidOf(spec) >= slot.floorCpmMicros)
            terms.push({ floor: slot.floorCpmMicros, price: bidOf(spec), tier: tierOf(spec), dealId: null });
          return terms;
        };
        const withoutFloor = { ...asked, slots: [{ ...slotOf(asked), floorCpmMicros: 0 }] };
        const allowed = specs.filter(
          (spec) => mayServe(spec, withoutFloor) && bidOf(spec) > 0 && termsOf(spec).length > 0,
        );
        const { winner } = decision;
        if (allowed.length === 0) expect(winner).toBeNull();
        else expect(winner).not.toBeNull();
        if (winner === null) return;
        if (winner.sale.dealId !== null) sold += 1;
        const spec = specs.find(({ id }) => id === winner.adSet.id);
        expect(allowed).toContain(spec);
        expect(spec === undefined ? [] : termsOf(spec)).toContainEqual({
          floor: winner.sale.floorCpmMicros,
          price: winner.sale.priceCpmMicros,
          tier: winner.sale.tier,
          dealId: winner.sale.dealId,
        });
        expect(winner.sale.priceCpmMicros).toBeLessThanOrEqual(bidOf(spec));
        expect(winner.sale.priceCpmMicros).toBeGreaterThanOrEqual(winner.sale.floorCpmMicros);
        // A3: whatever the deals raise, nothing eligible of a higher tier is passed over.
        const highest = Math.min(...allowed.map((each) => Math.min(...termsOf(each).map(({ tier }) => tier))));
        expect(winner.sale.tier).toBe(highest);
        expect(winner.sale.tier).toBeLessThan(TIERS.length);
      },
    ),
    { numRuns: 1_000 },
  );
  expect(sold).toBeGreaterThan(100);
});
