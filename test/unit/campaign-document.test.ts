import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import { checkCampaignDocument, checkDocument } from "../../protocols/campaign/document.ts";
import { instantMs, instantText } from "../../protocols/campaign/instant.ts";
import { decode, encode } from "../../protocols/codec.ts";
import { asDocument, lines } from "../support/campaigns.ts";

const nothing = (): boolean => false;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents are broken on purpose here
const example = (): any =>
  JSON.parse(readFileSync(new URL("../../config/examples/campaigns.json", import.meta.url), "utf8"));

describe("campaign document", () => {
  test("the example campaigns have no fault", () => {
    const checked = checkCampaignDocument(example(), nothing);
    expect(checked).toMatchObject({ ok: true });
    expect(checked.ok && checked.documents.length).toBe(6 + 7 + 8 + 11 + 1);
  });

  test("all faults come at once, each with path, value and rule", () => {
    const document = example();
    document.campaigns[0].budget.dailyMicros = -1;
    document.campaigns[0].colour = "red";
    document.campaigns[1].tier = "gold";
    delete document.campaigns[2].currency;
    document.campaigns[3].endsAt = "2020-01-01T00:00:00Z";
    document.campaigns[4].timezone = "Mars/Olympus";
    document.campaigns[4].id = "no spaces";
    document.adSets[0].bidCpmMicros = 0.5;
    document.adSets[0].creatives[0].id = "unknown-creative";
    document.creatives[0].mediaFiles[0].url = "ftp://cdn.example/a.mp3";
    document.creatives[0].mediaFiles[0].mimeType = "video/mp4";
    document.creatives[1].durationMs = "30";
    document.colours = [];
    const checked = checkCampaignDocument(document, nothing);
    expect(checked.ok ? [] : checked.errors).toEqual([
      { path: "colours", value: "array of 0", rule: "unknown key" },
      { path: "campaigns[0].budget.dailyMicros", value: -1, rule: "must not be negative" },
      { path: "campaigns[0].colour", value: "red", rule: "unknown key" },
      {
        path: "campaigns[1].tier",
        value: "gold",
        rule: "must be one of sponsorship, guaranteed, standard, promo, house",
      },
      { path: "campaigns[2].currency", value: null, rule: "is required" },
      { path: "campaigns[3].endsAt", value: "2020-01-01T00:00:00Z", rule: "must be after startsAt" },
      { path: "campaigns[4].id", value: "no spaces", rule: "must match ^[A-Za-z0-9_-]{1,64}$" },
      { path: "campaigns[4].timezone", value: "Mars/Olympus", rule: "must be a time zone of the IANA database" },
      { path: "adSets[0].bidCpmMicros", value: 0.5, rule: "must be a whole number of micros" },
      { path: "adSets[0].creatives[0].id", value: "unknown-creative", rule: "must be the id of one of creatives" },
      { path: "adSets[5].campaignId", value: "speak-soon", rule: "must be the id of one of campaigns" },
      {
        path: "creatives[0].mediaFiles[0].url",
        value: "ftp://cdn.example/a.mp3",
        rule: "must be an http or https URL",
      },
      { path: "creatives[0].mediaFiles[0].mimeType", value: "video/mp4", rule: "must be an audio type, as audio/mpeg" },
      { path: "creatives[1].durationMs", value: "30", rule: "must be a whole number of milliseconds" },
    ]);
  });

  test("what is named may be in the catalog already, and any collection may be absent", () => {
    const { adSets } = asDocument(lines({ id: "a" }));
    expect(checkCampaignDocument({ adSets }, nothing)).toMatchObject({ ok: false });
    expect(checkCampaignDocument({ adSets }, (_collection, id) => id === "a")).toMatchObject({ ok: true });
    expect(checkCampaignDocument({}, nothing)).toEqual({ ok: true, documents: [] });
  });

  test("an id twice in one collection is a fault", () => {
    const document = asDocument(lines({ id: "a" }));
    document["creatives"]?.push(document["creatives"][0]);
    const checked = checkCampaignDocument(document, nothing);
    expect(checked.ok ? [] : checked.errors).toEqual([{ path: "creatives[1].id", value: "a", rule: "must be unique" }]);
  });

  test.each([null, [], "text", 7, { campaigns: {} }, { campaigns: [null, 7, []] }])(
    "%j is refused, not thrown at",
    (input) => {
      expect(checkCampaignDocument(input, nothing)).toMatchObject({ ok: false });
    },
  );

  test("the largest budget is the largest whose nanos are exact", () => {
    const campaign = (lifetimeMicros: number) => ({
      id: "a",
      advertiserId: "a",
      status: "active",
      currency: "USD",
      timezone: "US/Pacific",
      budget: { lifetimeMicros },
    });
    expect(checkDocument("campaigns", campaign(9_007_199_254_740), () => true)).toEqual([]);
    expect(checkDocument("campaigns", campaign(9_007_199_254_741), () => true)).toMatchObject([
      { path: "budget.lifetimeMicros" },
    ]);
  });

  test("a hostile document gets a bounded list of faults", () => {
    const campaigns = Array.from({ length: 5_000 }, () => ({ x: 1 }));
    const checked = checkCampaignDocument({ campaigns }, nothing);
    expect(checked.ok ? 0 : checked.errors.length).toBe(1_000);
  });
});

describe("instants", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0],
    ["2026-11-24T12:00:00Z", Date.UTC(2026, 10, 24, 12)],
    ["2024-02-29T23:59:59.123456Z", Date.UTC(2024, 1, 29, 23, 59, 59, 123)],
    ["2026-03-01T00:00:00+05:45", Date.UTC(2026, 1, 28, 18, 15)],
  ])("%s", (text, ms) => {
    expect(instantMs(text)).toBe(ms);
    expect(instantText(ms)).toBe(new Date(ms).toISOString());
  });

  test.each(["2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "soon"])(
    "%s is none",
    (text) => {
      expect(instantMs(text)).toBeNull();
    },
  );
});

test("the index is plain data: it comes out of msgpack as it went in", () => {
  const checked = checkCampaignDocument(example(), nothing);
  const index = compileIndex(checked.ok ? checked.documents : [], 7);
  expect(decode(encode(index))).toEqual(index);
});
