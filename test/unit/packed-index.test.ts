import { expect, test } from "vitest";
import { openIndex, packIndex } from "../../protocols/packed-index.ts";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import { dealOf, indexOf, lines } from "../support/campaigns.ts";

const index = indexOf(
  { id: "spring", adSet: { targeting: { countries: ["DEU"], genres: ["constructor", "Jazz"] } } },
  { id: "sommer", creatives: 3, campaign: { name: "Sommer ☀", tier: "house" } },
);

test("what shards open is what was compiled", () => {
  const opened = openIndex(packIndex(index));
  expect({ version: opened.version, targeting: opened.targeting }).toEqual({
    version: index.version,
    targeting: index.targeting,
  });
  expect([opened.adSets.length, opened.creatives.length]).toEqual([2, 4]);
  expect(index.adSets.map(({ ordinal }) => opened.adSets.at(ordinal))).toEqual(index.adSets);
  expect(index.creatives.map(({ ordinal }) => opened.creatives.at(ordinal))).toEqual(index.creatives);
});

test("deals name the ad sets that may be served, by ordinal", () => {
  const documents = [
    ...lines(
      { id: "low", adSet: { bidCpmMicros: 1 } },
      { id: "high" },
      { id: "paused", campaign: { status: "paused" } },
    ),
    dealOf({ id: "b", adSetIds: ["low", "paused", "high"], floorCpmMicros: 5, at: 3, guaranteed: true, seats: ["s"] }),
    dealOf({ id: "a", adSetIds: [] }),
  ];
  const compiled = compileIndex(documents, 1);
  const { deals } = openIndex(packIndex(compiled));
  expect(deals).toEqual(compiled.deals);
  expect(deals).toEqual([
    { id: "a", adSets: [], floorCpmMicros: 0, auctionType: null, guaranteed: false, seats: [] },
    { id: "b", adSets: [0, 1], floorCpmMicros: 5, auctionType: 3, guaranteed: true, seats: ["s"] },
  ]);
});

test("there is nothing outside of it", () => {
  const { adSets, creatives } = openIndex(packIndex(index));
  expect([adSets.at(2), adSets.at(-1), adSets.at(0.5), creatives.at(4), creatives.at(Number.NaN)]).toEqual(
    new Array(5).fill(undefined),
  );
  expect(openIndex(packIndex(indexOf())).adSets).toMatchObject({ length: 0 });
});

test("an entry is decoded once: whoever looks again sees the same object", () => {
  const { adSets } = openIndex(packIndex(index));
  expect(adSets.at(1)).toBe(adSets.at(1));
});
