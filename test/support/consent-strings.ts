import { GppModel } from "@iabgpp/cmpapi";
import {
  type GVL,
  PurposeRestriction,
  type RestrictionType,
  Segment,
  SegmentEncoder,
  TCModel,
  TCString,
} from "@iabtechlabtcf/core";
import fc from "fast-check";

/** GPP names of the sections of the US that the official library knows, by id. */
export const US_SECTIONS: ReadonlyMap<number, string> = new Map(
  "usnat usca usva usco usut usct usfl usmt usor ustx usde usia usne usnh usnj ustn usmn usmd usin usky usri"
    .split(" ")
    .map((name, index) => [index + 7, name]),
);

/** What is drawn of a TCF string; the rest does not matter to us. */
export interface TcfDraft {
  readonly policyVersion: number;
  readonly madeAtMs: number;
  readonly purposes: readonly number[];
  readonly interests: readonly number[];
  readonly consented: readonly number[];
  readonly interested: readonly number[];
  /** Undefined leaves the segment out, as strings before TCF 2.3 did. */
  readonly disclosed: readonly number[] | undefined;
  readonly restrictions: readonly {
    readonly purpose: number;
    readonly type: RestrictionType;
    readonly vendors: readonly number[];
  }[];
  readonly withAllowedVendors: boolean;
  readonly withPublisherPurposes: boolean;
}

export const TODAY: TcfDraft = {
  policyVersion: 5,
  madeAtMs: Date.UTC(2026, 10, 1),
  purposes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  interests: [2, 7, 8, 9, 10, 11],
  consented: [755],
  interested: [755],
  disclosed: [755],
  restrictions: [],
  withAllowedVendors: false,
  withPublisherPurposes: false,
};

const VENDOR_LIST = Array.from({ length: 300 }, (_, index) => index + 1);

/** Encodes with the official library. */
export function encodeTcf(draft: TcfDraft): string {
  const model = new TCModel();
  model.cmpId = 10;
  model.cmpVersion = 1;
  model.isServiceSpecific = true;
  model.vendorListVersion = 150;
  model.policyVersion = draft.policyVersion;
  model.created = new Date(draft.madeAtMs);
  model.lastUpdated = model.created;
  model.purposeConsents.set([...draft.purposes]);
  model.purposeLegitimateInterests.set([...draft.interests]);
  model.vendorConsents.set([...draft.consented]);
  model.vendorLegitimateInterests.set([...draft.interested]);
  for (const { purpose, type, vendors } of draft.restrictions) {
    for (const vendor of vendors) model.publisherRestrictions.add(vendor, new PurposeRestriction(purpose, type));
  }
  // The encoder of restrictions asks which ids the vendor list has, to join ranges across those that it does not have.
  model.publisherRestrictions.gvl = { vendorIds: new Set(VENDOR_LIST) } as GVL;
  const segments = [SegmentEncoder.encode(model, Segment.CORE)];
  if (draft.disclosed !== undefined) {
    model.vendorsDisclosed.set([...draft.disclosed]);
    segments.push(SegmentEncoder.encode(model, Segment.VENDORS_DISCLOSED));
  }
  if (draft.withAllowedVendors) {
    model.vendorsAllowed.set([...draft.consented]);
    segments.push(SegmentEncoder.encode(model, Segment.VENDORS_ALLOWED));
  }
  if (draft.withPublisherPurposes) {
    model.publisherConsents.set([...draft.purposes]);
    segments.push(SegmentEncoder.encode(model, Segment.PUBLISHER_TC));
  }
  return segments.join(".");
}

/** From this day on the list of disclosed vendors is needed whatever the policy version. */
const DISCLOSURE_FROM_MS = Date.UTC(2026, 2, 1);

/**
 * The purposes a vendor may use by the official library's decode of a string, as bits, by TCF's rules put as sets.
 * @throws what the library throws at a string that it cannot read.
 */
export function officialPurposes(text: string, vendor: number): number {
  const model = TCString.decode(text);
  const hasDisclosed = text
    .split(".")
    .slice(1)
    .some((segment) => /^[I-P]/.test(segment));
  const mustDisclose =
    hasDisclosed || Number(model.policyVersion) >= 5 || (model.lastUpdated?.getTime() ?? 0) >= DISCLOSURE_FROM_MS;
  if (!model.vendorConsents.has(vendor) || (mustDisclose && !model.vendorsDisclosed.has(vendor))) return 0;
  const forbidden = new Set(
    model.publisherRestrictions
      .getRestrictions(vendor)
      .filter(({ restrictionType }) => Number(restrictionType) !== 1)
      .map(({ purposeId }) => purposeId),
  );
  let purposes = 0;
  for (let purpose = 1; purpose <= 24; purpose += 1) {
    if (model.purposeConsents.has(purpose) && !forbidden.has(purpose)) purposes |= 1 << (purpose - 1);
  }
  return purposes;
}

