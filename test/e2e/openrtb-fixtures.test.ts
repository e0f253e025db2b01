import { afterAll, beforeAll, expect, test } from "vitest";
import { asDocument, lines } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Client, type OpenRtbResponse } from "../support/client.ts";
import { parseVast } from "../support/client-vast.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeFixtures, type FixtureFolder } from "../support/fixtures.ts";
import { describeWithNats } from "../support/nats.ts";

type Json = Readonly<Record<string, unknown>>;

const MIMES = ["audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav"];
/** Inline VAST in AdCOM's list of protocols; DAAST and wrappers are not ours. */
const INLINE_VAST = [2, 3, 7, 11, 13, 15];
const DURATIONS_MS = [5_000, 10_000, 15_000, 30_000, 60_000];

/** Something for everyone, so that a no-bid has a reason of the request's own. */
const EVERYWHERE = lines(
  ...DURATIONS_MS.map((durationMs) => {
    const id = `everywhere-${durationMs / 1_000}`;
    const mediaFiles = MIMES.map((mimeType) => ({
      url: `https://cdn.example/${id}.${mimeType.slice(6)}`,
      mimeType,
      bitrateKbps: 128,
    }));
    return { id, creative: { durationMs, mediaFiles, categories: ["IAB3-1"] } };
  }),
);

let daemon: TestDaemon;
let client: Client;

const record = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): string[] => list(value).filter((one) => typeof one === "string");
const isName = (value: unknown): boolean => typeof value === "string" && value !== "";

/** Whether decisioning.md 3 calls it malformed: by its ids and its place; fields of a wrong type are the contract test's. */
function isMalformed(request: unknown): boolean {
  const { id, imp, site, app } = record(request);
  const ids = list(imp).map((one) => record(one)["id"]);
  const hasIds = isName(id) && ids.length > 0 && ids.every(isName) && new Set(ids).size === ids.length;
  return !hasIds || (site !== undefined && app !== undefined);
}

/** The audio that may be answered, each with its impression's id. */
function audioOf(request: Json): { readonly imp: Json; readonly audio: Json }[] {
  return list(request["imp"])
    .map(record)
    .map((imp) => ({ imp, audio: record(imp["audio"]) }))
    .filter(({ audio }) => {
      const protocols = list(audio["protocols"]);
      const speaks = protocols.length === 0 || protocols.some((one) => INLINE_VAST.includes(one as number));
      return texts(audio["mimes"]).length > 0 && speaks;
    });
}

async function bidFaults(request: Json, response: OpenRtbResponse): Promise<string[]> {
  const faults: string[] = [];
  const bid = response.seatbid[0]?.bid[0];
  const found = audioOf(request).find(({ imp }) => imp["id"] === bid?.impid);
  if (bid === undefined || found === undefined) return [`impid ${bid?.impid} is no audio of the request`];
  const { imp, audio } = found;
  const ad = await parseVast(bid.adm);
  if (ad === undefined) return ["no ad in adm"];
  const must = (holds: boolean, what: string): void => void (holds || faults.push(what));
  const number = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);
  must(response.id === request["id"], "id of the response");
  must(bid.mtype === 3, `mtype ${bid.mtype}`);
  must(ad.mediaFiles.length > 0, "no media files");
  must(
    ad.mediaFiles.some(({ mimeType }) => texts(audio["mimes"]).includes(mimeType)),
    "no media of an asked type",
  );
  must(bid.dur === ad.durationSeconds, `dur ${bid.dur}, the VAST says ${ad.durationSeconds}`);
  must(bid.dur >= number(audio["minduration"], 0), `shorter than minduration: ${bid.dur}`);
  must(bid.dur <= number(audio["maxduration"], Infinity), `longer than maxduration: ${bid.dur}`);
  const currencies = texts(request["cur"]);
  must(currencies.length === 0 || currencies.includes(response.cur), `currency ${response.cur}`);
  const floor = number(imp["bidfloor"], 0);
  if (floor > 0) {
    must((imp["bidfloorcur"] ?? "USD") === response.cur, "a floor in another currency");
    must(bid.price >= floor, `price ${bid.price} below the floor ${floor}`);
  }
  for (const blocked of texts(request["bcat"]))
    must(!bid.cat.some((cat) => cat === blocked || cat.startsWith(`${blocked}-`)), `blocked category ${blocked}`);
  must(!bid.adomain.some((domain) => texts(request["badv"]).includes(domain)), "blocked advertiser");
  must(!(bid.attr ?? []).some((one) => list(audio["battr"]).includes(one)), "blocked attribute");
  if (imp["secure"] === 1)
    must(
      ad.mediaFiles.every(({ url }) => url.startsWith("https://")),
      "insecure media",
    );
  return faults;
}

/** @returns what is wrong with the daemon's answer to one request, and its status. */
async function judge(request: unknown): Promise<{ readonly status: number; readonly faults: string[] }> {
  const response = await client.post("/openrtb2/2.6/bid", request);
  const text = await response.text();
  const { status } = response;
  if (isMalformed(request)) return { status, faults: status === 400 ? [] : [`${status} instead of 400`] };
  const isAudio = audioOf(record(request)).length > 0;
  if (status === 204) {
    const nbr = response.headers.get("x-chorus-nbr");
    return { status, faults: nbr === null || text !== "" ? ["a 204 without reason, or with a body"] : [] };
  }
  if (status !== 200) return { status, faults: [`status ${status}`] };
  if (!isAudio) return { status, faults: ["a bid for what is no audio of ours"] };
  return { status, faults: await bidFaults(record(request), JSON.parse(text) as OpenRtbResponse) };
}

function requestOf(folder: FixtureFolder, name: string): unknown {
  try {
    return (folder.json(name) as { readonly mockBidRequest?: unknown }).mockBidRequest;
  } catch {
    return undefined; // broken on purpose
  }
}

describeWithNats("requests of exchanges, to the real daemon", () => {
  beforeAll(async () => {
    daemon = await TestDaemon.start();
    client = new Client(daemon.node.http);
    await new AdminClient(daemon.node).apply(asDocument(EVERYWHERE));
  });

  afterAll(() => daemon.dispose());

  for (const [category, leastBids] of [
    ["openrtb-audio-exchanges", 5],
    ["openrtb-mixed-exchanges", 0], // banners, videos and natives
  ] as const) {
    describeFixtures(category, (folder) => {
      test("get an answer that decisioning.md 3 allows, and every bid fits its request", async () => {
        const faults: Record<string, string[]> = {};
        const statuses = new Map<number, number>();
        for (const name of folder.names) {
          const request = requestOf(folder, name);
          if (request === undefined) continue;
          const judged = await judge(request);
          statuses.set(judged.status, (statuses.get(judged.status) ?? 0) + 1);
          if (judged.faults.length > 0) faults[name] = judged.faults;
        }
        console.info(`${category}: ${JSON.stringify(Object.fromEntries(statuses))}`);
        expect(faults).toEqual({});
        expect(statuses.get(200) ?? 0).toBeGreaterThanOrEqual(leastBids);
      });
    });
  }
});
