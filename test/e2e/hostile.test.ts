import { afterAll, beforeAll, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { AdminClient } from "../support/client-admin.ts";
import { bidRequestOf, Client, eventUrl, type ReceivedBid } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const SEED = Number(process.env["E2E_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const BID = "/openrtb2/2.6/bid";
const HOUR_MS = 3_600_000;
const SETTLED_MS = 10_000;

let daemon: TestDaemon;
let client: Client;
let admin: AdminClient;

async function bidFor(listener: string): Promise<ReceivedBid> {
  const { received } = await client.ask(listener);
  if (received === undefined) throw new Error(`no bid for ${listener}`);
  return received;
}

async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.arrayBuffer();
  return response.status;
}

/** The same URL with one character of its token changed. */
function altered(url: string, at: number): string {
  const token = /[?&]t=([^&]+)/.exec(url)?.[1] ?? "";
  const other = token[at] === "A" ? "B" : "A";
  return url.replace(token, token.slice(0, at) + other + token.slice(at + 1));
}

/** Swaps, drops, repeats and breaks bytes of a text. */
function mutate(text: string, random: () => number): string {
  let bytes = [...text];
  const many = 1 + Math.floor(random() * 4);
  for (let at = 0; at < many; at++) {
    const from = Math.floor(random() * bytes.length);
    const length = Math.floor(random() * 12);
    const draw = random();
    if (draw < 0.4) bytes.splice(from, length);
    else if (draw < 0.7) bytes[from] = String.fromCharCode(Math.floor(random() * 256));
    else if (draw < 0.85) bytes = [...bytes, ...bytes.slice(from, from + length)];
    else bytes.splice(from, 0, ["null", "-1", '"__proto__":', "{", "[", "1e999", "\\u0000"][length % 7] ?? "");
  }
  return bytes.join("");
}

describeWithNats("what hostile clients send", () => {
  beforeAll(async () => {
    daemon = await TestDaemon.start({ fixedPorts: true });
    client = new Client(daemon.node.http);
    admin = new AdminClient(daemon.node);
  });

  afterAll(() => daemon.dispose());

  test("bodies that are no bid request get 400 and nothing else", async () => {
    const bodies = ["", "{", "[]", "null", "7", '"text"', "{}", '{"id":1}', '{"id":"a","imp":[]}', "\u0000", "<xml/>"];
    for (const body of bodies) {
      const response = await client.post(BID, body);
      expect([response.status, await response.text()], body).toEqual([400, ""]);
    }
  });

  test("who tests is told every fault as a problem document", async () => {
    const response = await client.post(BID, { id: "", imp: [{}], site: {}, app: {}, test: 1 });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = (await response.json()) as { code: string; errors: { path: string }[] };
    expect(problem.code).toBe("REQUEST_MALFORMED");
    expect(problem.errors.map(({ path }) => path)).toEqual(expect.arrayContaining(["id", "imp[0].id"]));
  });

  test("a body of two megabytes is refused", async () => {
    const response = await client.post(
      BID,
      JSON.stringify({ ...bidRequestOf("big"), pad: "x".repeat(2 * 1024 * 1024) }),
    );
    expect(response.status).toBe(413);
  });

  test("a body of brackets is refused, at once", async () => {
    for (const bracket of ["[", '{"a":']) {
      const startedMs = performance.now();
      const response = await client.post(BID, bracket.repeat(150_000));
      expect(response.status).toBe(400);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    }
  });

  test("keys that reach for prototypes change nothing for anybody", async () => {
    const text = JSON.stringify(bidRequestOf("proto"));
    const poison = '"__proto__":{"test":1,"bcat":["IAB1"]},"constructor":{"prototype":{"test":1}},';
    const response = await client.post(BID, `{${poison}${text.slice(1)}`);
    expect(response.status).toBe(200);
    expect((await client.ask("proto-2")).status).toBe(200);
  });

  test("a thousand mangled requests get 200, 204 or 400, and the node serves on", async () => {
    console.info(`seed ${SEED}: E2E_SEED=${SEED} repeats its choices`);
    const random = randomStream(SEED);
    const statuses = new Map<number, number>();
    for (let at = 0; at < 100; at++) {
      const answers = Array.from({ length: 10 }, () =>
        client.post(BID, mutate(JSON.stringify(bidRequestOf("fuzz")), random)),
      );
      for (const response of await Promise.all(answers)) {
        await response.arrayBuffer();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      }
    }
    expect([...statuses.keys()].filter((status) => ![200, 204, 400].includes(status))).toEqual([]);
    expect((await client.ask("after-fuzz")).status).toBe(200);
  });

  test("tokens that are forged, altered, cut or used for another event get 400, and count nowhere", async () => {
    const received = await bidFor("forger");
    const before = await admin.delivery(received.campaignId);
    const impression = eventUrl(received, "impression");
    const token = new URL(impression).searchParams.get("t") ?? "";
    const { http } = daemon.node;
    const forged = [
      `${http}/e`,
      `${http}/e?t=`,
      `${http}/e?t=${"A".repeat(token.length)}`,
      `${http}/e?t=${token.slice(0, -4)}`,
      `${http}/e?t=${token}AAAA`,
      `${http}/e?t=${"x".repeat(10_000)}`,
      ...Array.from({ length: token.length }, (_, at) => altered(impression, at)),
      // An impression is no billing notice, and a notice is no beacon.
      `${http}/n/bill?t=${token}&price=${received.bid.price}`,
      `${http}/e?t=${new URL(received.bid.burl.replace("${AUCTION_PRICE}", "1")).searchParams.get("t")}`,
    ];
    for (const url of forged) expect(await statusOf(url), url).toBe(400);
    for (const method of ["HEAD", "POST", "PUT", "DELETE"])
      expect(await statusOf(impression, { method }), method).toBeGreaterThanOrEqual(400);
    const click = new URL(eventUrl(received, "click"));
    click.searchParams.set("u", "https://elsewhere.example/");
    expect(await statusOf(click.href)).toBe(400);
    expect(await client.fire(received, "impression")).toBe("acknowledged");
    const impressions = async (): Promise<number> => (await admin.delivery(received.campaignId)).impressions;
    await eventually("the true impression counts alone", impressions, before.impressions + 1, SETTLED_MS);
    const explained = await admin.explain(received.decisionId);
    expect(explained.events.map(({ event }) => event)).toEqual(["impression"]);
  });

  test("a notice with its macro unexpanded, or with a price we never bid, changes nothing", async () => {
    const received = await bidFor("macros");
    const { burl, price } = received.bid;
    for (const written of ["${AUCTION_PRICE}", "", "0", "-1", "NaN", "1e9", String(price * 2)])
      expect(await statusOf(burl.replace("${AUCTION_PRICE}", encodeURIComponent(written))), written).toBe(204);
    const { events } = await admin.explain(received.decisionId);
    expect(events).toEqual([]);
  });

  test("the admin API and the batch door open for nobody without their token", async () => {
    const { admin: url, http } = daemon.node;
    const doors = [
      "GET /v1/campaigns",
      "POST /v1/apply",
      "GET /v1/decisions",
      "GET /metrics",
      "POST /v1/control/drain",
    ];
    for (const [method = "", path] of doors.map((door) => door.split(" ")))
      for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${daemon.node.adminToken}`])
        expect(await statusOf(`${url}${path}`, { method, headers: { authorization } }), path).toBe(401);
    expect(await statusOf(`${http}/v1/events`, { method: "POST", body: "[]" })).toBe(401);
    expect(await statusOf(`${http}/v1/campaigns`)).toBe(404);
  });

  test("a token past its time gets 410, and its money is free again", async () => {
    const received = await bidFor("late");
    const { campaignId } = received;
    await daemon.sigterm();
    await daemon.restart({ CHORUS_CLOCK_OFFSET_MS: String(2 * HOUR_MS) });
    admin = new AdminClient(daemon.node);
    const before = await admin.delivery(campaignId);
    expect(await statusOf(eventUrl(received, "impression"))).toBe(410);
    expect(await statusOf(eventUrl(received, "bill"))).toBe(410);
    const figures = async (): Promise<unknown> => {
      const { impressions, spentMicros, reservedMicros } = await admin.delivery(campaignId);
      return { impressions, spentMicros, reservedMicros };
    };
    const { impressions, spentMicros } = before;
    await eventually(
      "ended reservations give back",
      figures,
      { impressions, spentMicros, reservedMicros: 0 },
      SETTLED_MS,
    );
  });
});
