import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseBidRequest } from "../../protocols/openrtb/request.ts";
import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";

const AUDIO = { mimes: ["audio/mpeg"] };
const MINIMAL = { id: "r1", imp: [{ id: "1", audio: AUDIO }] };

function parsed(json: unknown): BidRequest {
  const result = parseBidRequest(json);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.request;
}

function faults(json: unknown): readonly string[] {
  const result = parseBidRequest(json);
  return result.ok ? [] : result.errors.map(({ path, rule }) => `${path} ${rule}`);
}

describe("what is a 400", () => {
  test.each([
    ["null", null, [" must be a JSON object"]],
    ["an array", [], [" must be a JSON object"]],
    ["an empty object", {}, ["id is required", "imp must be a non-empty array"]],
    ["an empty id", { ...MINIMAL, id: "" }, ["id must not be empty"]],
    ["a number as id", { ...MINIMAL, id: 7 }, ["id must be a string"]],
    ["no imp", { id: "r" }, ["imp must be a non-empty array"]],
    ["an empty imp", { id: "r", imp: [] }, ["imp must be a non-empty array"]],
    ["an imp that is an object", { id: "r", imp: {} }, ["imp must be an array"]],
    ["an imp that is a number", { id: "r", imp: [3] }, ["imp[0] must be an object"]],
    ["an imp without id", { id: "r", imp: [{ audio: AUDIO }] }, ["imp[0].id is required"]],
    ["a repeated imp id", { id: "r", imp: [{ id: "1" }, { id: "1" }] }, ["imp[1].id must be unique among imps"]],
    ["site and app", { ...MINIMAL, site: {}, app: {} }, ["app must not stand beside site"]],
    ["a negative tmax", { ...MINIMAL, tmax: -2 }, ["tmax must not be negative"]],
    ["an infinite tmax", JSON.parse('{"id":"r","imp":[{"id":"1"}],"tmax":1e999}'), ["tmax must be a number"]],
    ["a wrong type in a list", { ...MINIMAL, bcat: ["a", 3] }, ["bcat[1] must be a string"]],
    ["a boolean flag", { ...MINIMAL, regs: { coppa: true } }, ["regs.coppa must be a number"]],
    [
      "a consent that is a number",
      { ...MINIMAL, user: { ext: { consent: 2 } } },
      ["user.ext.consent must be a string"],
    ],
    ["regs.ext that is a text", { ...MINIMAL, regs: { ext: "x" } }, ["regs.ext must be an object"]],
    [
      "negative durations and floors",
      { id: "r", imp: [{ id: "1", bidfloor: -1, audio: { ...AUDIO, minduration: -5, rqddurs: [30, -1] } }] },
      [
        "imp[0].bidfloor must not be negative",
        "imp[0].audio.minduration must not be negative",
        "imp[0].audio.rqddurs[1] must not be negative",
      ],
    ],
    [
      "more imps than are read",
      { id: "r", imp: Array.from({ length: 101 }, (_, i) => ({ id: `${i}` })) },
      ["imp must have at most 100 elements"],
    ],
  ])("%s", (_name, json, expected) => {
    expect([...faults(json)].sort()).toEqual([...expected].sort());
  });

  test("all faults are named at once, with a shortened value", () => {
    const result = parseBidRequest({
      id: 1,
      imp: [{ id: "1", audio: "a" }],
      device: { ua: 5, geo: [] },
      tmax: "x".repeat(500),
    });
    expect(result).toMatchObject({ ok: false });
    if (result.ok) return;
    expect(result.errors.map(({ path }) => path).sort()).toEqual([
      "device.geo",
      "device.ua",
      "id",
      "imp[0].audio",
      "tmax",
    ]);
    expect(String(result.errors.find(({ path }) => path === "tmax")?.value).length).toBeLessThan(70);
  });
});

test.each([
  { regs: { coppa: "1" } },
  { regs: { gdpr: true } },
  { regs: { gdpr: "1" } },
  { regs: { us_privacy: ["1YYN"] } },
  { regs: { gpp: 7 } },
  { regs: { gpp_sid: "7" } },
  { regs: { gpp_sid: ["7"] } },
  { regs: { ext: { gdpr: "1" } } },
  { user: { consent: {} } },
  { user: { ext: { consent: 1 } } },
  { device: { lmt: true } },
  { device: { dnt: "1" } },
])("a consent signal of a wrong type is a 400, never taken for absent: %j", (fields) => {
  const result = parseBidRequest({ ...MINIMAL, ...fields });
  expect(result.ok ? [] : result.errors.map(({ path }) => path.split(".")[0])).toEqual(Object.keys(fields));
});

describe("what is tolerated", () => {
  test("unknown fields of any depth and type are not looked at", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level += 1) deep = [deep];
    const json = {
      ...MINIMAL,
      ext: { deep },
      source: 7,
      imp: [{ id: "1", banner: "?", audio: { ...AUDIO, zzz: deep } }],
    };
    expect(parsed(json).imps).toHaveLength(1);
  });

  test("null is the same as absent", () => {
    const request = parsed({
      ...MINIMAL,
      at: null,
      site: null,
      app: {},
      user: null,
      bcat: null,
      device: { geo: null },
    });
    expect(request).toMatchObject({ auctionType: 2, blockedCategories: [], inventory: { kind: "app" } });
  });

  test("of an impression without audio only the id is read", () => {
    expect(parsed({ id: "r", imp: [{ id: "b", banner: {}, bidfloor: "free" }] }).imps[0]).toMatchObject({
      id: "b",
      audio: undefined,
    });
  });

  test("unknown codes and neither site nor app are decided as usual", () => {
    expect(parsed({ ...MINIMAL, at: 700, device: { devicetype: 99 } })).toMatchObject({
      auctionType: 700,
      inventory: undefined,
    });
  });
});

