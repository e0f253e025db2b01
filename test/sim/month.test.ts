import { describe, expect, test } from "vitest";
import { localDate } from "../../actors/calendar/zone.ts";
import { addDays } from "../../actors/calendar/civil-date.ts";
import { fnv1a32 } from "../../protocols/hash.ts";
import { DecisionRequest } from "../../protocols/messages/listener.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { DecisionReplay } from "../../runtime/host/decision-replay.ts";
import { asDocument, lines, type LineSpec, request, roster } from "../support/campaigns.ts";
import { openSealer } from "../support/testkit.ts";
import { MonthPublisher } from "./month-publisher.ts";

/*
 * A month of a small publisher's traffic on the virtual clock: real catalog, budgets, wallets, listeners and deliveries, each commit
 * through its encoding. Every invariant of decisioning.md 6 that applies is checked by what the client itself saw.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** 2026-10-10T00:00Z; the clocks of Berlin go back on 25 October. */
const START_MS = 1_791_590_400_000;
const DAYS = 30;
const LISTENERS = 16;
const BREAKS_A_DAY = 7;
const ZONE = "Europe/Berlin";

const instant = (day: number): string => new Date(START_MS + day * DAY_MS).toISOString().replace(".000", "");

const LINES: readonly LineSpec[] = [
  {
    id: "daily",
    campaign: {
      timezone: ZONE,
      budget: { dailyMicros: 250_000 },
      pacing: "even",
      frequencyCaps: [{ limit: 2, window: "1d", kind: "rolling" }],
    },
    adSet: { bidCpmMicros: 9_000_000, targeting: { countries: ["DEU"] } },
    creatives: 2,
  },
  {
    id: "flight",
    campaign: {
      timezone: ZONE,
      startsAt: instant(5),
      endsAt: instant(20),
      budget: { lifetimeMicros: 2_000_000 },
      pacing: "front-loaded",
      frequencyCaps: [{ limit: 1, window: "1d", kind: "calendar" }],
    },
    adSet: { bidCpmMicros: 12_000_000 },
  },
  {
    id: "morning",
    campaign: { timezone: ZONE, budget: { dailyMicros: 60_000 }, pacing: "asap" },
    adSet: {
      bidCpmMicros: 15_000_000,
      targeting: { dayparts: [{ days: [1, 2, 3, 4, 5], from: "06:00", to: "10:00" }] },
    },
  },
  {
    id: "session",
    campaign: {
      timezone: "UTC",
      budget: { dailyMicros: 400_000 },
      pacing: "traffic",
      frequencyCaps: [{ limit: 1, kind: "session" }],
    },
    adSet: { bidCpmMicros: 4_000_000 },
    creative: { durationMs: 15_000 },
  },
  { id: "house", campaign: { timezone: "UTC", tier: "house" }, adSet: { bidCpmMicros: 1_000_000 }, creatives: 2 },
];

/** What the client knows of an ad that it was given. */
interface Heard {
  readonly campaign: string;
  readonly creative: string;
  readonly atMs: number;
  readonly expiresAtMs: number;
  billedAtMs: number | null;
}

interface Client {
  readonly key: string;
  readonly country: string;
  readonly heard: Heard[];
  /** When the last request was. */
  lastMs: number;
  sessionMs: number;
}

/** Ads that were heard, or still may be. */
const counted = (client: Client, campaign: string, nowMs: number): Heard[] =>
  client.heard.filter((one) => one.campaign === campaign && (one.billedAtMs !== null || one.expiresAtMs >= nowMs));

/** Caps as the client counts them, the new ad included (F1). */
function brokenCaps(client: Client, nowMs: number): string[] {
  const stamps = (campaign: string): number[] =>
    counted(client, campaign, nowMs).map(({ billedAtMs, atMs }) => billedAtMs ?? atMs);
  const broken: string[] = [];
  if (stamps("daily").filter((atMs) => atMs > nowMs - DAY_MS).length > 2) broken.push("daily: 2 per 1d rolling");
  const today = localDate(ZONE, nowMs);
  if (stamps("flight").filter((atMs) => localDate(ZONE, atMs) === today).length > 1) broken.push("flight: 1 per day");
  if (stamps("session").filter((atMs) => atMs >= client.sessionMs).length > 1) broken.push("session: 1 per session");
  return broken;
}

