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
  /** Count in aggregates, and train models on, what this listener does. */
  readonly learn: boolean;
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
  learn: false,
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
  learn: true,
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
 * be read is refused. Time is bounded by the length of the strings, which is bounded (CONSENT_CHARS_MAX).
 */
export function gate(signals: PrivacySignals, policy: PrivacyPolicy): Capabilities {
  if (signals.coppa) return CHILD;
  const sections = signals.gpp === undefined || signals.gpp === "" ? NO_SECTIONS : readGppSections(signals.gpp);
  const us = usSignals(signals, sections ?? NO_SECTIONS);
  if (us.knownChild) return CHILD;
  if (sections === null || us.malformed) return NOTHING;
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
  if (policy.gvlVendorId === undefined) return NOTHING;
  // Where a request carries two strings, what holds is what both allow. An empty one is an absent one.
  const texts = [sections.get(SECTION_TCF_EU), signals.consent === "" ? undefined : signals.consent];
  let purposes: number | undefined;
  for (const text of texts) {
    if (text === undefined) continue;
    const consent = vendorConsent(text, policy.gvlVendorId);
    if (consent === null) return NOTHING;
    purposes = (purposes ?? consent.purposes) & consent.purposes;
  }
  const consent = { purposes: purposes ?? 0 };
  // Purpose 1 is storage, without which no id is kept; purpose 2 names the frequency of ads.
  if (!allows(consent, 1, 2)) return NOTHING;
  return {
    ...EVERYTHING,
    profile: allows(consent, 3, 4),
    measure: allows(consent, 7),
    learn: allows(consent, 9, 10),
  };
}

/**
 * What the sections in force and `us_privacy` say together. A section in force that is not there, or of another law than those
 * known here, counts as malformed; a known child among the rest is one all the same.
 */
function usSignals(
  signals: PrivacySignals,
  sections: ReadonlyMap<number, string>,
): UsChoice & { readonly malformed: boolean } {
  const said: (UsChoice | null)[] = [];
  for (const sectionId of sectionsInForce(signals, sections)) {
    if (sectionId !== SECTION_TCF_EU) said.push(readSection(sectionId, sections.get(sectionId)));
  }
  if (signals.usPrivacy !== undefined && signals.usPrivacy !== "") said.push(readUspString(signals.usPrivacy));
  return {
    optedOut: said.some((choice) => choice?.optedOut === true),
    knownChild: said.some((choice) => choice?.knownChild === true),
    malformed: said.includes(null),
  };
}

/**
 * `gpp_sid`, each once. All sections of the string where it is absent, or 0: what a CMP says while it loads (IAB GPP "CMP API
 * Specification", applicableSections). −1 says that none applies.
 */
function sectionsInForce(signals: PrivacySignals, sections: ReadonlyMap<number, string>): ReadonlySet<number> {
  const named = new Set(signals.gppSections);
  const isUnsaid = named.size === 0 || named.has(0);
  return new Set([...named, ...(isUnsaid ? sections.keys() : [])].filter((sectionId) => sectionId > 0));
}

function readSection(sectionId: number, text: string | undefined): UsChoice | null {
  if (text === undefined) return null;
  if (sectionId === SECTION_USP) return readUspString(text);
  return readUsSection(sectionId, text);
}
