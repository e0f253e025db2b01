import { Bits, CONSENT_CHARS_MAX } from "./bits.ts";

/** What one vendor may do by a TCF string. Legitimate interest is not used. */
export interface VendorConsent {
  /** The purposes consented to, restrictions applied: bit p − 1 is purpose p, of 1 to 24. */
  readonly purposes: number;
}

/** Places in the core segment (IAB TCF 2.3, "Consent string and vendor list formats", table of the core string). */
const TCF_VERSION = 2;
const LAST_UPDATED_AT = 42;
const CMP_ID_AT = 78;
const POLICY_VERSION_AT = 132;
const PURPOSES_AT = 152;
const VENDORS_AT = 213;
/** Ids of consent management platforms begin here; what none of them made is not believed, as the official library does not. */
const CMP_ID_MIN = 2;
const SEGMENT_DISCLOSED_VENDORS = 1;
/** TCF 2.3 is policy version 5. */
const POLICY_WITH_DISCLOSED_VENDORS = 5;
/** From 1 March 2026 strings of any policy version need the segment, in deciseconds as TCF counts. */
const DISCLOSED_VENDORS_FROM_DS = 17_723_232_000;
const RESTRICTION_REQUIRE_CONSENT = 1;
/** The core and each optional segment once: disclosed vendors, allowed vendors, publisher's own. */
const SEGMENTS_MAX = 4;
const NOTHING: VendorConsent = { purposes: 0 };

/**
 * What the vendor may do, or null for a malformed string (D18: as refused). A vendor without consent, or not disclosed to the
 * listener where that must be said (TCF 2.3, or a newer string of an older policy), may do nothing.
 */
export function vendorConsent(text: string, vendorId: number): VendorConsent | null {
  if (text.length > CONSENT_CHARS_MAX) return null;
  const [core = "", ...segments] = text.split(".", SEGMENTS_MAX + 1);
  if (segments.length >= SEGMENTS_MAX) return null;
  const bits = new Bits(core);
  if (bits.at(0, 6) !== TCF_VERSION || bits.at(CMP_ID_AT, 12) < CMP_ID_MIN) return null;
  bits.position = VENDORS_AT;
  const consented = vendorListed(bits, vendorId);
  vendorListed(bits, vendorId); // legitimate interest: read only to get behind it
  const forbidden = restrictedPurposes(bits, vendorId);
  const needsDisclosure =
    bits.at(POLICY_VERSION_AT, 6) >= POLICY_WITH_DISCLOSED_VENDORS ||
    bits.at(LAST_UPDATED_AT, 36) >= DISCLOSED_VENDORS_FROM_DS;
  const disclosed = disclosedTo(segments, vendorId);
  if (bits.malformed || disclosed === null) return null;
  if (!consented || disclosed === "no" || (disclosed === "unsaid" && needsDisclosure)) return NOTHING;
  return { purposes: purposeBits(bits.at(PURPOSES_AT, 24)) & ~forbidden };
}

/** TCF writes purpose 1 as the highest of 24 bits. */
function purposeBits(written: number): number {
  let purposes = 0;
  for (let index = 0; index < 24; index += 1) {
    if ((written & (1 << (23 - index))) !== 0) purposes |= 1 << index;
  }
  return purposes;
}

/** What the segment of disclosed vendors says of the vendor; null when a segment is malformed, or that one stands twice. */
function disclosedTo(segments: readonly string[], vendorId: number): "yes" | "no" | "unsaid" | null {
  let disclosed: "yes" | "no" | "unsaid" = "unsaid";
  for (const segment of segments) {
    const bits = new Bits(segment);
    if (bits.next(3) === SEGMENT_DISCLOSED_VENDORS) {
      if (disclosed !== "unsaid") bits.reject();
      disclosed = vendorListed(bits, vendorId) ? "yes" : "no";
    }
    if (bits.malformed) return null;
  }
  return disclosed;
}

/** Reads a vendor section, bit field or ranges, to its end. */
function vendorListed(bits: Bits, vendorId: number): boolean {
  const vendorIdMax = bits.next(16);
  if (bits.next(1) === 1) return inRanges(bits, vendorId);
  const start = bits.position;
  bits.skip(vendorIdMax);
  return vendorId >= 1 && vendorId <= vendorIdMax && bits.at(start + vendorId - 1, 1) === 1;
}

function inRanges(bits: Bits, vendorId: number): boolean {
  const count = bits.next(12);
  let found = false;
  for (let index = 0; index < count && !bits.malformed; index += 1) {
    // One bit says whether a last id follows the first.
    const entry = bits.next(17);
    const first = entry & 0xffff;
    const last = entry > 0xffff ? bits.next(16) : first;
    if (last < first) bits.reject();
    found ||= vendorId >= first && vendorId <= last;
  }
  return found;
}

/** Purposes that the publisher forbids this vendor, or allows on legitimate interest only, which we do not use. */
function restrictedPurposes(bits: Bits, vendorId: number): number {
  const count = bits.next(12);
  let forbidden = 0;
  for (let index = 0; index < count && !bits.malformed; index += 1) {
    const purpose = bits.next(6);
    const type = bits.next(2);
    const applies = inRanges(bits, vendorId);
    if (applies && type !== RESTRICTION_REQUIRE_CONSENT && purpose >= 1 && purpose <= 24) {
      forbidden |= 1 << (purpose - 1);
    }
  }
  return forbidden;
}

/** Whether all of these purposes are consented to. */
export function allows(consent: VendorConsent, ...purposes: readonly number[]): boolean {
  return purposes.every((purpose) => (consent.purposes & (1 << (purpose - 1))) !== 0);
}