/** S4: the creative just heard does not return within half an hour; an ad that may still play counts as heard. */
function repeats(client: Client, nowMs: number): boolean {
  const [last, before] = client.heard
    .filter(({ billedAtMs, expiresAtMs }) => billedAtMs !== null || expiresAtMs >= nowMs)
    .reverse();
  return before !== undefined && before.creative === last?.creative && nowMs - before.atMs < 30 * MINUTE_MS;
}

interface Month {
  readonly publisher: MonthPublisher;
  readonly clients: readonly Client[];
  /** Micros by campaign and local day, from acknowledged impressions. */
  readonly billed: Map<string, number>;
  readonly broken: string[];
  readonly seen: Map<string, number>;
  readonly random: () => number;
  readonly replays: DecisionReplay;
  paused: Set<string>;
}

const count = (month: Month, what: string, by = 1): void => void month.seen.set(what, (month.seen.get(what) ?? 0) + by);

function requestOf(client: Client, nowMs: number): DecisionRequest {
  const local = new Date(nowMs + 2 * HOUR_MS);
  const hourOfWeek = ((local.getUTCDay() + 6) % 7) * 24 + local.getUTCHours();
  return DecisionRequest.parse(
    JSON.parse(JSON.stringify(request({ receivedAtMs: nowMs, context: { country: client.country, hourOfWeek } }))),
  );
}

/** One break of one listener, with all that the client checks. */
async function breakOf(month: Month, client: Client): Promise<void> {
  const { publisher, random } = month;
  const nowMs = publisher.kit.clock.now;
  if (nowMs - client.lastMs > 30 * MINUTE_MS) client.sessionMs = nowMs;
  client.lastMs = nowMs;
  const { answer, record } = publisher.decide(client.key, requestOf(client, nowMs));
  count(month, "decisions");
  if (random() < 0.05) {
    count(month, "replayed");
    const replayed = await month.replays.replay(record);
    if (replayed.outcome !== "same") month.broken.push(`X1 ${JSON.stringify(replayed)}`);
  }
  const { decisionId } = answer;
  const [bid] = answer.bids;
  if (bid === undefined) return count(month, `nbr ${answer.nbr}`);
  count(month, `bids of ${bid.campaignId}`);
  if (month.paused.has(bid.campaignId)) month.broken.push(`X2 ${bid.campaignId} is paused`);
  const day = (nowMs - START_MS) / DAY_MS;
  if (bid.campaignId === "flight" && (day < 5 || day >= 20)) month.broken.push("V1 outside its flight");
  if (bid.campaignId === "daily" && client.country !== "DEU") month.broken.push("V1 another country");
  const heard: Heard = {
    campaign: bid.campaignId,
    creative: bid.creative.creativeId,
    atMs: nowMs,
    expiresAtMs: bid.expiresAtMs,
    billedAtMs: null,
  };
  client.heard.push(heard);
  if (repeats(client, nowMs)) month.broken.push(`S4 ${heard.creative} twice in a row`);
  play(month, client, heard, decisionId, bid.priceNanos);
  for (const cap of brokenCaps(client, publisher.kit.clock.now)) month.broken.push(`F1 ${client.key} ${cap}`);
}

/** Most bids are heard; some are lost, some never reported, some reported late or several times. */
function play(month: Month, client: Client, heard: Heard, decisionId: string, priceNanos: number): void {
  const { publisher, random } = month;
  const fate = random();
  if (fate < 0.08) {
    // Lost: gives back money and cap, once.
    publisher.report(decisionId, "loss");
    if (publisher.report(decisionId, "loss") === "accepted") month.broken.push("N1 a loss counted twice");
    client.heard.splice(client.heard.indexOf(heard), 1);
    return count(month, "lost");
  }
  if (fate < 0.14) return count(month, "never reported");
  publisher.kit.advance(Math.floor(random() * 90_000));
  const status = publisher.report(decisionId, "impression");
  if (status !== "accepted") return void month.broken.push(`an impression in time was ${status}`);
  heard.billedAtMs = publisher.kit.clock.now;
  const day = `${heard.campaign} ${localDate(zoneOf(heard.campaign), heard.atMs)}`;
  month.billed.set(day, (month.billed.get(day) ?? 0) + priceNanos / 1_000);
  for (let again = random(); again < 0.3; again = random())
    if (publisher.report(decisionId, "impression") === "accepted") month.broken.push("N1 an impression counted twice");
  publisher.report(decisionId, "start");
  publisher.report(decisionId, random() < 0.15 ? "skip" : "complete");
}

const zoneOf = (campaign: string): string =>
  String(LINES.find(({ id }) => id === campaign)?.campaign?.timezone ?? "UTC");

