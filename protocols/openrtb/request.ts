import type { BidRequest, Device, Imp, Regs, User } from "./bid-request.ts";
import { readDevice, readInventory, readRegs, readUser } from "./request-context.ts";
import { readImp } from "./request-imp.ts";
import { type RequestFault, RequestFaults, RequestScope } from "./request-scope.ts";

export type ParsedBidRequest =
  | { readonly ok: true; readonly request: BidRequest }
  | { readonly ok: false; readonly errors: readonly RequestFault[] };

const IMPS_MAX = 100;
/** Blocklists of large publishers have thousands of entries; cutting one short would serve what it blocks, so more is refused. */
const BLOCKLIST_MAX = 20_000;
const LIST_MAX = 1_000;

const NO_DEVICE: Device = Object.freeze({
  userAgent: undefined,
  ip: undefined,
  ipv6: undefined,
  country: undefined,
  region: undefined,
  utcOffsetMinutes: undefined,
  doNotTrack: false,
  limitAdTracking: false,
  ifa: undefined,
  os: undefined,
  deviceType: undefined,
  language: undefined,
});
const NO_USER: User = Object.freeze({ id: undefined, extendedIds: [], consent: undefined, sessionId: undefined });
const NO_REGS: Regs = Object.freeze({
  coppa: false,
  gdpr: undefined,
  usPrivacy: undefined,
  gpp: undefined,
  gppSections: [],
  globalPrivacyControl: false,
});

/**
 * Reads a bid request, or says all that makes it a 400 (decisioning.md 3). Never throws, whatever the document. Depth needs no
 * limit, since only fixed places are looked at; lists that are read are bounded.
 */
export function parseBidRequest(json: unknown): ParsedBidRequest {
  const faults = new RequestFaults();
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    faults.add("", json, "must be a JSON object");
    return { ok: false, errors: faults.list };
  }
  const top = new RequestScope(json, "", faults);
  const request = readRequest(top, readRequiredId(top) ?? "");
  return faults.list.length > 0 ? { ok: false, errors: faults.list } : { ok: true, request };
}

function readRequest(top: RequestScope, id: string): BidRequest {
  const device = top.child("device");
  const user = top.child("user");
  const regs = top.child("regs");
  const listener = user === undefined ? NO_USER : readUser(user);
  return {
    id,
    test: top.flag("test"),
    auctionType: top.number("at", "any") ?? 2,
    tmaxMs: top.number("tmax", "not-negative"),
    currencies: top.texts("cur", LIST_MAX),
    allowedSeats: top.texts("wseat", LIST_MAX),
    blockedSeats: top.texts("bseat", LIST_MAX),
    allowedCategories: top.texts("acat", LIST_MAX),
    blockedCategories: top.texts("bcat", BLOCKLIST_MAX),
    categoryTaxonomy: top.number("cattax", "any") ?? 1,
    blockedAdvertisers: top.texts("badv", BLOCKLIST_MAX),
    blockedApps: top.texts("bapp", BLOCKLIST_MAX),
    allowedLanguages: top.texts("wlang", LIST_MAX),
    dooh: top.has("dooh"),
    imps: readImps(top),
    inventory: readPlace(top),
    device: device === undefined ? NO_DEVICE : readDevice(device),
    user: listener,
    regs: regs === undefined ? NO_REGS : readRegs(regs),
    sessionId: top.child("ext")?.text("sid") ?? listener.sessionId,
  };
}

function readPlace(top: RequestScope): BidRequest["inventory"] {
  const site = top.child("site");
  const app = top.child("app");
  if (site !== undefined && app !== undefined) top.fault("app", "object", "must not stand beside site");
  if (site !== undefined) return readInventory(site, "site");
  return app === undefined ? undefined : readInventory(app, "app");
}

function readImps(top: RequestScope): readonly Imp[] {
  if (!top.has("imp") || top.isEmptyArray("imp")) top.fault("imp", null, "must be a non-empty array");
  const imps: Imp[] = [];
  const ids = new Set<string>();
  for (const scope of top.children("imp", IMPS_MAX)) {
    const id = readRequiredId(scope);
    if (id !== undefined && ids.has(id)) scope.fault("id", id, "must be unique among imps");
    if (id !== undefined) ids.add(id);
    imps.push(readImp(scope, id ?? ""));
  }
  return imps;
}

function readRequiredId(scope: RequestScope): string | undefined {
  const id = scope.text("id");
  if (id === undefined && !scope.has("id")) scope.fault("id", null, "is required");
  if (id !== "") return id;
  scope.fault("id", id, "must not be empty");
  return undefined;
}
