import type { RestrictionType } from "@iabtechlabtcf/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONSENT_CHARS_MAX } from "../../actors/privacy/bits.ts";
import { type Capabilities, gate, type PrivacyPolicy, type PrivacySignals } from "../../actors/privacy/gate.ts";

import { vendorConsent } from "../../actors/privacy/tcf.ts";
import { readUspString } from "../../actors/privacy/us-privacy.ts";
import { ALL, CHILD, NONE } from "../support/capabilities.ts";
import { encodeTcf, type TcfDraft, TODAY } from "../support/consent-strings.ts";

const VENDOR = 755;
const POLICY: PrivacyPolicy = { gvlVendorId: VENDOR, unknownCountry: "restrict" };
const QUIET: PrivacySignals = {
  coppa: false,
  gdpr: undefined,
  usPrivacy: undefined,
  gpp: undefined,
  gppSections: [],
  globalPrivacyControl: false,
  consent: undefined,
  limitAdTracking: false,
  doNotTrack: false,
  country: "USA",
};
const CONTEXTUAL: Capabilities = { ...NONE, geo: "region" };

/** A string of today, encoded with the official library; what is not said is consented to. */
const tcf = (wish: Partial<TcfDraft> = {}): string => encodeTcf({ ...TODAY, ...wish });

const withGdpr = (consent: string, policy = POLICY): Capabilities => gate({ ...QUIET, gdpr: 1, consent }, policy);

describe("whether the GDPR applies", () => {
  test.each([
    ["gdpr 1 does, wherever", { gdpr: 1, country: "USA" }, NONE],
    ["gdpr 0 does not, also in the EEA", { gdpr: 0, country: "DEU" }, ALL],
    ["an unknown value of gdpr does", { gdpr: 7 }, NONE],
    [
      "the EU section in force does, also against gdpr 0",
      { gdpr: 0, gpp: `DBABMA~${tcf({ purposes: [] })}`, gppSections: [2] },
      NONE,
    ],
    ["without a signal Germany does", { country: "DEU" }, NONE],
    ["the United Kingdom and Norway do", { country: "gbr" }, NONE],
    ["France overseas does", { country: "REU" }, NONE],
    ["Brazil does not", { country: "BRA" }, ALL],
    ["no country does", { country: undefined }, NONE],
    ["what is no country does", { country: "ZZZ" }, NONE],
    ["two letters are no country either", { country: "US" }, NONE],
  ])("%s", (_name, signals, expected) => {
    expect(gate({ ...QUIET, ...signals }, POLICY)).toEqual(expected);
  });

  test("an unknown country is open where the config says so", () => {
    expect(gate({ ...QUIET, country: undefined }, { ...POLICY, unknownCountry: "open" })).toEqual(ALL);
  });
});

