import { expect, test } from "vitest";
import { gate } from "../../actors/privacy/gate.ts";
import { readGppSections } from "../../actors/privacy/gpp.ts";
import { vendorConsent } from "../../actors/privacy/tcf.ts";
import { readUsSection, readUspString } from "../../actors/privacy/us-privacy.ts";
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

  test("TCF strings that nobody reads are refused", () => {
    const broken = vectors.filter(({ kind, ok, note }) => kind === "tcf" && !ok && note === undefined);
    for (const { string } of broken) {
      expect({
        string,
        gate: gate({ ...NO_SIGNALS, gdpr: 1, consent: string }, { gvlVendorId: 2, unknownCountry: "open" }),
      }).toMatchObject({ string, gate: { id: false, caps: false } });
    }
    expect(broken.length).toBeGreaterThan(0);
  });

  test("GPP strings have the sections that the official library finds", () => {
    for (const { string, ok, sectionIds } of vectors.filter(({ kind }) => kind === "gpp")) {
      if (ok) expect([...(readGppSections(string)?.keys() ?? [])]).toEqual(sectionIds);
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
      expect(gate({ ...NO_SIGNALS, gpp: string }, { gvlVendorId: 2, unknownCountry: "open" })).toMatchObject({
        id: false,
        profile: false,
      });
    }
  });
});

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