/** What operators do to the publisher's campaigns in the course of the month. */
const CHANGES: Readonly<Record<number, (month: Month) => void>> = {
  3: (month) => change(month, "house", { status: "paused" }),
  4: (month) => change(month, "house", { status: "active" }),
  12: (month) => change(month, "daily", { budget: { dailyMicros: 60_000 } }),
  16: (month) => change(month, "daily", { status: "paused" }),
  18: (month) => change(month, "daily", { status: "active", budget: { dailyMicros: 500_000 } }),
};

function change(month: Month, id: string, fields: object): void {
  const spec = LINES.find((each) => each.id === id);
  if (spec === undefined) throw new Error(`no campaign ${id}`);
  month.publisher.apply(asDocument(lines({ ...spec, campaign: { ...spec.campaign, ...fields } })));
  if ("status" in fields) month.paused = fields.status === "paused" ? new Set([id]) : new Set();
  count(month, "changes");
}

async function live(seed: number): Promise<Month> {
  const publisher = new MonthPublisher(START_MS, roster);
  const random = randomStream(fnv1a32(`month ${seed}`));
  const replays = new DecisionReplay({
    sealer: openSealer,
    roster,
    configVersion: "month",
    documentsAt: async (version) => publisher.versions.get(version) ?? null,
  });
  const clients = Array.from({ length: LISTENERS }, (_, at): Client => ({
    key: `listener-${at}`,
    country: at % 3 === 0 ? "USA" : "DEU",
    heard: [],
    lastMs: 0,
    sessionMs: 0,
  }));
  const month: Month = {
    publisher,
    clients,
    billed: new Map(),
    broken: [],
    seen: new Map(),
    random,
    replays,
    paused: new Set(),
  };
  publisher.apply(asDocument(lines(...LINES)));
  const stepMs = DAY_MS / (LISTENERS * BREAKS_A_DAY);
  for (let day = 0; day < DAYS; day++) {
    CHANGES[day]?.(month);
    const endMs = START_MS + (day + 1) * DAY_MS;
    while (publisher.kit.clock.now < endMs) {
      const client = clients[Math.floor(random() * LISTENERS)];
      if (client !== undefined) await breakOf(month, client);
      publisher.kit.advance(Math.floor(random() * 2 * stepMs));
      if (random() < 0.004) {
        publisher.kit.crashAndRecover();
        count(month, "crashes");
      }
    }
  }
  // Two days on, every reservation has ended and every wallet has reported.
  publisher.kit.advance(2 * DAY_MS);
  return month;
}

/** Highest budget of a campaign's day in the month; what was committed when it was cut may still play (B1). */
const DAILY_MAX: Readonly<Record<string, (date: string) => number>> = {
  daily: (date) => (date > addDays(localDate(ZONE, START_MS), 17) ? 500_000 : 250_000),
  morning: () => 60_000,
  session: () => 400_000,
};

describe("a month of a small publisher", () => {
  test.each([1, 2])(
    "keeps caps, separation, budgets, dates, pauses and exact figures, through crashes and changes (seed %i)",
    async (seed) => {
      const month = await live(seed);
      const { publisher, billed, seen } = month;
      console.info(`seed ${seed}: ${JSON.stringify(Object.fromEntries([...seen].sort()))}`);
      expect(month.broken).toEqual([]);
      for (const [day, micros] of billed) {
        const [campaign = "", date = ""] = day.split(" ");
        const most = DAILY_MAX[campaign]?.(date);
        if (most !== undefined) expect(`${day}: ${micros <= most}`).toBe(`${day}: true`);
      }
      for (const { id } of LINES) {
        const spent = [...billed].reduce((sum, [day, micros]) => (day.startsWith(`${id} `) ? sum + micros : sum), 0);
        if (id === "flight") expect(spent).toBeLessThanOrEqual(2_000_000);
        // B2, B3: what was billed is what the ledger says, and no reservation is left.
        expect({ id, ...publisher.balance(id) }).toMatchObject({
          id,
          spentMicros: Math.round(spent),
          reservedMicros: 0,
        });
      }
      for (const what of [
        "crashes",
        "replayed",
        "lost",
        "never reported",
        "changes",
        "bids of daily",
        "bids of flight",
        "bids of morning",
        "bids of session",
        "bids of house",
      ])
        expect([what, (seen.get(what) ?? 0) > 4]).toEqual([what, true]);
    },
  );
});
