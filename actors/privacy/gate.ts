import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import { isUnderGdpr, knownCountry } from "./country.ts";
import { readGppSections } from "./gpp.ts";
import { allows, vendorConsent } from "./tcf.ts";
import { readUsSection, readUspString, type UsChoice } from "./us-privacy.ts";

/** What may be done for one listener. Shards see this, and never what it was derived from (D18). */
export interface Capabilities {
  /** Know the listener by an id that outlives the session. */
  readonly id: boolean;
  /** Cap frequency by that id. */
  readonly caps: boolean;
  /** Keep and use interests. */
  readonly profile: boolean;
  /** Measure by listener, conversions included. */
  readonly measure: boolean;
  readonly geo: "country" | "region";
  /** Only categories fit for children. */
  readonly childSafe: boolean;
}

/** The `privacy` slice of the config. */
export interface PrivacyPolicy {
  /** Our id in the Global Vendor List; while unset, no TCF string consents to us. */
  readonly gvlVendorId?: number | undefined;
  /** Whether the GDPR is taken to apply where the country is not known. */
  readonly unknownCountry: "restrict" | "open";
}

/** What the gate looks at. */
export interface PrivacySignals {
  readonly coppa: boolean;
  readonly gdpr: number | undefined;
  readonly usPrivacy: string | undefined;
  readonly gpp: string | undefined;
  readonly gppSections: readonly number[];
  readonly globalPrivacyControl: boolean;
  readonly consent: string | undefined;
  readonly limitAdTracking: boolean;
  readonly doNotTrack: boolean;
  /** As sent; what is no country of ISO 3166-1 alpha-3 counts as unknown. */
  readonly country: string | undefined;
}

const SECTION_TCF_EU = 2;
const SECTION_USP = 6;

const NOTHING: Capabilities = Object.freeze({
  id: false,
  caps: false,
  profile: false,
  measure: false,
  geo: "country",
  childSafe: false,
});
const CHILD: Capabilities = Object.freeze({ ...NOTHING, childSafe: true });
/** Contextual advertising only: the place is context, the listener is not. */
const CONTEXTUAL: Capabilities = Object.freeze({ ...NOTHING, geo: "region" });
const EVERYTHING: Capabilities = Object.freeze({
  id: true,
  caps: true,
  profile: true,
  measure: true,
  geo: "region",
  childSafe: false,
});

/** The signals of a request; `secGpc` is whether the header Sec-GPC said 1. */
export function privacySignals(request: BidRequest, secGpc: boolean): PrivacySignals {
  const { regs, device, user } = request;
  return {
    coppa: regs.coppa,
    gdpr: regs.gdpr,
    usPrivacy: regs.usPrivacy,
    gpp: regs.gpp,
    gppSections: regs.gppSections,
    globalPrivacyControl: regs.globalPrivacyControl || secGpc,
    consent: user.consent,
    limitAdTracking: device.limitAdTracking,
    doNotTrack: device.doNotTrack,
    country: device.country,
  };
}

/**
 * The privacy gate (privacy.md "Gate"): a pure function, run before any queue. Laws add up, the strictest holds, and what cannot
 * be read is refused.
 */
export function gate(signals: PrivacySignals, policy: PrivacyPolicy): Capabilities {
  if (signals.coppa) return CHILD;
  const sections = signals.gpp === undefined || signals.gpp === "" ? NO_SECTIONS : readGppSections(signals.gpp);
  if (sections === null) return NOTHING;
  const us = usChoices(signals, sections);
  if (us === null) return NOTHING;
  if (us.knownChild) return CHILD;
  if (signals.limitAdTracking || signals.doNotTrack) return NOTHING;
  const consented = gdprApplies(signals, policy) ? byConsent(signals, sections, policy) : EVERYTHING;
  if (!us.optedOut && !signals.globalPrivacyControl) return consented;
  return consented === EVERYTHING ? CONTEXTUAL : NOTHING;
}

const NO_SECTIONS: ReadonlyMap<number, string> = new Map();

function gdprApplies(signals: PrivacySignals, policy: PrivacyPolicy): boolean {
  if (signals.gppSections.includes(SECTION_TCF_EU)) return true;
  if (signals.gdpr !== undefined) return signals.gdpr !== 0;
  const country = knownCountry(signals.country);
  return country === undefined ? policy.unknownCountry === "restrict" : isUnderGdpr(country);
}

function byConsent(
  signals: PrivacySignals,
  sections: ReadonlyMap<number, string>,
  policy: PrivacyPolicy,
): Capabilities {
  const text = sections.get(SECTION_TCF_EU) ?? signals.consent;
  if (text === undefined || policy.gvlVendorId === undefined) return NOTHING;
  const consent = vendorConsent(text, policy.gvlVendorId);
  // Purpose 1 is storage, without which no id is kept; purpose 2 names the frequency of ads.
  if (consent === null || !allows(consent, 1, 2)) return NOTHING;
  return { ...EVERYTHING, profile: allows(consent, 3, 4), measure: allows(consent, 7) };
}

/**
 * What the sections in force (`gpp_sid`; all of the string, where that is absent) and `us_privacy` say together; null where one
 * cannot be read. A section in force of another law than those known here is refused likewise.
 */
function usChoices(signals: PrivacySignals, sections: ReadonlyMap<number, string>): UsChoice | null {
  let optedOut = false;
  let knownChild = false;
  const inForce = signals.gppSections.length === 0 ? [...sections.keys()] : signals.gppSections;
  for (const sectionId of inForce) {
    // 0 and below say that no section applies.
    if (sectionId === SECTION_TCF_EU || sectionId <= 0) continue;
    const choice = readSection(sectionId, sections.get(sectionId));
    if (choice === null) return null;
    optedOut ||= choice.optedOut;
    knownChild ||= choice.knownChild;
  }
  if (signals.usPrivacy === undefined || signals.usPrivacy === "") return { optedOut, knownChild };
  const choice = readUspString(signals.usPrivacy);
  return choice === null ? null : { optedOut: optedOut || choice.optedOut, knownChild };
}

function readSection(sectionId: number, text: string | undefined): UsChoice | null {
  if (text === undefined) return null;
  if (sectionId === SECTION_USP) return readUspString(text);
  return readUsSection(sectionId, text);
}
