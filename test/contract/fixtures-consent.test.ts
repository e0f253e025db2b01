import { GppModel } from "@iabgpp/cmpapi";
import { expect, test } from "vitest";
import { gate } from "../../actors/privacy/gate.ts";
import { readGppSections } from "../../actors/privacy/gpp.ts";
import { vendorConsent } from "../../actors/privacy/tcf.ts";
import { readUsSection, readUspString } from "../../actors/privacy/us-privacy.ts";
import { officialPurposes } from "../support/consent-strings.ts";
import { describeFixtures } from "../support/fixtures.ts";

interface Restriction {
  readonly purposeId: number;
  readonly type: number;
  readonly vendors: readonly number[];
}

interface TcfFields {
  readonly policyVersion: number;
  readonly purposeConsents: readonly number[];
  readonly vendorConsents: readonly number[];
  readonly vendorsDisclosed: readonly number[];
  readonly publisherRestrictions?: readonly Restriction[];
  readonly lastUpdated?: number;
}

interface UsFields {
  readonly SaleOptOut?: number;
  readonly SharingOptOut?: number;
  readonly TargetedAdvertisingOptOut?: number;
  readonly OptOutSale?: string;
  readonly KnownChildSensitiveDataConsents?: number | readonly number[];
  readonly Gpc?: boolean;
}

interface Vector {
  readonly kind: "tcf" | "gpp";
  readonly string: string;
  readonly ok: boolean;
  readonly note?: string;
  readonly fields?: TcfFields;
  readonly sectionIds?: readonly number[];
  readonly sections?: Readonly<Record<string, UsFields>>;
}

/** Vendor ids of all sizes, so that bit fields, ranges and what lies behind them are met. */
const VENDORS = [1, 2, 6, 8, 12, 32, 71, 183, 435, 755, 856, 1_000, 1_400, 65_535];
const NEWER_THAN_TCF_22 = Date.UTC(2026, 2, 1);

function expectedPurposes(text: string, fields: TcfFields, vendor: number): number {
  if (!fields.vendorConsents.includes(vendor)) return 0;
  // The vectors list an absent segment as empty; segment type 1 makes its first character one from I to P.
  const hasDisclosed = text
    .split(".")
    .slice(1)
    .some((segment) => /^[I-P]/.test(segment));
  const mustDisclose =
    hasDisclosed || fields.policyVersion >= 5 || (fields.lastUpdated ?? NEWER_THAN_TCF_22) >= NEWER_THAN_TCF_22;
  if (mustDisclose && !fields.vendorsDisclosed.includes(vendor)) return 0;
  const forbidden = (fields.publisherRestrictions ?? []).filter(
    ({ type, vendors }) => type !== 1 && vendors.includes(vendor),
  );
  return fields.purposeConsents
    .filter((purpose) => !forbidden.some(({ purposeId }) => purposeId === purpose))
    .reduce((bits, purpose) => bits | (1 << (purpose - 1)), 0);
}

describeFixtures("consent-strings", (folder) => {
  const vectors = folder.names.flatMap((name) => folder.json(name) as readonly Vector[]);

  test("TCF strings read as the official library reads them", () => {
    const read = vectors.filter(({ kind, ok }) => kind === "tcf" && ok);
    for (const { string, fields } of read) {
      for (const vendor of [...VENDORS, ...(fields?.vendorConsents ?? [])]) {
        const consent = vendorConsent(string, vendor);
        expect({ string, vendor, purposes: consent?.purposes }).toEqual({
          string,
          vendor,
          purposes: fields && expectedPurposes(string, fields, vendor),
        });
      }
    }
    console.info(`consent-strings: ${read.length} TCF strings compared`);
    expect(read.length).toBeGreaterThan(0);
  });

  test("TCF strings are refused where the official library refuses them, and nowhere else", () => {
    const strings = vectors.filter(({ kind }) => kind === "tcf");
    const refused = strings.filter(({ string }) => vendorConsent(string, 755) === null);
    expect(refused.map(({ string }) => string)).toEqual(strings.filter(({ ok }) => !ok).map(({ string }) => string));
    console.info(`consent-strings: ${refused.length} of ${strings.length} TCF strings refused`);
    for (const { string } of refused) {
      expect(gate({ ...NO_SIGNALS, gdpr: 1, consent: string }, POLICY)).toMatchObject({ id: false, geo: "country" });
    }
  });

  test("TCF strings read today as when the vectors were made, inside GPP too", () => {
    const inGpp = vectors
      .filter(({ kind, ok }) => kind === "gpp" && ok)
      .map(({ string }) => readGppSections(string)?.get(2));
    const strings = vectors.filter(({ kind, ok }) => kind === "tcf" && ok).map(({ string }) => string);
    let compared = 0;
    for (const string of [...strings, ...inGpp]) {
      if (string === undefined) continue;
      for (const vendor of VENDORS) {
        const purposes = vendorConsent(string, vendor)?.purposes;
        expect({ string, vendor, purposes }).toEqual({ string, vendor, purposes: officialPurposes(string, vendor) });
      }
      compared += 1;
    }
    expect(compared).toBeGreaterThan(strings.length);
  });

  test("GPP strings have the sections that the official library finds", () => {
    for (const { string, ok, sectionIds } of vectors.filter(({ kind }) => kind === "gpp")) {
      if (!ok) continue;
      expect([...(readGppSections(string)?.keys() ?? [])]).toEqual(sectionIds);
      expect(new GppModel(string).getSectionIds()).toEqual(sectionIds);
    }
  });

  test("sections of the US read as the official library reads them", () => {
    let compared = 0;
    for (const { string, sections } of vectors.filter(({ kind, ok }) => kind === "gpp" && ok)) {
      const texts = [...(readGppSections(string) ?? [])];
      Object.values(sections ?? {}).forEach((fields, index) => {
        const [id, text] = texts[index] ?? [0, ""];
        if (id < 6) return;
        const optOuts = [fields.SaleOptOut, fields.SharingOptOut, fields.TargetedAdvertisingOptOut];
        const child = [fields.KnownChildSensitiveDataConsents ?? 0].flat().some((value) => value !== 0);
        const optedOut = optOuts.includes(1) || fields.Gpc === true || fields.OptOutSale === "Y";
        const choice = id === 6 ? readUspString(text) : readUsSection(id, text);
        expect({ id, text, choice }).toEqual({ id, text, choice: { optedOut, knownChild: child } });
        compared += 1;
      });
    }
    console.info(`consent-strings: ${compared} US sections compared`);
    expect(compared).toBeGreaterThan(0);
  });

  test("GPP strings that nobody reads are refused", () => {
    for (const { string } of vectors.filter(({ kind, ok }) => kind === "gpp" && !ok)) {
      expect(gate({ ...NO_SIGNALS, gpp: string }, POLICY)).toMatchObject({ id: false, profile: false });
    }
  });
});

const POLICY = { gvlVendorId: 2, unknownCountry: "open" } as const;
const NO_SIGNALS = {
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
