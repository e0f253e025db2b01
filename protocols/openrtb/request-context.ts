import type { Content, Device, ExtendedId, Inventory, Regs, User } from "./bid-request.ts";
import type { RequestScope } from "./request-scope.ts";

const LIST_MAX = 1_000;
const IDS_MAX = 100;
/** All that says that there is no Global Privacy Control; any other value is taken for one. */
const NO_GPC = ["0", 0, false, ""] as const;

/** Reads `site` or `app`. */
export function readInventory(scope: RequestScope, kind: Inventory["kind"]): Inventory {
  const content = scope.child("content");
  return {
    kind,
    id: scope.text("id"),
    name: scope.text("name"),
    domain: scope.text("domain"),
    bundle: kind === "app" ? scope.text("bundle") : undefined,
    publisherId: scope.child("publisher")?.text("id"),
    content: content === undefined ? undefined : readContent(content),
  };
}

function readContent(scope: RequestScope): Content {
  return {
    genre: scope.text("genre"),
    genres: scope.texts("genres", LIST_MAX),
    genreTaxonomy: scope.number("gtax", "any") ?? 9,
    categories: scope.texts("cat", LIST_MAX),
    categoryTaxonomy: scope.number("cattax", "any") ?? 1,
    language: scope.text("language"),
    lengthSeconds: scope.number("len", "not-negative"),
    livestream: scope.flag("livestream"),
  };
}

export function readDevice(scope: RequestScope): Device {
  const geo = scope.child("geo");
  return {
    userAgent: scope.text("ua"),
    ip: scope.text("ip"),
    ipv6: scope.text("ipv6"),
    country: geo?.text("country"),
    region: geo?.text("region"),
    utcOffsetMinutes: geo?.number("utcoffset", "any"),
    doNotTrack: isSet(scope.number("dnt", "any")),
    limitAdTracking: isSet(scope.number("lmt", "any")),
    ifa: scope.text("ifa"),
    os: scope.text("os"),
    deviceType: scope.number("devicetype", "any"),
    language: scope.text("language"),
  };
}

export function readUser(scope: RequestScope): User {
  const ext = scope.child("ext");
  const extendedIds = readExtendedIds(scope);
  return {
    id: scope.text("id"),
    extendedIds: extendedIds.length === 0 && ext !== undefined ? readExtendedIds(ext) : extendedIds,
    consent: scope.text("consent") ?? ext?.text("consent"),
    sessionId: ext?.text("sessionid"),
  };
}

function readExtendedIds(scope: RequestScope): readonly ExtendedId[] {
  const ids: ExtendedId[] = [];
  if (!scope.has("eids")) return ids;
  for (const eid of scope.children("eids", IDS_MAX)) {
    const source = eid.text("source");
    for (const uid of eid.children("uids", IDS_MAX)) {
      const id = uid.text("id");
      if (source !== undefined && id !== undefined) ids.push({ source, id });
    }
  }
  return ids;
}

/** Reads `regs`; the places of OpenRTB 2.5 under `ext` count where 2.6 is silent. */
export function readRegs(scope: RequestScope): Regs {
  const ext = scope.child("ext");
  const gppSections = scope.numbers("gpp_sid", "any", LIST_MAX);
  return {
    coppa: isSet(scope.number("coppa", "any")),
    gdpr: scope.number("gdpr", "any") ?? ext?.number("gdpr", "any"),
    usPrivacy: scope.text("us_privacy") ?? ext?.text("us_privacy"),
    gpp: scope.text("gpp") ?? ext?.text("gpp"),
    gppSections: gppSections.length === 0 && ext !== undefined ? ext.numbers("gpp_sid", "any", LIST_MAX) : gppSections,
    globalPrivacyControl: ext !== undefined && readGpc(ext),
  };
}

/** The specification says the string "1"; exchanges send the number too, and a signal to protect is never refused for its type. */
function readGpc(ext: RequestScope): boolean {
  return ext.has("gpc") && !NO_GPC.some((value) => ext.is("gpc", value));
}

/** A signal that protects the listener: any value but 0 sets it. */
function isSet(flag: number | undefined): boolean {
  return flag !== undefined && flag !== 0;
}
