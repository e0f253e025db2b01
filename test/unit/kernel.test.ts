import { describe, expect, test } from "vitest";
import type { Decision, Roles } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import type { CatalogIndex } from "../../protocols/catalog-index.ts";
import type { AudioSlot } from "../../protocols/messages/listener.ts";
import { EVERY_CATEGORY } from "../../protocols/openrtb/categories.ts";
import { ROLES } from "../../protocols/roles.ts";
import { indexOf, NOON_MS, request, type RequestSpec, rolesOf } from "../support/campaigns.ts";

const HOUR_MS = 3_600_000;

function decided(
  catalog: CatalogIndex,
  spec: RequestSpec = {},
  { roles = rolesOf(), seed = "seed", nowMs = NOON_MS }: { roles?: Roles; seed?: string; nowMs?: number } = {},
): Decision {
  const inputs = {
    nowMs,
    request: request(spec),
    sessionStartedMs: nowMs,
    recent: 1,
    upliftMax: 0,
    refusedCampaigns: [],
  };
  return decide(inputs, { catalog }, roles, seed);
}

const won = (decision: Decision): string | undefined => decision.winner?.adSet.id;

describe("choice", () => {
  test("the highest bid of the highest tier wins and pays what it bid", () => {
    const catalog = indexOf(
      { id: "low", adSet: { bidCpmMicros: 2_000_000 } },
      { id: "high", adSet: { bidCpmMicros: 9_000_000 } },
      { id: "promo", campaign: { tier: "promo" }, adSet: { bidCpmMicros: 90_000_000 } },
    );
    const { winner, propensity, candidates } = decided(catalog);
    expect(winner?.adSet.id).toBe("high");
    expect(winner?.sale.priceCpmMicros).toBe(9_000_000);
    expect(propensity).toBe(1);
    expect(candidates[0]).toMatchObject({
      campaignId: "high",
      proposedBy: "audience",
      vetoes: [],
      scoreNanos: 9_000_000,
    });
  });

  test("a bid of nothing is no ad", () => {
    const decision = decided(indexOf({ id: "free", adSet: { bidCpmMicros: 0 } }));
    expect(decision.winner).toBeNull();
    expect(decision.nbr).toBe(501);
  });

  test("equal bids are drawn evenly, and the propensity says how", () => {
    const catalog = indexOf({ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" });
    const wins = new Map<string, number>();
    const draws = 8_000;
    for (let at = 0; at < draws; at++) {
      const decision = decided(catalog, {}, { seed: `decision-${at}` });
      expect(decision.propensity).toBe(0.25);
      wins.set(won(decision) ?? "", (wins.get(won(decision) ?? "") ?? 0) + 1);
    }
    // χ² with 3 degrees of freedom: 16.3 is exceeded once in a thousand.
    const chiSquare = [...wins.values()].reduce((sum, count) => sum + (count - draws / 4) ** 2 / (draws / 4), 0);
    expect(wins.size).toBe(4);
    expect(chiSquare).toBeLessThan(16.3);
  });

  test("a tie that is longer than the first wave is drawn whole", () => {
    const catalog = indexOf(...Array.from({ length: 30 }, (_, at) => ({ id: `c${at}` })));
    const decisions = Array.from({ length: 600 }, (_, at) => decided(catalog, {}, { seed: `decision-${at}` }));
    expect(new Set(decisions.map(({ propensity }) => propensity))).toEqual(new Set([1 / 30]));
    expect(new Set(decisions.map(won)).size).toBe(30);
  });

  test("creatives are drawn by weight, and the mean of 1 / propensity over a creative's share is 1", () => {
    const catalog = indexOf({
      id: "a",
      creatives: 2,
      adSet: {
        rotation: "weighted",
        creatives: [
          { id: "a", weight: 3 },
          { id: "a-2", weight: 1 },
        ],
      },
    });
    const draws = 8_000;
    let heavy = 0;
    let inverse = 0;
    for (let at = 0; at < draws; at++) {
      const decision = decided(catalog, {}, { seed: `decision-${at}` });
      if (decision.winner?.creative.id === "a") heavy += 1;
      inverse += 1 / decision.propensity / 2;
    }
    expect(heavy / draws).toBeGreaterThan(0.73);
    expect(heavy / draws).toBeLessThan(0.77);
    expect(inverse / draws).toBeGreaterThan(0.95);
    expect(inverse / draws).toBeLessThan(1.05);
  });

  test("optimised rotation falls back to weights, and the record says so", () => {
    const one = decided(indexOf({ id: "a", adSet: { rotation: "optimised" } }));
    expect(one.roles.find(({ role }) => role === "creative")?.default).toBeUndefined();
    const two = indexOf({
      id: "a",
      creatives: 2,
      adSet: { rotation: "optimised", creatives: [{ id: "a" }, { id: "a-2" }] },
    });
    expect(decided(two).roles.find(({ role }) => role === "creative")?.default).toBe("optimised: weighted");
  });

  test("a winner near the top leaves the rest unlooked at, and the record says how many", () => {
    const specs = Array.from({ length: 500 }, (_, at) => ({ id: `c${at}`, adSet: { bidCpmMicros: 1_000_000 + at } }));
    const decision = decided(indexOf(...specs));
    expect(won(decision)).toBe("c499");
    expect(decision.proposed).toBe(500);
    expect(decision.considered).toBeLessThan(10);
  });
});

describe("the listener's time", () => {
  const catalog = indexOf({
    id: "a",
    adSet: { rotation: "even", creatives: [{ id: "a" }, { id: "short" }] },
  });
  const both = {
    ...catalog,
    creatives: catalog.creatives.flatMap((creative) => [
      creative,
      { ...creative, ordinal: 1, id: "short", durationMs: 15_000 },
    ]),
    adSets: catalog.adSets.map((adSet) => ({ ...adSet, creatives: [0, 1], weights: [1, 1] })),
  };
  const tired = (nanosPerSecond: number, seed = "seed"): Decision => {
    const plain = rolesOf();
    const roles: Roles = {
      ...plain,
      reward: (question) => ({ ...plain.reward(question), answer: { nanosPerSecond, why: "tired" } }),
    };
    return decided(both, {}, { roles, seed });
  };
  const heard = (nanosPerSecond: number): Set<string | undefined> =>
    new Set(Array.from({ length: 40 }, (_, at) => tired(nanosPerSecond, `s${at}`).winner?.creative.id));

  test("costs nothing to a rested one: the rotation decides", () => {
    expect(heard(0)).toEqual(new Set(["a", "short"]));
    expect(tired(0).propensity).toBe(0.5);
  });

  test("makes the long creative not worth it: only the short one is played, at full price", () => {
    expect(heard(400_000)).toEqual(new Set(["short"]));
    const decision = tired(400_000);
    expect(decision).toMatchObject({ propensity: 1, winner: { sale: { priceCpmMicros: 10_000_000 } } });
    expect(decision.candidates[0]?.terms).toContainEqual({ role: "reward", nanos: -6_000_000, why: "tired" });
  });

  test("is dearer than any ad: nothing is played, for that reason", () => {
    expect(tired(700_000)).toMatchObject({ winner: null, nbr: 506, vetoCounts: { "reward/listener-cost": 1 } });
  });
});

describe("traffic quality", () => {
  const catalog = indexOf({ id: "a" }, { id: "h", campaign: { tier: "house" }, adSet: { bidCpmMicros: 1_000_000 } });

  test("refuses a bot without looking at any campaign", () => {
    const decision = decided(catalog, { traffic: { client: "bot", datacenter: false } });
    expect(decision).toMatchObject({ winner: null, nbr: 3, considered: 0, vetoCounts: { "quality/bot": 1 } });
  });

  test("lets a doubtful caller have house ads only", () => {
    const plain = rolesOf();
    const answer = { verdict: "house", reason: "library", rule: "no library" } as const;
    const roles: Roles = { ...plain, quality: (question) => ({ ...plain.quality(question), answer }) };
    const decision = decided(catalog, {}, { roles });
    expect(won(decision)).toBe("h");
    expect(decision.vetoCounts).toEqual({ "quality/library": 1 });
  });
});

describe("hard rules", () => {
  const reasonOf = (spec: RequestSpec, line: Parameters<typeof indexOf>[0], nowMs = NOON_MS): string => {
    const decision = decided(indexOf(line), spec, { nowMs });
    return decision.winner === null ? (Object.keys(decision.vetoCounts)[0] ?? "unreached") : "served";
  };

  test.each<[string, RequestSpec, Parameters<typeof indexOf>[0], string]>([
    [
      "a country that is not targeted",
      { context: { country: "FRA" } },
      { id: "a", adSet: { targeting: { countries: ["DEU"] } } },
      "unreached",
    ],
    [
      "a genre spelled otherwise",
      { context: { genres: ["jazz", "rock"] } },
      { id: "a", adSet: { targeting: { genres: ["Rock"] } } },
      "served",
    ],
    ["an unknown platform", {}, { id: "a", adSet: { targeting: { platforms: ["mobile"] } } }, "unreached"],
    ["an empty list", { context: { country: "FRA" } }, { id: "a", adSet: { targeting: { countries: [] } } }, "served"],
    ["a flight to come", {}, { id: "a", campaign: { startsAt: "2026-11-24T12:00:00.001Z" } }, "kernel/flight"],
    ["a flight that begins now", {}, { id: "a", campaign: { startsAt: "2026-11-24T12:00:00Z" } }, "served"],
    ["a flight that ends now", {}, { id: "a", campaign: { endsAt: "2026-11-24T12:00:00Z" } }, "kernel/flight"],
    ["a paused campaign", {}, { id: "a", campaign: { status: "paused" } }, "unreached"],
    ["another currency", {}, { id: "a", campaign: { currency: "EUR" } }, "kernel/currency"],
    ["a floor above the bid", { slot: { floorCpmMicros: 10_000_001 } }, { id: "a" }, "kernel/floor"],
    ["a floor at the bid", { slot: { floorCpmMicros: 10_000_000 } }, { id: "a" }, "served"],
    [
      "a floor of its duration",
      { slot: { durationFloors: [{ minDurationMs: 20_000, maxDurationMs: 30_000, floorCpmMicros: 11_000_000 }] } },
      { id: "a" },
      "kernel/floor",
    ],
    ["a floor by the second", { slot: { floorCpmMicrosPerSecond: 333_334 } }, { id: "a" }, "kernel/floor"],
    ["an ad too long", { slot: { maxDurationMs: 29_999 } }, { id: "a" }, "kernel/duration"],
    [
      "an exact duration that overrides the bounds",
      { slot: { maxDurationMs: 15_000, requiredDurationsMs: [30_000] } },
      { id: "a" },
      "served",
    ],
    ["an exact duration missed", { slot: { requiredDurationsMs: [15_000] } }, { id: "a" }, "kernel/duration"],
    ["a media type", { slot: { mimes: ["audio/ogg"] } }, { id: "a" }, "kernel/mime"],
    ["a media type by another name", { slot: { mimes: ["audio/mp3"] } }, { id: "a" }, "served"],
    ["a media type in capitals", { slot: { mimes: ["Audio/MPEG"] } }, { id: "a" }, "served"],
    ["a bitrate too high", { slot: { maxBitrateKbps: 96 } }, { id: "a" }, "kernel/bitrate"],
    [
      "media over http",
      { slot: { secure: true } },
      { id: "a", creative: { mediaFiles: [{ url: "http://cdn.example/a.mp3", mimeType: "audio/mpeg" }] } },
      "kernel/secure",
    ],
    [
      "a blocked tier-1 category",
      { blockedCategories: ["IAB17"] },
      { id: "a", creative: { categories: ["IAB17-3"] } },
      "kernel/category",
    ],
    [
      "a category that only begins alike",
      { blockedCategories: ["IAB1"] },
      { id: "a", creative: { categories: ["IAB17-3"] } },
      "served",
    ],
    [
      "a category that is not allowed",
      { allowedCategories: ["IAB1"] },
      { id: "a", creative: { categories: ["IAB1-6", "IAB2"] } },
      "kernel/category",
    ],
    [
      "a blocked domain above",
      { blockedAdvertiserDomains: ["Shop.example"] },
      { id: "a", domain: "www.shop.example" },
      "kernel/advertiser-domain",
    ],
    [
      "a domain that only ends alike",
      { blockedAdvertiserDomains: ["op.example"] },
      { id: "a", domain: "shop.example" },
      "served",
    ],
    [
      "a blocked attribute",
      { slot: { blockedAttributes: [2, 14] } },
      { id: "a", creative: { attributes: [14] } },
      "kernel/attribute",
    ],
    [
      "a language that is not allowed",
      { allowedLanguages: ["en"] },
      { id: "a", creative: { languages: ["de"] } },
      "kernel/language",
    ],
    ["no language named", { allowedLanguages: ["en"] }, { id: "a" }, "served"],
    [
      "beer for children",
      { capabilities: { childSafe: true } },
      { id: "a", creative: { categories: ["IAB8-5"] } },
      "kernel/child-safety",
    ],
    ["an uncategorised ad for children", { capabilities: { childSafe: true } }, { id: "a" }, "kernel/child-safety"],
    [
      "books for children",
      { capabilities: { childSafe: true } },
      { id: "a", creative: { categories: ["IAB1-1"] } },
      "served",
    ],
  ])("%s", (_name, spec, line, expected) => {
    expect(reasonOf(spec, line)).toBe(expected);
  });

  test("a genre spelled like a property of every object is a genre like any other", () => {
    const line = { id: "a", adSet: { targeting: { genres: ["__proto__", "constructor"] } } };
    expect(reasonOf({ context: { genres: ["__proto__"] } }, line)).toBe("served");
    expect(reasonOf({ context: { genres: ["toString"] } }, line)).toBe("unreached");
  });

  test("a daypart is the listener's own, ends where it says and runs over midnight", () => {
    const evenings = { id: "a", adSet: { targeting: { dayparts: [{ days: [7], from: "22:00", to: "02:00" }] } } };
    const at = (hourOfWeek: number): string => reasonOf({ context: { hourOfWeek } }, evenings);
    expect(at(6 * 24 + 21)).toBe("kernel/daypart");
    expect(at(6 * 24 + 22)).toBe("served");
    expect(at(1)).toBe("served"); // Monday 01:00
    expect(at(2)).toBe("kernel/daypart");
    expect(reasonOf({}, evenings)).toBe("kernel/daypart");
  });

  test("half hours at the edges of a daypart are not served", () => {
    const line = { id: "a", adSet: { targeting: { dayparts: [{ days: [1], from: "06:30", to: "08:30" }] } } };
    const hours = [6, 7, 8].map((hourOfWeek) => reasonOf({ context: { hourOfWeek } }, line));
    expect(hours).toEqual(["kernel/daypart", "served", "kernel/daypart"]);
  });

  test("only those companions are served that the player has a place for", () => {
    const companion = (widthPixels: number, scheme = "https") => ({
      url: `${scheme}://cdn.example/${widthPixels}.png`,
      mimeType: "image/png",
      widthPixels,
      heightPixels: 250,
    });
    const line = { id: "a", creative: { companions: [companion(300), companion(320), companion(250, "http")] } };
    const shown = (slot: Partial<AudioSlot>): number[] =>
      decided(indexOf(line), { slot }).winner?.companions.map(({ widthPixels }) => widthPixels) ?? [];
    const companions = [300, 250, 728].map((widthPixels) => ({ widthPixels, heightPixels: 250 }));
    expect(shown({ companions })).toEqual([300, 250]);
    expect(shown({ companions, secure: true })).toEqual([300]);
    expect(shown({})).toEqual([]);
  });

  test("a blocklist that cannot be read blocks all", () => {
    const { winner, vetoCounts, nbr } = decided(indexOf({ id: "a" }), { blockedCategories: [EVERY_CATEGORY] });
    expect([winner, vetoCounts, nbr]).toEqual([null, { "kernel/category": 1 }, 501]);
  });

  test("only those media files are served that the slot takes", () => {
    const mediaFiles = [
      { url: "http://cdn.example/a.mp3", mimeType: "audio/mpeg", bitrateKbps: 128 },
      { url: "https://cdn.example/a.mp3", mimeType: "audio/mpeg", bitrateKbps: 320 },
      { url: "https://cdn.example/b.mp3", mimeType: "audio/mpeg", bitrateKbps: 128 },
    ];
    const { winner } = decided(indexOf({ id: "a", creative: { mediaFiles } }), {
      slot: { secure: true, maxBitrateKbps: 192 },
    });
    expect(winner?.mediaFiles.map(({ url }) => url)).toEqual(["https://cdn.example/b.mp3"]);
  });
});

describe("roles", () => {
  test("what the account cannot pay is not decided, and the next best is", () => {
    const catalog = indexOf({ id: "dry", adSet: { bidCpmMicros: 20_000_000 } }, { id: "paid" });
    const roles = rolesOf({ freeNanos: (adSet) => (adSet.campaignId === "dry" ? 19_999_999 : 10_000_000) });
    const decision = decided(catalog, {}, { roles });
    expect(won(decision)).toBe("paid");
    expect(decision.vetoCounts).toEqual({ "pacing/budget": 1 });
    expect(decided(indexOf({ id: "dry" }), {}, { roles: rolesOf({ freeNanos: () => 0 }) }).nbr).toBe(502);
  });

  test("a safety role that failed closed vetoes everything, and the record says that it failed", () => {
    const catalog = indexOf({ id: "a" });
    const failing = { role: "frequency", variant: "default", version: "1", outcome: "failed", micros: 1 } as const;
    const closed = decided(
      catalog,
      {},
      {
        roles: {
          ...rolesOf(),
          frequency: ({ proposals }) => ({
            ...failing,
            answer: { vetoes: proposals.map((_, proposal) => ({ proposal, reason: "unavailable", rule: "answers" })) },
          }),
        },
      },
    );
    expect(closed.winner).toBeNull();
    expect(closed.vetoCounts).toEqual({ "frequency/unavailable": 1 });
    expect(closed.roles.find(({ role }) => role === "frequency")?.outcome).toBe("failed");
  });

  test("roles that are asked in several waves have one row each", () => {
    const specs = Array.from({ length: 100 }, (_, at) => ({ id: `c${at}`, adSet: { bidCpmMicros: 1_000_000 + at } }));
    const roles = rolesOf({ freeNanos: (adSet) => (adSet.id === "c0" ? 1_000_000 : 0) });
    const decision = decided(indexOf(...specs), {}, { roles });
    expect(won(decision)).toBe("c0");
    expect(decision.roles.map(({ role }) => role)).toEqual(ROLES);
    expect(decision.vetoCounts).toEqual({ "pacing/budget": 99 });
    expect(decision.candidates).toHaveLength(12);
  });

  test("a session cap of an hour ago does not bind a new session", () => {
    const catalog = indexOf({ id: "a", campaign: { frequencyCaps: [{ limit: 1, kind: "session" }] } });
    const heard = { pending: [], heard: [{ campaignId: "a", atMs: [NOON_MS - HOUR_MS] }] };
    expect(won(decided(catalog, {}, { roles: rolesOf({ frequency: heard }) }))).toBe("a");
  });
});
