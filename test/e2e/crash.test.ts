import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { asDocument, lines } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Crowd, type Promised } from "../support/client-crowd.ts";
import { expectedFigures, figuresOf, isBilled, resolveUnknown } from "../support/client-history.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const SEED = Number(process.env["E2E_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const KILLS = 10;
/** Of them, this many while the daemon starts. */
const KILLS_WHILE_STARTING = 2;
const LISTENERS = 40;
const WORKERS = 12;
const ANSWERS_BETWEEN = { least: 30, most: 260 };
const JITTER_MS = 30;
const STARTING_MS = 1_200;
/** A wallet reports at least every two seconds, a budget adds up. */
const SETTLED_MS = 15_000;

/** A zone where it is about noon, so that no day of a campaign ends during the test. */
const offset = 12 - new Date().getUTCHours();
const NOON_ZONE = `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
const DAILY_CPM = 12_345_678;
const LIFETIME_CPM = 11_000_000;
const budgetMicros = { daily: 370_000, lifetime: 297_000 }; // about thirty impressions each
const common = { timezone: NOON_ZONE, tier: "standard", pacing: "asap" } as const;
const CAMPAIGNS = lines(
  {
    id: "daily",
    campaign: { ...common, budget: { dailyMicros: budgetMicros.daily } },
    adSet: { bidCpmMicros: DAILY_CPM },
    creatives: 2,
  },
  {
    id: "lifetime",
    campaign: { ...common, budget: { lifetimeMicros: budgetMicros.lifetime } },
    adSet: { bidCpmMicros: LIFETIME_CPM },
  },
  {
    id: "twice",
    campaign: { ...common, frequencyCaps: [{ limit: 2, window: "1d", kind: "rolling" }] },
    adSet: { bidCpmMicros: 9_000_001 },
    creatives: 2,
  },
  {
    id: "thrice",
    campaign: { ...common, frequencyCaps: [{ limit: 3, kind: "session" }] },
    adSet: { bidCpmMicros: 8_000_000 },
  },
  { id: "open", campaign: { ...common, tier: "house" }, adSet: { bidCpmMicros: 1_500_000 } },
  { id: "free", campaign: { ...common, tier: "house" }, adSet: { bidCpmMicros: 1_000_000 } },
);
const IDS = ["daily", "lifetime", "twice", "thrice", "open", "free"] as const;
const PROMISED: readonly Promised[] = [
  { campaignId: "daily", budgetNanos: budgetMicros.daily * 1_000 },
  { campaignId: "lifetime", budgetNanos: budgetMicros.lifetime * 1_000 },
  { campaignId: "twice", capLimit: 2 },
  { campaignId: "thrice", capLimit: 3 },
];

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

async function budgetsHold(admin: AdminClient): Promise<void> {
  for (const [id, limit] of Object.entries(budgetMicros)) {
    const { spentMicros, reservedMicros, grantedMicros } = await admin.delivery(id);
    // Each of the three is rounded by itself.
    expect(spentMicros + reservedMicros + grantedMicros, `committed of ${id}`).toBeLessThanOrEqual(limit + 1);
  }
}

/** What may still play holds money; what was decided for nobody may hold some too, as long as its answer is unknown. */
async function reservationsHold(admin: AdminClient, client: Client, unanswered: number): Promise<void> {
  for (const id of IDS) {
    const open = client.bidsOf(id, (bid) => !isBilled(bid) && bid.sent.get("loss") !== "acknowledged");
    const nanos = open.reduce((sum, bid) => sum + bid.priceNanos, 0);
    const most = nanos + unanswered * DAILY_CPM;
    const { reservedMicros } = await admin.delivery(id);
    expect(reservedMicros, `reserved of ${id}`).toBeGreaterThanOrEqual(Math.floor(nanos / 1_000));
    expect(reservedMicros, `reserved of ${id}`).toBeLessThanOrEqual(Math.ceil(most / 1_000));
  }
}

/** @returns ids that do not explain, or explain as something else than was received. */
async function unexplained(admin: AdminClient, client: Client): Promise<string[]> {
  const received = new Map(client.received.map((bid) => [bid.decisionId, bid]));
  const ids = [...client.decisionIds];
  const wrong: string[] = [];
  const work = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const bid = received.get(id);
      try {
        const { decisionId, outcome, campaignId, creativeId, events } = await admin.explain(id);
        const said = [decisionId, outcome, campaignId, creativeId];
        const known = bid === undefined ? [id, "no-bid", null, null] : [id, "bid", bid.campaignId, bid.creativeId];
        if (String(said) !== String(known)) wrong.push(`${id}: ${String(said)}, received ${String(known)}`);
        for (const [event, state] of bid?.sent ?? [])
          if (
            state === "acknowledged" &&
            !(event === "bill" || event === "impression") &&
            !events.some((one) => one.event === event)
          )
            wrong.push(`${id}: the acknowledged ${event} is not in its events`);
        if (
          bid !== undefined &&
          isBilled(bid) &&
          !events.some(({ event }) => event === "impression" || event === "bill")
        )
          wrong.push(`${id}: billed, but no billing among its events`);
      } catch (error) {
        wrong.push(`${id}: ${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return wrong;
}

