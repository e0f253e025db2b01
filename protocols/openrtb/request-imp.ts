import type { Audio, CompanionSlot, Deal, DurationFloor, Imp } from "./bid-request.ts";
import { floorMicros } from "./cpm.ts";
import type { RequestScope } from "./request-scope.ts";

const LIST_MAX = 1_000;
const DEALS_MAX = 100;
const DEFAULT_CURRENCY = "USD";
const WITHOUT_AUDIO: Imp = Object.freeze({
  id: "",
  audio: undefined,
  floorCpmMicros: 0,
  floorCurrency: DEFAULT_CURRENCY,
  secure: false,
  expirySeconds: undefined,
  serverSideInsertion: 0,
  rewarded: false,
  tagId: undefined,
  privateAuction: false,
  deals: [],
});

/** Reads one impression; the id is checked by the caller, which knows the others. Without audio nothing else of it is read. */
export function readImp(scope: RequestScope, id: string): Imp {
  const audio = scope.child("audio");
  if (audio === undefined) return { ...WITHOUT_AUDIO, id };
  const pmp = scope.child("pmp");
  return {
    id,
    audio: readAudio(audio),
    floorCpmMicros: floorMicros(scope.number("bidfloor", "not-negative") ?? 0),
    floorCurrency: scope.text("bidfloorcur") ?? DEFAULT_CURRENCY,
    secure: scope.flag("secure"),
    expirySeconds: scope.number("exp", "not-negative"),
    serverSideInsertion: scope.number("ssai", "any") ?? 0,
    rewarded: scope.flag("rwdd"),
    tagId: scope.text("tagid"),
    privateAuction: pmp?.flag("private_auction") ?? false,
    deals: pmp === undefined ? [] : readDeals(pmp),
  };
}

function readAudio(scope: RequestScope): Audio {
  return {
    mimes: scope.texts("mimes", LIST_MAX),
    minDurationSeconds: scope.number("minduration", "not-negative") ?? 0,
    maxDurationSeconds: scope.number("maxduration", "not-negative"),
    requiredDurationsSeconds: scope.numbers("rqddurs", "not-negative", LIST_MAX),
    startDelaySeconds: scope.number("startdelay", "any"),
    podDurationSeconds: scope.number("poddur", "not-negative"),
    podId: scope.text("podid"),
    podSequence: scope.number("podseq", "any") ?? 0,
    slotInPod: scope.number("slotinpod", "any") ?? 0,
    adsMax: scope.number("maxseq", "not-negative"),
    feed: scope.number("feed", "any"),
    stitched: scope.flag("stitched"),
    volumeNormalisation: scope.number("nvol", "any"),
    protocols: scope.numbers("protocols", "any", LIST_MAX),
    blockedAttributes: scope.numbers("battr", "any", LIST_MAX),
    apis: scope.numbers("api", "any", LIST_MAX),
    deliveries: scope.numbers("delivery", "any", LIST_MAX),
    minBitrateKbps: scope.number("minbitrate", "not-negative"),
    maxBitrateKbps: scope.number("maxbitrate", "not-negative"),
    // -1 means that extension is allowed without limit.
    maxExtendedSeconds: scope.number("maxextended", "any"),
    companions: readCompanions(scope),
    companionTypes: scope.numbers("companiontype", "any", LIST_MAX),
    sequence: scope.number("sequence", "any"),
    durationFloors: readDurationFloors(scope),
    minCpmMicrosPerSecond: readCpmPerSecond(scope),
  };
}

function readDeals(pmp: RequestScope): readonly Deal[] {
  const deals: Deal[] = [];
  for (const scope of pmp.children("deals", DEALS_MAX)) {
    const id = scope.text("id");
    // A deal that cannot be named cannot be answered; the imp itself stays open.
    if (id === undefined) continue;
    deals.push({
      id,
      floorCpmMicros: floorMicros(scope.number("bidfloor", "not-negative") ?? 0),
      floorCurrency: scope.text("bidfloorcur") ?? DEFAULT_CURRENCY,
      auctionType: scope.number("at", "any"),
      allowedSeats: scope.texts("wseat", LIST_MAX),
      allowedAdvertisers: scope.texts("wadomain", LIST_MAX),
      guaranteed: scope.flag("guar"),
      durationFloors: readDurationFloors(scope),
      minCpmMicrosPerSecond: readCpmPerSecond(scope),
    });
  }
  return deals;
}

function readCpmPerSecond(scope: RequestScope): number | undefined {
  const cpm = scope.number("mincpmpersec", "not-negative");
  return cpm === undefined ? undefined : floorMicros(cpm);
}

function readDurationFloors(scope: RequestScope): readonly DurationFloor[] {
  const floors: DurationFloor[] = [];
  if (!scope.has("durfloors")) return floors;
  for (const floor of scope.children("durfloors", LIST_MAX)) {
    floors.push({
      minSeconds: floor.number("mindur", "not-negative") ?? 0,
      maxSeconds: floor.number("maxdur", "not-negative") ?? Number.MAX_SAFE_INTEGER,
      floorCpmMicros: floorMicros(floor.number("bidfloor", "not-negative") ?? 0),
    });
  }
  return floors;
}

function readCompanions(scope: RequestScope): readonly CompanionSlot[] {
  const slots: CompanionSlot[] = [];
  if (!scope.has("companionad")) return slots;
  for (const banner of scope.children("companionad", LIST_MAX)) {
    const id = banner.text("id");
    addSlot(slots, id, banner);
    for (const format of banner.children("format", LIST_MAX)) addSlot(slots, id, format);
  }
  return slots;
}

function addSlot(slots: CompanionSlot[], id: string | undefined, size: RequestScope): void {
  const widthPixels = size.number("w", "not-negative");
  const heightPixels = size.number("h", "not-negative");
  if (widthPixels !== undefined && heightPixels !== undefined) slots.push({ id, widthPixels, heightPixels });
}