describe("TCF consent", () => {
  test.each([
    ["1 and 2: id, caps and the region", [1, 2], { ...NONE, id: true, caps: true, geo: "region" }],
    ["3 and 4: interests", [1, 2, 3, 4], { ...ALL, measure: false, learn: false }],
    ["7: measurement", [1, 2, 7], { ...ALL, profile: false, learn: false }],
    ["9 and 10: aggregates and training", [1, 2, 9, 10], { ...ALL, profile: false, measure: false }],
    [
      "one of 3 and 4, one of 9 and 10: neither",
      [1, 2, 3, 10],
      { ...ALL, profile: false, measure: false, learn: false },
    ],
    ["all but 1, storage: nothing", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], NONE],
    ["all but 2: nothing", [1, 3, 4, 5, 6, 7, 8, 9, 10, 11], NONE],
    ["none: nothing", [], NONE],
  ])("purposes %s", (_name, purposes, expected) => {
    expect(withGdpr(tcf({ purposes }))).toEqual(expected);
  });

  test("legitimate interest stands for no consent", () => {
    expect(withGdpr(tcf({ purposes: [1], interests: [2, 7, 9, 10] }))).toEqual(NONE);
    expect(withGdpr(tcf({ purposes: [1, 2], interests: [7, 9, 10] }))).toEqual({
      ...ALL,
      profile: false,
      measure: false,
      learn: false,
    });
    expect(withGdpr(tcf({ consented: [], interests: [2, 7] }))).toEqual(NONE);
  });

  test("of two strings, what both allow holds", () => {
    const both = (section: string, consent: string | undefined): Capabilities =>
      gate({ ...QUIET, gpp: `DBABMA~${section}`, gppSections: [2], consent }, POLICY);
    expect(both(tcf(), undefined)).toEqual(ALL);
    expect(both(tcf(), "")).toEqual(ALL);
    expect(both(tcf(), tcf({ purposes: [1, 2] }))).toMatchObject({ id: true, profile: false, measure: false });
    expect(both(tcf({ purposes: [1] }), tcf())).toEqual(NONE);
    expect(both(tcf(), "nonsense")).toEqual(NONE);
    expect(both("", tcf())).toEqual(NONE);
  });

  test("nothing without the vendor's own bit, or while no vendor id is configured", () => {
    expect(withGdpr(tcf({ consented: [1, 754, 756] }))).toEqual(NONE);
    expect(withGdpr(tcf(), { unknownCountry: "restrict" })).toEqual(NONE);
  });

  test("a TCF 2.3 string must have disclosed the vendor", () => {
    expect(withGdpr(tcf({ disclosed: [754] }))).toEqual(NONE);
    expect(withGdpr(tcf({ disclosed: undefined }))).toEqual(NONE);
  });

  test("an older string needs no disclosure, but one that lists vendors is believed", () => {
    const old = { policyVersion: 4, madeAtMs: Date.UTC(2025, 5, 1) };
    expect(withGdpr(tcf({ ...old, disclosed: undefined }))).toEqual(ALL);
    expect(withGdpr(tcf({ ...old, disclosed: [754] }))).toEqual(NONE);
    expect(withGdpr(tcf({ policyVersion: 4, madeAtMs: Date.UTC(2026, 2, 2), disclosed: undefined }))).toEqual(NONE);
  });

  test("publisher restrictions take purposes away, except where they ask for the consent there is", () => {
    const restricted = (type: RestrictionType, vendor = VENDOR): Capabilities =>
      withGdpr(tcf({ restrictions: [{ purpose: 2, type, vendors: [vendor] }] }));
    expect([restricted(0), restricted(1), restricted(2), restricted(0, 12)]).toEqual([NONE, ALL, NONE, ALL]);
  });

  test.each([
    "",
    ".",
    "C",
    "CPXx",
    "!!!!",
    "BONV8oqONXwgmADACHENAO7pqzAAppY",
    `${tcf().slice(0, 40)}`,
    `${tcf()}.*`,
    // What no field is read of is looked at too: the language's second letter, behind which the bits are good.
    `${tcf().slice(0, 19)}!${tcf().slice(20)}`,
    `${tcf()}.${tcf().split(".")[1] ?? ""}`,
    `${tcf()}.YAAA.YAAA.YAAA`,
    `${tcf()}.Y${"A".repeat(CONSENT_CHARS_MAX)}`,
  ])("%.80j is malformed, hence refused", (consent) => {
    expect(vendorConsent(consent, VENDOR)).toBeNull();
    expect(withGdpr(consent)).toEqual(NONE);
  });
});

