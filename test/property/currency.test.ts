import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { winnersOf } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import { converted, rateSnapshot } from "../../protocols/currency.ts";
import { indexOf, NOON_MS, request, type RequestSpec, rolesOf } from "../support/campaigns.ts";

/** Currencies of 2, 0 and 3 minor digits. */
const PER_DOLLAR = { EUR: 0.92, JPY: 151.37, KWD: 0.3071, GBP: 0.79 };
const RATES = rateSnapshot(PER_DOLLAR);
const CURRENCIES = ["USD", ...Object.keys(PER_DOLLAR)];
const perDollar = (currency: string): number =>
  currency === "USD" ? 1 : PER_DOLLAR[currency as keyof typeof PER_DOLLAR];

const currencyOf = fc.constantFrom(...CURRENCIES);
const microsOf = fc.integer({ min: 0, max: 9_007_199_254_740 });

describe("C1: conversion", () => {
  test("there and back again never gains, and loses less than a unit of the coarser of the two", () => {
    fc.assert(
      fc.property(microsOf, currencyOf, currencyOf, (micros, from, to) => {
        const there = converted(micros, from, to, RATES, "down") ?? Number.NaN;
        const back = converted(there, to, from, RATES, "down") ?? Number.NaN;
        if (there === Number.MAX_SAFE_INTEGER) return;
        expect(back).toBeLessThanOrEqual(micros);
        expect(micros - back).toBeLessThanOrEqual(Math.ceil(perDollar(from) / perDollar(to)) + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is exact but for one rounding, down or up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), currencyOf, currencyOf, (micros, from, to) => {
        const exact = (micros * perDollar(to)) / perDollar(from);
        const down = converted(micros, from, to, RATES, "down") ?? Number.NaN;
        const up = converted(micros, from, to, RATES, "up") ?? Number.NaN;
        expect(down).toBeLessThanOrEqual(exact * (1 + 1e-9));
        expect(up).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(up - down).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });

  test("needs rates of both, and none between a currency and itself", () => {
    expect(converted(7, "EUR", "EUR", null, "down")).toBe(7);
    expect(converted(7, "EUR", "USD", null, "down")).toBeNull();
    expect(converted(7, "EUR", "CHF", RATES, "down")).toBeNull();
    expect(converted(7, "constructor", "USD", RATES, "down")).toBeNull();
    expect(rateSnapshot({})).toBeNull();
  });

  test("snapshots of other rates have another name, those of the same rates the same", () => {
    expect(rateSnapshot({ JPY: 151.37, EUR: 0.92 })?.id).toBe(rateSnapshot({ EUR: 0.92, JPY: 151.37 })?.id);
    expect(rateSnapshot({ EUR: 0.93 })?.id).not.toBe(rateSnapshot({ EUR: 0.92 })?.id);
  });
});

interface Bidder {
  readonly currency: string;
  readonly dollars: number;
}

const biddersOf = fc.array(fc.record({ currency: currencyOf, dollars: fc.integer({ min: 1, max: 30 }) }), {
  minLength: 1,
  maxLength: 12,
});

const bidMicros = ({ currency, dollars }: Bidder): number => Math.round(dollars * 1_000_000 * perDollar(currency));

function decided(bidders: readonly Bidder[], spec: RequestSpec, rates = RATES) {
  const catalog = indexOf(
    ...bidders.map((bidder, at) => ({
      id: `c${at}`,
      campaign: { currency: bidder.currency },
      adSet: { bidCpmMicros: bidMicros(bidder) },
      creative: { mediaFiles: [{ url: `https://cdn.example/${at}`, mimeType: "audio/mpeg" }] },
    })),
  );
  const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0, refusedCampaigns: [] };
  return decide({ ...moment, request: request(spec), rates }, { catalog }, rolesOf(), "seed");
}

test("C1, A1, A3: bids of all currencies compete by what they are worth; the winner pays its bid in its own, the answer is in one", () => {
  let foreign = 0;
  fc.assert(
    fc.property(
      biddersOf,
      currencyOf,
      currencyOf,
      fc.integer({ min: 0, max: 20 }),
      (bidders, cur, floorCurrency, floorDollars) => {
        const floorCpmMicros = Math.round(floorDollars * 1_000_000 * perDollar(floorCurrency));
        const { winner } = decided(bidders, { currencies: [cur], slot: { floorCpmMicros, floorCurrency } });
        const best = Math.max(...bidders.map(({ dollars }) => dollars));
        // A bid of exactly the floor may fall below it by the rounding.
        if (best > floorDollars) expect(winner).not.toBeNull();
        if (best < floorDollars) expect(winner).toBeNull();
        if (winner === null) return;
        const bidder = bidders[Number(winner.adSet.id.slice(1))];
        expect(bidder?.dollars).toBe(best);
        expect(winner.sale.currency).toBe(cur);
        expect(winner.sale.costNanos).toBe(winner.adSet.bidCpmMicros);
        expect(winner.sale.priceCpmMicros).toBeGreaterThanOrEqual(winner.sale.floorCpmMicros);
        const worth = converted(winner.adSet.bidCpmMicros, winner.adSet.currency, cur, RATES, "down");
        expect(winner.sale.priceCpmMicros).toBe(worth);
        if (winner.adSet.currency !== cur) foreign += 1;
      },
    ),
    { numRuns: 500 },
  );
  expect(foreign).toBeGreaterThan(100);
});

test("in a pod too the best of all currencies are heard", () => {
  fc.assert(
    fc.property(biddersOf, currencyOf, (bidders, cur) => {
      const pod = { id: "p", sequence: 0, position: 0, adsMax: 3 };
      const ads = winnersOf(decided(bidders, { currencies: [cur], slot: { pod } }));
      const dollars = ads.map(({ adSet }) => bidders[Number(adSet.id.slice(1))]?.dollars ?? 0);
      const best = bidders.map((bidder) => bidder.dollars).sort((one, other) => other - one);
      expect([...dollars].sort((one, other) => other - one)).toEqual(best.slice(0, 3));
      for (const { sale, adSet } of ads) expect([sale.currency, sale.costNanos]).toEqual([cur, adSet.bidCpmMicros]);
    }),
    { numRuns: 200 },
  );
});

test("without rates campaigns are bid in their own currency only", () => {
  const bidders = [
    { currency: "EUR", dollars: 9 },
    { currency: "USD", dollars: 5 },
  ];
  expect(decided(bidders, { currencies: ["USD"] }, null).winner?.adSet.currency).toBe("USD");
  expect(decided(bidders, { currencies: ["EUR", "USD"] }, null).winner?.adSet.currency).toBe("EUR");
  expect(decided(bidders, { currencies: ["JPY"] }, null)).toMatchObject({ winner: null, nbr: 501 });
  expect(decided(bidders, { currencies: ["JPY"] }).winner?.sale).toMatchObject({ currency: "JPY" });
});

test("a fixed price comes back to the campaign's currency rounded up, and never above its bid", () => {
  fc.assert(
    fc.property(currencyOf, currencyOf, fc.integer({ min: 1, max: 9_999_999 }), (own, cur, priceMicros) => {
      const deal = { id: "deal", floorCpmMicros: priceMicros, floorCurrency: cur, auctionType: 3 };
      const offered = { ...deal, advertiserDomains: [], guaranteed: false, seats: [] };
      const catalog = indexOf({
        id: "a",
        campaign: { currency: own },
        adSet: { bidCpmMicros: bidMicros({ currency: own, dollars: 1_000 }) },
      });
      const withDeal = {
        ...catalog,
        deals: [{ id: "deal", adSets: [0], floorCpmMicros: 0, auctionType: null, guaranteed: false, seats: [] }],
      };
      const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax: 0, refusedCampaigns: [] };
      const asked = request({ currencies: [cur], slot: { privateAuction: true, deals: [offered] } });
      const { winner } = decide({ ...moment, request: asked, rates: RATES }, { catalog: withDeal }, rolesOf(), "s");
      expect(winner?.sale.priceCpmMicros).toBe(priceMicros);
      expect(winner?.sale.costNanos).toBe(converted(priceMicros, cur, own, RATES, "up"));
      expect(winner?.sale.costNanos).toBeLessThanOrEqual(winner?.adSet.bidCpmMicros ?? 0);
    }),
    { numRuns: 300 },
  );
});