describe("what is read", () => {
  test("an audio impression with units", () => {
    const [imp] = parsed({
      id: "r",
      imp: [
        {
          id: "1",
          bidfloor: 1.1,
          bidfloorcur: "EUR",
          secure: 1,
          exp: 900,
          ssai: 2,
          rwdd: 1,
          pmp: {
            private_auction: 1,
            deals: [{ id: "d", bidfloor: 15, at: 3, wseat: ["s"], guar: 1, mincpmpersec: 0.5 }, {}],
          },
          audio: {
            mimes: ["audio/mpeg", "audio/ogg"],
            minduration: 5,
            maxduration: 30,
            startdelay: -1,
            feed: 3,
            stitched: 1,
            protocols: [2, 7, 13],
            battr: [1],
            durfloors: [{ mindur: 1, maxdur: 15, bidfloor: 5 }],
            companionad: [{ id: "c", w: 300, h: 250, format: [{ w: 640, h: 640 }] }],
          },
        },
      ],
    }).imps;
    expect(imp).toMatchObject({
      floorCpmMicros: 1_100_000,
      floorCurrency: "EUR",
      secure: true,
      expirySeconds: 900,
      serverSideInsertion: 2,
      rewarded: true,
      privateAuction: true,
      deals: [
        {
          id: "d",
          floorCpmMicros: 15_000_000,
          floorCurrency: "USD",
          auctionType: 3,
          guaranteed: true,
          minCpmMicrosPerSecond: 500_000,
        },
      ],
      audio: {
        minDurationSeconds: 5,
        maxDurationSeconds: 30,
        startDelaySeconds: -1,
        feed: 3,
        stitched: true,
        durationFloors: [{ minSeconds: 1, maxSeconds: 15, floorCpmMicros: 5_000_000 }],
        companions: [
          { id: "c", widthPixels: 300, heightPixels: 250 },
          { id: "c", widthPixels: 640, heightPixels: 640 },
        ],
      },
    });
  });

  test("privacy fields at the places of 2.6 come before those of 2.5, which come before nothing", () => {
    const old = { ext: { gdpr: 1, us_privacy: "1YYN", gpp: "g", gpp_sid: [7], gpc: "1" } };
    expect(
      parsed({
        ...MINIMAL,
        regs: old,
        user: { ext: { consent: "old", eids: [{ source: "s", uids: [{ id: "e" }] }] } },
      }),
    ).toMatchObject({
      regs: { gdpr: 1, usPrivacy: "1YYN", gpp: "g", gppSections: [7], globalPrivacyControl: true },
      user: { consent: "old", extendedIds: [{ source: "s", id: "e" }] },
    });
    expect(
      parsed({
        ...MINIMAL,
        regs: { ...old, gdpr: 0, us_privacy: "1---" },
        user: { consent: "new", ext: { consent: "old" } },
      }),
    ).toMatchObject({
      regs: { gdpr: 0, usPrivacy: "1---" },
      user: { consent: "new" },
    });
  });

  test("any gpc that does not say no is Global Privacy Control", () => {
    const read = (gpc: unknown): boolean => parsed({ ...MINIMAL, regs: { ext: { gpc } } }).regs.globalPrivacyControl;
    expect(["1", 1, true, "yes", 2, {}, ["1"]].filter((gpc) => !read(gpc))).toEqual([]);
    expect(["0", 0, false, "", null, undefined].filter(read)).toEqual([]);
  });

  test("the session is ext.sid, else user.ext.sessionid", () => {
    expect(parsed({ ...MINIMAL, ext: { sid: "a" }, user: { ext: { sessionid: "b" } } }).sessionId).toBe("a");
    expect(parsed({ ...MINIMAL, user: { ext: { sessionid: "b" } } }).sessionId).toBe("b");
    expect(parsed(MINIMAL).sessionId).toBeUndefined();
  });
});

describe("properties", () => {
  test("arbitrary JSON never throws, and is a request or a list of faults", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const result = parseBidRequest(json);
        expect(result.ok || result.errors.length > 0).toBe(true);
      }),
    );
  });

  test("any value in any place that is read never throws", () => {
    const places = [
      "id",
      "imp",
      "site",
      "app",
      "device",
      "user",
      "regs",
      "ext",
      "cur",
      "tmax",
      "test",
      "bcat",
      "audio",
      "pmp",
      "deals",
      "geo",
      "content",
      "eids",
      "uids",
      "format",
      "companionad",
      "durfloors",
      "gpp_sid",
      "mimes",
    ];
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...places), tie("node"), { maxKeys: 8 }),
      ),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...places), value, { maxKeys: 12 }), (json) => {
        const result = parseBidRequest(json);
        expect(result.ok || result.errors.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("a floor is never undercut and never more than a micro above", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (micros) => {
        const [imp] = parsed({ id: "r", imp: [{ id: "1", audio: AUDIO, bidfloor: micros / 1e6 }] }).imps;
        expect(imp?.floorCpmMicros).toBe(micros);
      }),
    );
  });
});