describeWithNats("ten times kill -9 under load", () => {
  test(
    "nothing acknowledged is lost, nothing counts twice, and no budget or cap is broken",
    { timeout: 120_000 },
    async () => {
      console.info(`seed ${SEED}: E2E_SEED=${SEED} repeats its choices`);
      const random = randomStream(SEED);
      daemon = await TestDaemon.start({ args: ["--no-examples"], fixedPorts: true });
      await new AdminClient(daemon.node).apply(asDocument(CAMPAIGNS));
      const client = new Client(daemon.node.http);
      const listeners = Array.from({ length: LISTENERS }, (_, at) => `listener-${at}`);
      const crowd = new Crowd({ client, listeners, workers: WORKERS, random, promised: PROMISED });
      const starting = new Set<number>();
      while (starting.size < KILLS_WHILE_STARTING) starting.add(1 + Math.floor(random() * (KILLS - 1)));
      const restartsMs: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const { least, most } = ANSWERS_BETWEEN;
        if (starting.has(kill)) {
          await delay(random() * STARTING_MS);
        } else {
          await crowd.answers(least + Math.floor(random() * (most - least)));
          await delay(random() * JITTER_MS);
        }
        crowd.daemonGoesDown();
        await daemon.kill9();
        if (starting.has(kill + 1)) {
          daemon.spawn();
          continue;
        }
        const startedMs = performance.now();
        await daemon.restart();
        restartsMs.push(Math.round(performance.now() - startedMs));
        crowd.daemonIsUp();
        await budgetsHold(new AdminClient(daemon.node));
      }
      await crowd.answers(ANSWERS_BETWEEN.most);
      await crowd.stop();
      const resent = await resolveUnknown(client);
      console.info(
        `${client.decisionIds.size} decisions, ${client.received.length} bids, ${crowd.unanswered} requests unanswered, ` +
          `${resent} beacons sent again; restarts ${restartsMs.join(", ")} ms; ${JSON.stringify(Object.fromEntries(client.answers))}`,
      );
      expect(crowd.broken).toEqual([]);
      const refused = client.received.filter(({ sent }) => [...sent.values()].includes("refused"));
      expect(refused.map(({ decisionId, sent }) => [decisionId, ...sent])).toEqual([]);

      const admin = new AdminClient(daemon.node);
      const all = Object.fromEntries(IDS.map((id) => [id, expectedFigures(client, id)]));
      await eventually("the figures are the client's own", () => figuresOf(admin, IDS), all, SETTLED_MS);
      await budgetsHold(admin);
      await reservationsHold(admin, client, crowd.unanswered);
      expect(await unexplained(admin, client)).toEqual([]);

      expect(await daemon.sigterm()).toMatchObject({ code: 0 });
      await daemon.restart();
      const after = new AdminClient(daemon.node);
      await eventually("the figures survive a clean stop", () => figuresOf(after, IDS), all, SETTLED_MS);
      await reservationsHold(after, client, crowd.unanswered);
    },
  );
});
