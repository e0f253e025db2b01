import { describe, expect, test } from "vitest";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import type { Decision } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import type { DealDocument } from "../../protocols/campaign/deal.ts";
import type { OfferedDeal } from "../../protocols/messages/listener.ts";
import { openIndex, packIndex } from "../../protocols/packed-index.ts";
import {
  dealOf,
  type LineSpec,
  lines,
  NOON_MS,
  offered,
  request,
  type RequestSpec,
  rolesOf,
} from "../support/campaigns.ts";

/** Two lines at 10 and 8 CPM; the deal is about the lower one. */
const LINES: readonly LineSpec[] = [{ id: "open" }, { id: "sold", adSet: { bidCpmMicros: 8_000_000 } }];

function decided(deal: Partial<DealDocument>, spec: RequestSpec, specs: readonly LineSpec[] = LINES): Decision {
  const documents = [...lines(...specs), dealOf({ id: "deal", adSetIds: ["sold"], ...deal })];
  const catalog = openIndex(packIndex(compileIndex(documents, 1)));
  const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0 };
  return decide({ ...moment, request: request(spec), refusedCampaigns: [] }, { catalog }, rolesOf(), "seed");
}

const onlyDeals = (offer: Partial<OfferedDeal> = {}): RequestSpec => ({
  slot: { privateAuction: true, deals: [offered(offer)] },
});

const saleOf = ({ winner }: Decision): string =>
  winner === null
    ? "nothing"
    : `${winner.adSet.id} for ${winner.sale.priceCpmMicros / 1e6} by ${winner.sale.dealId} from ${winner.sale.seat}`;

describe("a deal", () => {
  test("is bid on by its ad sets only, at their bid", () => {
    expect(saleOf(decided({}, onlyDeals()))).toBe("sold for 8 by deal from null");
  });

  test("leaves the open auction to the others where it is not private", () => {
    expect(saleOf(decided({}, { slot: { deals: [offered()] } }))).toBe("open for 10 by null from null");
  });

  test.each<[string, Partial<DealDocument>, Partial<OfferedDeal>, string]>([
    ["one we do not know", {}, { id: "unknown" }, "kernel/deal"],
    ["one without ad sets that may be served", { adSetIds: [] }, {}, "kernel/deal"],
    ["other advertisers", {}, { advertiserDomains: ["open.example"] }, "kernel/deal"],
    ["a floor above the bid", {}, { floorCpmMicros: 8_000_001 }, "kernel/floor"],
    ["a floor of our own document above the bid", { floorCpmMicros: 8_000_001 }, {}, "kernel/floor"],
    ["a floor in a currency that nobody pays in", {}, { floorCpmMicros: 1, floorCurrency: "EUR" }, "kernel/currency"],
    ["a seat that is not ours", {}, { seats: ["theirs"] }, "kernel/deal"],
  ])("gets nothing for %s", (_case, document, offer, veto) => {
    const decision = decided(document, onlyDeals(offer));
    expect(decision.winner).toBeNull();
    expect(Object.keys(decision.vetoCounts)).toContain(veto);
  });

  test("names the advertisers it is for by domain, with what is below", () => {
    expect(saleOf(decided({}, onlyDeals({ advertiserDomains: ["example"] })))).toMatch(/^sold/);
  });

  test("has floors of its own: by duration, then by second, then plain; those of the slot are not looked at", () => {
    const slot = { floorCpmMicros: 99_000_000, floorCurrency: "USD" };
    const floors = (offer: Partial<OfferedDeal>): string =>
      saleOf(decided({ at: 3 }, { slot: { ...slot, privateAuction: true, deals: [offered(offer)] } }));
    const durationFloors = [{ minDurationMs: 20_000, maxDurationMs: 30_000, floorCpmMicros: 5_000_000 }];
    expect(floors({ floorCpmMicros: 7_000_000 })).toMatch("for 7 ");
    expect(floors({ floorCpmMicros: 7_000_000, floorCpmMicrosPerSecond: 200_000 })).toMatch("for 6 ");
    expect(floors({ floorCpmMicros: 7_000_000, floorCpmMicrosPerSecond: 200_000, durationFloors })).toMatch("for 5 ");
  });

  test("at a fixed price costs that price, however high the bid; the request says so, or else the document", () => {
    expect(saleOf(decided({}, onlyDeals({ floorCpmMicros: 6_000_000, auctionType: 3 })))).toMatch("for 6 ");
    expect(saleOf(decided({ at: 3 }, onlyDeals({ floorCpmMicros: 6_000_000 })))).toMatch("for 6 ");
    expect(saleOf(decided({ at: 3 }, onlyDeals({ floorCpmMicros: 6_000_000, auctionType: 1 })))).toMatch("for 8 ");
    expect(saleOf(decided({ at: 3, floorCpmMicros: 7_500_000 }, onlyDeals()))).toMatch("for 7.5 ");
  });

  test("that is guaranteed comes before higher bids of lower tiers, whichever side says so", () => {
    const guaranteed = { slot: { deals: [offered({ guaranteed: true })] } };
    expect(saleOf(decided({}, guaranteed))).toBe("sold for 8 by deal from null");
    expect(saleOf(decided({ guaranteed: true }, { slot: { deals: [offered()] } }))).toBe(
      "sold for 8 by deal from null",
    );
    expect(decided({}, guaranteed).explore).toBe(false);
  });

  test("that is guaranteed comes after sponsorship and among guaranteed campaigns by its bid", () => {
    const guaranteed = { slot: { deals: [offered({ guaranteed: true })] } };
    const beside = (tier: "sponsorship" | "guaranteed", bidCpmMicros: number): string =>
      saleOf(decided({}, guaranteed, [...LINES, { id: "other", campaign: { tier }, adSet: { bidCpmMicros } }]));
    expect(beside("sponsorship", 1_000_000)).toMatch(/^other/);
    expect(beside("guaranteed", 9_000_000)).toMatch(/^other/);
    expect(beside("guaranteed", 7_000_000)).toMatch(/^sold/);
  });

  test("that is guaranteed is not held back by the throttle", () => {
    const paced = { id: "sold", campaign: { pacing: "even" as const }, adSet: { bidCpmMicros: 8_000_000 } };
    const documents = [...lines(paced), dealOf({ id: "deal", adSetIds: ["sold"], guaranteed: true })];
    const roles = rolesOf();
    const never = {
      ...roles,
      throttle: (question: Parameters<typeof roles.throttle>[0]) => ({
        ...roles.throttle(question),
        answer: { chances: question.proposals.map(() => 0) },
      }),
    };
    const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0, refusedCampaigns: [] };
    const withDeal = { ...moment, request: request(onlyDeals()) };
    const decision = decide(withDeal, { catalog: compileIndex(documents, 1) }, never, "seed");
    expect([saleOf(decision), decision.propensity]).toEqual(["sold for 8 by deal from null", 1]);
    const without = decide({ ...moment, request: request() }, { catalog: compileIndex(documents, 1) }, never, "seed");
    expect([without.winner, without.nbr]).toEqual([null, 503]);
  });

  test("whose floor is too high leaves its ad sets to the open auction", () => {
    const spec = { slot: { deals: [offered({ floorCpmMicros: 9_000_000, guaranteed: true })] } };
    expect(saleOf(decided({ adSetIds: ["open", "sold"] }, spec))).toBe("open for 10 by deal from null");
    expect(saleOf(decided({}, spec, [{ id: "sold", adSet: { bidCpmMicros: 8_000_000 } }]))).toBe(
      "sold for 8 by null from null",
    );
  });
});

