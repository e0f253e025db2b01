import { afterEach, expect, test } from "vitest";
import { asDocument, lines } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Client, eventUrl, type ReceivedBid } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const SENDER_TOKEN = "a-sender-of-conversions";
/** A wallet reports at least every two seconds, a budget adds up. */
const SETTLED_MS = 15_000;
const CAMPAIGNS = lines({
  id: "sold",
  campaign: { pacing: "asap" },
  adSet: { bidCpmMicros: 9_000_000 },
  creative: { clickUrl: "https://sold.example/bike" },
});
const BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
/** A listener who may be measured: no GDPR, a known id. */
const MEASURED = { regs: { gdpr: 0 } };

let daemon: TestDaemon;

const tokenOf = (bid: ReceivedBid, event: string): string =>
  new URL(eventUrl(bid, event)).searchParams.get("t") ?? "no token";

/** A campaign's first money may still be on its way. */
async function bidFor(client: Client, listener: string): Promise<ReceivedBid> {
  const bids = async () => (await client.ask(listener, MEASURED)).received?.campaignId;
  await eventually(`a bid for ${listener}`, bids, "sold", SETTLED_MS);
  const bid = client.received.at(-1);
  if (bid === undefined) throw new Error("unreachable: the bid was received");
  return bid;
}

async function convert(...events: Readonly<Record<string, unknown>>[]): Promise<string[]> {
  const batch = events.map((event) => ({ type: "conversion", ...event }));
  const headers = { authorization: `Bearer ${SENDER_TOKEN}` };
  const response = await new Client(daemon.node.http).post("/v1/events", batch, headers);
  expect(response.status).toBe(202);
  const { results } = (await response.json()) as { results: { status: string }[] };
  return results.map(({ status }) => status);
}

describeWithNats("conversions on a daemon", () => {
  afterEach(() => daemon.dispose());

  test("join by token and by user, once an order, over kill -9, and bots' do not", async () => {
    daemon = await TestDaemon.start({
      args: ["--no-examples"],
      environment: { CHORUS_EVENTS_SENDERS: JSON.stringify({ shop: SENDER_TOKEN }) },
      fixedPorts: true,
    });
    const admin = new AdminClient(daemon.node);
    await admin.apply(asDocument(CAMPAIGNS));
    const client = new Client(daemon.node.http);
    const bid = await bidFor(client, "buyer");
    const early = await bidFor(client, "other");
    const click = { token: tokenOf(bid, "click") };
    await client.fire(bid, "impression");
    expect((await client.get(eventUrl(bid, "click"), { "user-agent": BOT })).status).toBe(302);
    expect(await client.fire(bid, "click")).toBe("acknowledged");
    expect(await client.fire(bid, "click")).toBe("acknowledged");
    expect(await convert({ orderId: "1", ...click }, { orderId: "2", ...click, userAgent: BOT })).toEqual([
      "accepted",
      "invalid",
    ]);
    expect(await convert({ orderId: "1", ...click })).toEqual(["duplicate"]);
    // Of an ad that is still to be heard, and of the listener's last touch.
    expect(await convert({ orderId: "3", token: tokenOf(early, "start") })).toEqual(["accepted"]);
    const byUser = async () => convert({ orderId: "4", userId: "buyer" });
    await eventually("the listener's touch", byUser, ["accepted"], SETTLED_MS);
    expect(await convert({ orderId: "5", userId: "nobody" })).toEqual(["orphan"]);
    await daemon.kill9();
    await daemon.restart();
    const later = await convert(
      { orderId: "1", ...click },
      { orderId: "2", ...click },
      { orderId: "3", token: tokenOf(early, "start") },
      { orderId: "4", userId: "buyer" },
    );
    expect(later).toEqual(["duplicate", "accepted", "accepted", "duplicate"]);
    expect(await client.fire(early, "impression")).toBe("acknowledged");
    const figures = async () => {
      const { impressions, clicks, conversions } = await new AdminClient(daemon.node).delivery("sold");
      return { impressions, clicks, conversions };
    };
    await eventually("figures", figures, { impressions: 2, clicks: 1, conversions: 4 }, SETTLED_MS);
    expect(await convert({ orderId: "3", token: tokenOf(early, "start") })).toEqual(["duplicate"]);
  });
});
