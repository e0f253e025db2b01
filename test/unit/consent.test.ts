import { PurposeRestriction, type RestrictionType, Segment, SegmentEncoder, TCModel } from "@iabtechlabtcf/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Capabilities, gate, type PrivacyPolicy, type PrivacySignals } from "../../actors/privacy/gate.ts";
import { vendorConsent } from "../../actors/privacy/tcf.ts";
import { readUspString } from "../../actors/privacy/us-privacy.ts";

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
const ALL: Capabilities = { id: true, caps: true, profile: true, measure: true, geo: "region", childSafe: false };
const NONE: Capabilities = { id: false, caps: false, profile: false, measure: false, geo: "country", childSafe: false };
const CONTEXTUAL: Capabilities = { ...NONE, geo: "region" };
const CHILD: Capabilities = { ...NONE, childSafe: true };

interface ConsentWish {
  readonly purposes?: readonly number[];
  readonly vendors?: readonly number[];
  /** Undefined leaves the segment out, as strings before TCF 2.3 did. */
  readonly disclosed?: readonly number[] | undefined;
  readonly policyVersion?: number;
  readonly restrictions?: readonly {
    readonly purpose: number;
    readonly type: RestrictionType;
    readonly vendor: number;
  }[];
  readonly madeAt?: Date;
}

/** Encodes with the official library, our oracle. */
function tcf(wish: ConsentWish): string {
  const model = new TCModel();
  model.cmpId = 10;
  model.cmpVersion = 1;
  model.isServiceSpecific = true;
  model.vendorListVersion = 150;
  model.policyVersion = wish.policyVersion ?? 5;
  model.purposeConsents.set([...(wish.purposes ?? [1, 2, 3, 4, 7])]);
  model.vendorConsents.set([...(wish.vendors ?? [VENDOR])]);
  for (const { purpose, type, vendor } of wish.restrictions ?? []) {
    model.publisherRestrictions.add(vendor, new PurposeRestriction(purpose, type));
  }
  model.created = wish.madeAt ?? new Date("2026-11-01");
  model.lastUpdated = model.created;
  const core = SegmentEncoder.encode(model, Segment.CORE);
  const disclosed = "disclosed" in wish ? wish.disclosed : [VENDOR];
  if (disclosed === undefined) return core;
  model.vendorsDisclosed.set([...disclosed]);
  return `${core}.${SegmentEncoder.encode(model, Segment.VENDORS_DISCLOSED)}`;
}

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
  test("purposes 1 and 2 give id and caps, 3 and 4 interests, 7 measurement", () => {
    expect(withGdpr(tcf({}))).toEqual(ALL);
    expect(withGdpr(tcf({ purposes: [1, 2] }))).toEqual({ ...ALL, profile: false, measure: false });
    expect(withGdpr(tcf({ purposes: [1, 2, 3, 7] }))).toEqual({ ...ALL, profile: false });
    expect(withGdpr(tcf({ purposes: [2, 3, 4, 7] }))).toEqual(NONE);
    expect(withGdpr(tcf({ purposes: [1] }))).toEqual(NONE);
  });

  test("nothing without the vendor's own bit, or while no vendor id is configured", () => {
    expect(withGdpr(tcf({ vendors: [1, 754, 756] }))).toEqual(NONE);
    expect(withGdpr(tcf({}), { unknownCountry: "restrict" })).toEqual(NONE);
  });

  test("a TCF 2.3 string must have disclosed the vendor", () => {
    expect(withGdpr(tcf({ disclosed: [754] }))).toEqual(NONE);
    expect(withGdpr(tcf({ disclosed: undefined }))).toEqual(NONE);
  });

  test("an older string needs no disclosure, but one that lists vendors is believed", () => {
    const old = { policyVersion: 4, madeAt: new Date("2025-06-01") };
    expect(withGdpr(tcf({ ...old, disclosed: undefined }))).toEqual(ALL);
    expect(withGdpr(tcf({ ...old, disclosed: [754] }))).toEqual(NONE);
    expect(withGdpr(tcf({ policyVersion: 4, madeAt: new Date("2026-03-02"), disclosed: undefined }))).toEqual(NONE);
  });

  test("publisher restrictions take purposes away, except where they ask for the consent there is", () => {
    const restricted = (type: RestrictionType, vendor = VENDOR): Capabilities =>
      withGdpr(tcf({ restrictions: [{ purpose: 2, type, vendor }] }));
    expect([restricted(0), restricted(1), restricted(2), restricted(0, 12)]).toEqual([NONE, ALL, NONE, ALL]);
  });

  test.each([
    "",
    ".",
    "C",
    "CPXx",
    "!!!!",
    "BONV8oqONXwgmADACHENAO7pqzAAppY",
    `${tcf({}).slice(0, 40)}`,
    `${tcf({})}.*`,
  ])("%j is malformed, hence refused", (consent) => {
    expect(vendorConsent(consent, VENDOR)).toBeNull();
    expect(withGdpr(consent)).toEqual(NONE);
  });

  test("the reader agrees with the official library on any consent", () => {
    const purposes = fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 24 });
    const vendors = fc.uniqueArray(fc.integer({ min: 1, max: 1_500 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        purposes,
        vendors,
        vendors,
        fc.integer({ min: 1, max: 1_500 }),
        (consented, allowed, disclosed, vendor) => {
          const bits = vendorConsent(tcf({ purposes: consented, vendors: allowed, disclosed }), vendor)?.purposes;
          const expected =
            allowed.includes(vendor) && disclosed.includes(vendor)
              ? consented.reduce((sum, purpose) => sum | (1 << (purpose - 1)), 0)
              : 0;
          expect(bits).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
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
    ["a section that is not in force does not count", { gpp: "DBABLA~CAAQAAAAAABA.QA", gppSections: [-1] }, ALL],
    ["without gpp_sid all sections count", { gpp: "DBABLA~CAAQAAAAAABA.QA" }, CONTEXTUAL],
    ["a section in force that is not there", { gpp: "DBABLA~CAAgAAAAAABA.QA", gppSections: [8] }, NONE],
    ["a section of another law", { gpp: "DBABLA~CAAgAAAAAABA.QA", gppSections: [5] }, NONE],
    ["a section cut short", { gpp: "DBABLA~CAAg", gppSections: [7] }, NONE],
    ["a section of another version", { gpp: "DBABLA~DAAgAAAAAABA.QA", gppSections: [7] }, NONE],
    ["a header that promises more sections", { gpp: "DBACNY~CAAgAAAAAABA.QA" }, NONE],
    ["no GPP string at all", { gpp: "nonsense" }, NONE],
  ])("%s", (_name, signals, expected) => {
    expect(gate({ ...QUIET, ...signals }, POLICY)).toEqual(expected);
  });

  test("an opt-out holds against consent in Europe", () => {
    expect(gate({ ...QUIET, gdpr: 1, consent: tcf({}), globalPrivacyControl: true }, POLICY)).toEqual(NONE);
  });

  test("us_privacy has four characters of a fixed alphabet", () => {
    expect(readUspString("1yyn")).toEqual({ optedOut: true, knownChild: false });
    for (const text of ["", "2YNN", "1YNNN", "1YXN", "    "]) expect(readUspString(text)).toBeNull();
  });
});

describe("children and limits", () => {
  test.each([
    ["COPPA", { coppa: true, gdpr: 0 }, CHILD],
    ["COPPA with a malformed GPP string", { coppa: true, gpp: "nonsense" }, CHILD],
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