describe("signals of the US", () => {
  test.each([
    ["us_privacy opts out", { usPrivacy: "1YYN" }, CONTEXTUAL],
    ["us_privacy does not", { usPrivacy: "1YNN" }, ALL],
    ["us_privacy does not apply", { usPrivacy: "1---" }, ALL],
    ["us_privacy is malformed", { usPrivacy: "1YN" }, NONE],
    ["Global Privacy Control", { globalPrivacyControl: true }, CONTEXTUAL],
    ["the national section opts out of sale", { gpp: "DBABLA~CAAQAAAAAABA.QA", gppSections: [7] }, CONTEXTUAL],
    ["the national section did not opt out", { gpp: "DBABLA~CAAgAAAAAABA.QA", gppSections: [7] }, ALL],
    ["the national section carries GPC", { gpp: "DBABLA~CAAAAAAAAABA.YA", gppSections: [7] }, CONTEXTUAL],
    ["the national section knows a child", { gpp: "DBABLA~CAAAAAAAABBA.QA", gppSections: [7] }, CHILD],
    ["California opts out of sharing", { gpp: "DBABBg~BAEAAABA.QA", gppSections: [8] }, CONTEXTUAL],
    ["Utah opts out of targeting", { gpp: "DBABFg~BABAAAQA", gppSections: [11] }, CONTEXTUAL],
    ["Rhode Island opts out of sale", { gpp: "DBABSYA~BQBA.AAA", gppSections: [27] }, CONTEXTUAL],
    ["us_privacy inside GPP opts out", { gpp: "DBABTA~1YYN", gppSections: [6] }, CONTEXTUAL],
    ["Indiana's segment of sensitive data is no GPC", { gpp: "DBABUYA~BQAA.YAA", gppSections: [25] }, ALL],
    ["a section that is not in force does not count", { gpp: "DBABLA~CAAQAAAAAABA.QA", gppSections: [-1] }, ALL],
    ["without gpp_sid all sections count", { gpp: "DBABLA~CAAQAAAAAABA.QA" }, CONTEXTUAL],
    ["while the CMP loads all sections count", { gpp: "DBABLA~CAAQAAAAAABA.QA", gppSections: [0] }, CONTEXTUAL],
    ["a section in force that is not there", { gpp: "DBABLA~CAAgAAAAAABA.QA", gppSections: [8] }, NONE],
    ["a section of another law", { gpp: "DBABLA~CAAgAAAAAABA.QA", gppSections: [5] }, NONE],
    ["a section cut short", { gpp: "DBABLA~CAAg", gppSections: [7] }, NONE],
    ["a second segment of another type", { gpp: "DBABLA~CAAgAAAAAABA.AA", gppSections: [7] }, NONE],
    ["a third segment", { gpp: "DBABLA~CAAgAAAAAABA.QA.QA", gppSections: [7] }, NONE],
    ["a section of another version", { gpp: "DBABLA~DAAgAAAAAABA.QA", gppSections: [7] }, NONE],
    ["a header that promises more sections", { gpp: "DBACNY~CAAgAAAAAABA.QA" }, NONE],
    ["no GPP string at all", { gpp: "nonsense" }, NONE],
  ])("%s", (_name, signals, expected) => {
    expect(gate({ ...QUIET, ...signals }, POLICY)).toEqual(expected);
  });

  test("an opt-out holds against consent in Europe", () => {
    expect(gate({ ...QUIET, gdpr: 1, consent: tcf(), globalPrivacyControl: true }, POLICY)).toEqual(NONE);
  });

  test("a section too many times in force is read once", () => {
    const segments = Array.from({ length: CONSENT_CHARS_MAX / 2 - 20 }, () => "A").join(".");
    const signals = { gpp: `DBABLA~${segments}`, gppSections: Array.from({ length: 1_000 }, () => 7) };
    expect(gate({ ...QUIET, ...signals }, POLICY)).toEqual(NONE);
  });

  test("us_privacy has four characters of a fixed alphabet", () => {
    expect(readUspString("1yyn")).toEqual({ optedOut: true, knownChild: false });
    for (const text of ["", "2YNN", "1YNNN", "1YXN", "    "]) expect(readUspString(text)).toBeNull();
  });
});

const KNOWN_CHILD = { gpp: "DBABLA~CAAAAAAAABBA.QA", gppSections: [7] };

describe("children and limits", () => {
  test.each([
    ["COPPA", { coppa: true, gdpr: 0 }, CHILD],
    ["COPPA with a malformed GPP string", { coppa: true, gpp: "nonsense" }, CHILD],
    ["a known child beside a malformed us_privacy", { ...KNOWN_CHILD, usPrivacy: "?" }, CHILD],
    ["a known child beside a section that is not there", { ...KNOWN_CHILD, gppSections: [7, 8] }, CHILD],
    ["a known child with limited ad tracking", { ...KNOWN_CHILD, limitAdTracking: true }, CHILD],
    ["limits against consent", { gdpr: 1, consent: tcf(), limitAdTracking: true }, NONE],
    ["limit ad tracking", { limitAdTracking: true }, NONE],
    ["do not track", { doNotTrack: true }, NONE],
  ])("%s", (_name, signals, expected) => {
    expect(gate({ ...QUIET, ...signals }, POLICY)).toEqual(expected);
  });
});

test("the gate never throws, and grants caps, interests or measurement only with an id", () => {
  const text = fc.option(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_.~-]{0,80}$/)), { nil: undefined });
  const signals = fc.record({
    coppa: fc.boolean(),
    gdpr: fc.option(fc.integer(), { nil: undefined }),
    usPrivacy: text,
    gpp: text,
    gppSections: fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 4 }),
    globalPrivacyControl: fc.boolean(),
    consent: text,
    limitAdTracking: fc.boolean(),
    doNotTrack: fc.boolean(),
    country: text,
  });
  fc.assert(
    fc.property(signals, (facts) => {
      const { id, caps, profile, measure } = gate(facts, POLICY);
      expect(id || !(caps || profile || measure)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