/** Few and scattered, so that ranges are shorter; or runs, so that bit fields are. */
const vendorIds: fc.Arbitrary<number[]> = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 12 }),
  fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { maxLength: 120 }),
  fc
    .tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 0, max: 400 }))
    .map(([first, count]) => Array.from({ length: count }, (_, index) => first + index)),
);
const purposeIds = fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 24 });

export const tcfDraft: fc.Arbitrary<TcfDraft> = fc.record({
  policyVersion: fc.integer({ min: 2, max: 6 }),
  madeAtMs: fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) }),
  purposes: purposeIds,
  interests: purposeIds,
  consented: vendorIds,
  interested: vendorIds,
  disclosed: fc.option(vendorIds, { nil: undefined }),
  restrictions: fc.array(
    fc.record({
      purpose: fc.integer({ min: 1, max: 24 }),
      type: fc.constantFrom<RestrictionType[]>(0, 1, 2),
      vendors: fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
    }),
    { maxLength: 6 },
  ),
  withAllowedVendors: fc.boolean(),
  withPublisherPurposes: fc.boolean(),
});

/** Vendors that could be mixed up with one that is meant: itself and its neighbours, in every list. */
export function vendorsWorthAsking(draft: TcfDraft): number[] {
  const named = [draft.consented, draft.disclosed ?? [], ...draft.restrictions.map(({ vendors }) => vendors)].flat();
  const near = named.slice(0, 40).flatMap((vendor) => [vendor - 1, vendor, vendor + 1]);
  return [...new Set([...near, 1, 755, 65_535])].filter((vendor) => vendor >= 1 && vendor <= 65_535);
}

export type GppFields = Readonly<Record<string, unknown>>;

/** The fields of one section as the official library decodes them. */
export function officialSection(text: string, sectionName: string): GppFields {
  return new GppModel(text).getSection(sectionName) as GppFields;
}

/** A GPP string of these sections of the US, drawn field by field and encoded with the official library. */
export function gppText(sectionIds: readonly number[]): fc.Arbitrary<string> {
  const sections = sectionIds.map((sectionId) => {
    const name = US_SECTIONS.get(sectionId) ?? "";
    const fields = Object.entries(blankSection(name));
    const drawn = fc.record(Object.fromEntries(fields.map(([field, value]) => [field, likeness(name, field, value)])));
    return drawn.map((values) => ({ name, fields: values }));
  });
  return fc.tuple(...sections).map((drawn) => {
    const model = new GppModel();
    for (const { name, fields } of drawn) {
      for (const [field, value] of Object.entries(fields)) model.setFieldValue(name, field, value);
    }
    return model.encode();
  });
}

/** A section as the library makes it when nothing is said, with what says whether its second segment is there. */
function blankSection(name: string): GppFields {
  const model = new GppModel();
  model.setFieldValue(name, "SaleOptOut", 0);
  const fields = model.getSection(name) as GppFields;
  if ("Gpc" in fields) return { ...fields, GpcSegmentIncluded: true };
  return "MspaMode" in fields ? { ...fields, SensitiveDataConsentSegmentIncluded: true } : fields;
}

/** Any value that a field of this name and shape may have. */
function likeness(section: string, field: string, value: unknown): fc.Arbitrary<unknown> {
  // Version 1 of the national section is laid out in another way.
  if (section === "usnat" && field === "Version") return fc.constantFrom(1, 2);
  if (field === "Version" || field === "MspaVersion" || field.endsWith("SegmentType")) return fc.constant(value);
  if (typeof value === "boolean") return fc.boolean();
  const twoBits = fc.integer({ min: field === "MspaCoveredTransaction" ? 1 : 0, max: 2 });
  if (!Array.isArray(value)) return twoBits;
  // Mostly no child, or every section would know one.
  const element = field.startsWith("KnownChild") ? fc.constantFrom(0, 0, 0, 0, 1, 2) : twoBits;
  return fc.array(element, { minLength: value.length, maxLength: value.length });
}

/** What we make of a section, from the library's decode. */
export function officialChoice(fields: GppFields): { readonly optedOut: boolean; readonly knownChild: boolean } {
  const optOuts = ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"].map((field) => fields[field]);
  const child = [fields["KnownChildSensitiveDataConsents"] ?? 0].flat();
  return {
    optedOut: optOuts.includes(1) || fields["Gpc"] === true,
    knownChild: child.some((value) => value !== 0),
  };
}