describe("seats", () => {
  const seats = (own: string | null, allowed: string[] = [], blocked: string[] = []) => ({ own, allowed, blocked });

  test.each<[string, RequestSpec, string]>([
    ["ours, where it is asked for", { seats: seats("ours", ["ours", "theirs"]) }, "open for 10 by null from ours"],
    ["ours, where nobody is", { seats: seats("ours") }, "open for 10 by null from ours"],
    ["another, where ours is not asked for", { seats: seats("ours", ["theirs"]) }, "nothing"],
    ["none, where any is asked for", { seats: seats(null, ["theirs"]) }, "nothing"],
    ["ours, where it is blocked", { seats: seats("ours", [], ["ours"]) }, "nothing"],
  ])("buy in the open auction: %s", (_case, spec, sale) => {
    expect(saleOf(decided({}, spec))).toBe(sale);
  });

  test.each<[string, string[], string[], string[], string]>([
    ["the first of the document that the deal takes", ["a", "b"], ["b"], [], "from b"],
    ["the first that the request takes", ["a", "b"], [], ["b"], "from b"],
    ["our own where the document names none", [], ["ours"], [], "from ours"],
    ["nobody where the deal and the request disagree", ["a", "b"], ["a"], ["b"], "nothing"],
  ])("buy under a deal: %s", (_case, ofDocument, ofOffer, allowed, end) => {
    const spec = { ...onlyDeals({ seats: ofOffer }), seats: seats("ours", allowed) };
    expect(saleOf(decided({ seats: ofDocument }, spec))).toMatch(new RegExp(`${end}$`));
  });
});

test("of a guaranteed deal that takes some creatives of an ad set only, no other is served", () => {
  const line = {
    id: "sold",
    creatives: 2,
    adSet: { bidCpmMicros: 8_000_000, rotation: "even" as const, creatives: [{ id: "sold" }, { id: "sold-2" }] },
  };
  const documents = [...lines(line), dealOf({ id: "deal", adSetIds: ["sold"], guaranteed: true })];
  const short = documents.map((each) =>
    each.id === "sold-2" ? { ...each, document: { ...(each.document as object), durationMs: 15_000 } } : each,
  );
  const catalog = compileIndex(short, 1);
  const durationFloors = [{ minDurationMs: 20_000, maxDurationMs: 30_000, floorCpmMicros: 9_000_000 }];
  const spec = { slot: { deals: [offered({ durationFloors })] } };
  const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0, refusedCampaigns: [] };
  for (let seed = 0; seed < 20; seed++) {
    const { winner } = decide({ ...moment, request: request(spec) }, { catalog }, rolesOf(), `seed-${seed}`);
    expect([winner?.creative.id, winner?.sale.dealId]).toEqual(["sold-2", "deal"]);
  }
});
