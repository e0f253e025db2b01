import { GppModel } from "@iabgpp/cmpapi";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONSENT_CHARS_MAX } from "../../actors/privacy/bits.ts";
import { gate, type PrivacySignals } from "../../actors/privacy/gate.ts";
import { readGppSections } from "../../actors/privacy/gpp.ts";
import { vendorConsent } from "../../actors/privacy/tcf.ts";
import { readUsSection } from "../../actors/privacy/us-privacy.ts";
import {
  encodeTcf,
  gppText,
  officialChoice,
  officialPurposes,
  officialSection,
  tcfDraft,
  TODAY,
  US_SECTIONS,
  vendorsWorthAsking,
} from "../support/consent-strings.ts";

const VENDOR = 755;
const GPP_WITH_TCF: PrivacySignals = {
  coppa: false,
  gdpr: undefined,
  usPrivacy: undefined,
  gpp: undefined,
  gppSections: [2],
  globalPrivacyControl: false,
  consent: undefined,
  limitAdTracking: false,
  doNotTrack: false,
  country: "USA",
};

afterEach(() => vi.restoreAllMocks());

describe("TCF strings of the official encoder", () => {
  test("are read as the official decoder reads them, for every vendor", () => {
    fc.assert(
      fc.property(tcfDraft, (draft) => {
        const text = encodeTcf(draft);
        for (const vendor of vendorsWorthAsking(draft)) {
          expect({ text, vendor, purposes: vendorConsent(text, vendor)?.purposes }).toEqual({
            text,
            vendor,
            purposes: officialPurposes(text, vendor),
          });
        }
      }),
      { numRuns: 200 },
    );
  });

  test("allow never more when they are cut short", () => {
    fc.assert(
      fc.property(tcfDraft, fc.nat(), (drawn, cut) => {
        const draft = { ...drawn, policyVersion: 5, disclosed: [VENDOR], consented: [VENDOR, ...drawn.consented] };
        const text = encodeTcf({ ...draft, consented: [...new Set(draft.consented)] });
        const whole = vendorConsent(text, VENDOR)?.purposes ?? 0;
        const part = vendorConsent(text.slice(0, cut % text.length), VENDOR)?.purposes ?? 0;
        expect(part & ~whole).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("inside a GPP string of the official encoder mean the same", () => {
    const purposes = fc.array(fc.boolean(), { minLength: 24, maxLength: 24 });
    const vendors = fc.uniqueArray(fc.constantFrom(1, 754, VENDOR, 756, 1_400), { maxLength: 5 });
    fc.assert(
      fc.property(purposes, vendors, vendors, (consents, consented, disclosed) => {
        const model = new GppModel();
        const fields = { CmpId: 10, PolicyVersion: 5, PurposeConsents: consents, VendorConsents: consented };
        for (const [field, value] of Object.entries({ ...fields, VendorsDisclosed: disclosed })) {
          model.setFieldValue("tcfeuv2", field, value);
        }
        const isListed = consented.includes(VENDOR) && disclosed.includes(VENDOR);
        const has = (...ids: number[]): boolean => isListed && ids.every((purpose) => consents[purpose - 1] === true);
        const allowed = gate(
          { ...GPP_WITH_TCF, gpp: model.encode() },
          { gvlVendorId: VENDOR, unknownCountry: "restrict" },
        );
        expect(allowed).toMatchObject({
          id: has(1, 2),
          caps: has(1, 2),
          profile: has(1, 2, 3, 4),
          measure: has(1, 2, 7),
          learn: has(1, 2, 9, 10),
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe("GPP sections of the official encoder", () => {
  test.each([...US_SECTIONS])("section %i, %s, is read as the official decoder reads it", (sectionId, name) => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(gppText([sectionId]), (text) => {
        const expected = officialChoice(officialSection(text, name));
        const choice = readUsSection(sectionId, readGppSections(text)?.get(sectionId) ?? "");
        expect({ text, choice }).toEqual({ text, choice: expected });
        seen.add(`opted out: ${expected.optedOut}`).add(`child: ${expected.knownChild}`);
      }),
      { numRuns: 300 },
    );
    // Maryland's has no field for children.
    expect(seen.size).toBe(name === "usmd" ? 3 : 4);
  });

  test("several in one string are found by their ids", () => {
    const ids = fc.uniqueArray(fc.constantFrom(...US_SECTIONS.keys()), { minLength: 1, maxLength: 21 });
    fc.assert(
      fc.property(ids.chain(gppText), (text) => {
        const model = new GppModel(text);
        const sections = readGppSections(text) ?? new Map<number, string>();
        expect([...sections.keys()]).toEqual(model.getSectionIds());
        for (const [sectionId, section] of sections) expect(section).toBe(model.encodeSectionById(sectionId));
      }),
      { numRuns: 50 },
    );
  });
});

/** What a hostile sender or a broken gateway does to a string: bytes changed, cut out, put in, repeated. */
const mutations = fc.array(
  fc.record({
    at: fc.nat(),
    cut: fc.nat({ max: 40 }),
    insert: fc.oneof(
      fc.string({ maxLength: 6, unit: "binary" }),
      fc.stringMatching(/^[\w.~-]{0,6}$/),
      fc.constantFrom("_".repeat(300), ".".repeat(300), "~".repeat(300), "A".repeat(20_000), "P__".repeat(5_000)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutated(
  text: string,
  changes: readonly { readonly at: number; readonly cut: number; readonly insert: string }[],
): string {
  let result = text;
  for (const { at, cut, insert } of changes) {
    const start = at % (result.length + 1);
    result = result.slice(0, start) + insert + result.slice(start + cut);
  }
  return result;
}

describe("hostile consent strings", () => {
  test("are refused or allow no more than the official decoder would, and never throw", () => {
    fc.assert(
      fc.property(tcfDraft, mutations, (drawn, changes) => {
        const draft = { ...drawn, consented: [VENDOR], disclosed: [VENDOR] };
        const text = mutated(encodeTcf(draft), changes);
        const consent = vendorConsent(text, VENDOR);
        if (text.length > CONSENT_CHARS_MAX) expect(consent).toBeNull();
        if (consent === null) return;
        expect(consent.purposes & ~0xffffff).toBe(0);
        // The official decoder has no bound, and writes every range out.
        const official = text.length < 2_000 ? tried(() => officialPurposes(text, VENDOR)) : undefined;
        if (official !== undefined) expect({ text, more: consent.purposes & ~official }).toEqual({ text, more: 0 });
      }),
      { numRuns: 1_000 },
    );
  });

  test("cost a number of looks that is bounded by their length, and their length is bounded", () => {
    const ranges = (count: number): string => bits(`${num(65_535, 16)}1${num(4_095, 12)}${"0".repeat(17 * count)}`);
    const worst = [
      // 4,095 ranges announced, and as many there as fit.
      `${encodeTcf(TODAY).slice(0, 35)}${ranges(5_000)}`,
      // 4,095 restrictions that concern nobody.
      `${bits(`000010${"0".repeat(207)}${num(0, 16)}0${num(0, 16)}0${num(4_095, 12)}${"0".repeat(82_000)}`)}`,
      // A bit field of all vendors, thrice.
      `${bits(`000010${"0".repeat(207)}${`${num(65_535, 16)}0${"1".repeat(65_535)}`.repeat(1)}`)}`,
    ];
    const gpp = `DBABLA~${"A.".repeat(CONSENT_CHARS_MAX / 2 - 8)}A`;
    const looks = vi.spyOn(String.prototype, "charCodeAt");
    const spent = (look: () => unknown): number => {
      looks.mockClear();
      look();
      return looks.mock.calls.length;
    };
    for (const text of worst) {
      for (const length of [text.length, CONSENT_CHARS_MAX, 1_000_000]) {
        const padded = text.padEnd(length, "A").slice(0, length);
        const most = length > CONSENT_CHARS_MAX ? 0 : 4 * length + 100;
        expect(spent(() => vendorConsent(padded, VENDOR))).toBeLessThanOrEqual(most);
      }
    }
    const everywhere = { ...GPP_WITH_TCF, gpp, gppSections: Array.from({ length: 1_000 }, (_, index) => index % 30) };
    expect(spent(() => gate(everywhere, { gvlVendorId: VENDOR, unknownCountry: "restrict" }))).toBeLessThan(1_000);
    fc.assert(
      fc.property(tcfDraft, mutations, (draft, changes) => {
        const text = mutated(encodeTcf(draft), changes);
        expect(spent(() => vendorConsent(text, VENDOR))).toBeLessThanOrEqual(4 * CONSENT_CHARS_MAX + 100);
        expect(spent(() => readGppSections(text))).toBeLessThanOrEqual(4_000);
      }),
      { numRuns: 100 },
    );
  });

  test("in a GPP section are refused, or say no less than the official decoder reads in them", () => {
    const policy = { gvlVendorId: VENDOR, unknownCountry: "open" } as const;
    fc.assert(
      fc.property(gppText([7, 8, 25]), mutations, (whole, changes) => {
        const gpp = mutated(whole, changes);
        const sections = readGppSections(gpp);
        if (gpp !== "")
          expect(gate({ ...GPP_WITH_TCF, gppSections: [], gpp }, policy).id && sections === null).toBe(false);
        for (const [sectionId, text] of sections ?? []) {
          const choice = readUsSection(sectionId, text);
          const official = tried(() => officialChoice(officialSection(gpp, US_SECTIONS.get(sectionId) ?? "")));
          if (choice === null || official === undefined) continue;
          const missed = {
            optedOut: official.optedOut && !choice.optedOut,
            child: official.knownChild && !choice.knownChild,
          };
          expect({ gpp, sectionId, ...missed }).toEqual({ gpp, sectionId, optedOut: false, child: false });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function num(value: number, bitCount: number): string {
  return value.toString(2).padStart(bitCount, "0");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Bits as base64url, padded with zeros. */
function bits(written: string): string {
  return (written.match(/.{1,6}/g) ?? [])
    .map((six) => ALPHABET.charAt(Number.parseInt(six.padEnd(6, "0"), 2)))
    .join("");
}
