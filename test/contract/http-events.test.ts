import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { signToken, type TokenFields, tokenKey } from "../../protocols/tracking-token.ts";
import { signTarget } from "../../runtime/http/click-target.ts";
import { bidRequest, type EdgeRig, fault, KEYS, MINUTE_MS, startServing } from "../support/http-edge.ts";

const PRICE_NANOS = 12_000_000;
const PARTITION = asPartition(5);
let rig: EdgeRig;

beforeEach(async () => {
  rig = await startServing();
});
afterEach(() => rig.server.close());

function fieldsOf(event: TrackedEvent): TokenFields {
  const nowMs = rig.clock.nowMs();
  return {
    decisionId: decisionIdOf({ nowMs, partition: PARTITION, epoch: 1, commitSeq: 1, index: 0 }),
    partition: PARTITION,
    slot: 0,
    event,
    priceNanos: PRICE_NANOS,
    impressionExpiryMs: nowMs + 20 * MINUTE_MS,
    clickExpiryMs: nowMs + 24 * 60 * MINUTE_MS,
    test: false,
  };
}

const token = (event: TrackedEvent): string => signToken(KEYS[0], fieldsOf(event));
const codeOf = async (response: Response): Promise<unknown> => ((await response.json()) as { code: unknown }).code;

describe("a beacon", () => {
  test.each(["impression", "start", "midpoint", "complete", "mute", "skip", "error"] as const)(
    "of %s is answered 204 once its delivery has it",
    async (event) => {
      const response = await rig.get(`/e?t=${token(event)}`);
      expect(response.status).toBe(204);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(rig.asker.asked).toEqual([
        {
          to: { kind: "delivery", key: fieldsOf("start").decisionId, partition: PARTITION },
          type: "Event",
          payload: { event, atMs: rig.clock.nowMs() },
        },
      ]);
    },
  );

  test.each(["duplicate", "test"])("that is %s is answered the same, for it is safe to repeat", async (status) => {
    rig.asker.on("delivery.Event", () => status);
    expect((await rig.get(`/e?t=${token("impression")}`)).status).toBe(204);
    expect(rig.observed.at(-1)).toMatchObject({ route: "/e", outcome: status });
  });

  test("gets an image where the client would rather have one", async () => {
    const response = await rig.get(`/e?t=${token("impression")}`, { accept: "image/avif,image/*,*/*;q=0.8" });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/gif"]);
    expect(
      Buffer.from(await response.arrayBuffer())
        .subarray(0, 6)
        .toString(),
    ).toBe("GIF89a");
  });

  test.each([
    ["altered", () => token("impression").replace(/^./, (first) => (first === "A" ? "B" : "A"))],
    ["of a key that is not live", () => signToken(tokenKey(1, Buffer.alloc(32, 9)), fieldsOf("impression"))],
    ["of no shape", () => "x"],
    ["absent", () => ""],
    ["repeated", () => `${token("impression")}&t=${token("impression")}`],
    ["of a notice", () => token("bill")],
  ])("with a token %s is forged: 400, and nobody is asked (N3)", async (_case, forge) => {
    const response = await rig.get(`/e?t=${forge()}`);
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe("TOKEN_FORGED");
    expect(rig.asker.asked).toEqual([]);
  });

  test("of the key before is still good", async () => {
    expect((await rig.get(`/e?t=${signToken(KEYS[1], fieldsOf("start"))}`)).status).toBe(204);
  });

  test("after its expiry is gone: impressions with the reservation, the rest a day later", async () => {
    const [impression, start] = [token("impression"), token("start")];
    rig.clock.advance(21 * MINUTE_MS);
    const response = await rig.get(`/e?t=${impression}`);
    expect(response.status).toBe(410);
    expect(await codeOf(response)).toBe("TOKEN_EXPIRED");
    expect((await rig.get(`/e?t=${start}`)).status).toBe(204);
    rig.clock.advance(24 * 60 * MINUTE_MS);
    expect((await rig.get(`/e?t=${start}`)).status).toBe(410);
    expect(rig.asker.asked).toHaveLength(1);
  });

  test.each(["late", undefined])("of an impression whose reservation has ended (%s) is gone", async (status) => {
    rig.asker.on("delivery.Event", () => status);
    expect((await rig.get(`/e?t=${token("impression")}`)).status).toBe(410);
    expect((await rig.get(`/e?t=${token("complete")}`)).status).toBe(204);
    expect(rig.observed.map(({ outcome }) => outcome)).toEqual(Array(2).fill(status ?? "orphan"));
    expect(rig.asker.published).toEqual([]);
  });
});

describe("a beacon whose owner does not answer (D4)", () => {
  test.each(["ASK_EXPIRED", "NOT_OWNER", "OVERLOADED", "HANDLER_FAILED"] as const)(
    "(%s) goes into the partition's mail and is accepted then",
    async (code) => {
      rig.asker.on("delivery.Event", () => {
        throw fault(code);
      });
      expect((await rig.get(`/e?t=${token("impression")}`)).status).toBe(204);
      expect(rig.asker.published).toEqual([
        {
          to: { kind: "delivery", key: fieldsOf("start").decisionId, partition: PARTITION },
          type: "LateEvent",
          payload: { event: "impression", atMs: rig.clock.nowMs() },
        },
      ]);
      expect(rig.observed.at(-1)?.outcome).toBe("stored");
    },
  );

  test("is not accepted when the bus does not answer either", async () => {
    rig.asker.on("delivery.Event", () => {
      throw fault("NOT_OWNER");
    });
    rig.asker.ingress = () => fault("NATS_UNAVAILABLE");
    const response = await rig.get(`/e?t=${token("impression")}`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test("is put off when the backlog is at its bound", async () => {
    rig.asker.on("delivery.Event", () => {
      throw fault("OVERLOADED");
    });
    rig.asker.ingress = () => false;
    const response = await rig.get(`/e?t=${token("impression")}`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await codeOf(response)).toBe("OVERLOADED");
  });
});

test("under pressure a beacon is put off and not handed on", async () => {
  await rig.server.close();
  rig = await startServing({ shedding: () => true });
  const response = await rig.get(`/e?t=${token("impression")}`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(rig.asker.asked).toEqual([]);
});

describe("a click", () => {
  const clickUrl = async (): Promise<string> => {
    const answer = (await (await rig.post("/openrtb2/2.6/bid", bidRequest())).json()) as {
      seatbid: { bid: { adm: string }[] }[];
    };
    const url = /<ClickThrough><!\[CDATA\[([^\]]+)\]\]>/.exec(answer.seatbid[0]?.bid[0]?.adm ?? "")?.[1];
    if (url === undefined) throw new Error("no click URL");
    rig.asker.asked.length = 0;
    return url.replace("https://ads.example", "");
  };

  test("goes on to the advertiser once it is counted", async () => {
    const response = await rig.get(await clickUrl());
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("https://nordlicht.example/fr%C3%BChling?a=1&b=2");
    expect(rig.asker.asked[0]?.payload).toMatchObject({ event: "click" });
  });

  test("goes nowhere that we did not sign, so it is no open redirect", async () => {
    const url = await clickUrl();
    const evil = encodeURIComponent("https://evil.example/");
    const forged = [
      url.replace(/&u=[^&]*/, `&u=${evil}`),
      url.replace(/&s=.*/, ""),
      url.replace(/&s=./, (match) => (match === "&s=A" ? "&s=B" : "&s=A")),
      `/e?t=${token("click")}&u=${evil}&s=${signTarget(KEYS[0], token("impression"), "https://evil.example/")}`,
    ];
    for (const one of forged) expect((await rig.get(one)).status).toBe(400);
    expect(rig.asker.asked).toEqual([]);
  });

  test("that leads nowhere is answered as any event", async () => {
    expect((await rig.get(`/e?t=${token("click")}`)).status).toBe(204);
  });
});

describe("a notice", () => {
  const events = (): unknown[] => rig.asker.asked.map(({ payload }) => (payload as { event: string }).event);

  test.each([
    ["win", "price=11.5"],
    ["win", "price=12"],
    ["bill", "price=12.00"],
    ["loss", "reason=102"],
    ["loss", "reason="],
  ])("/n/%s?%s reaches its delivery", async (notice, macros) => {
    expect((await rig.get(`/n/${notice}?t=${token(notice as TrackedEvent)}&${macros}`)).status).toBe(204);
    expect(events()).toEqual([notice]);
  });

  test.each([
    ["win", "price=%24%7BAUCTION_PRICE%7D"],
    ["bill", "price=${AUCTION_PRICE}"],
    ["bill", "price="],
    ["bill", "price=AUDIT"],
    ["bill", "price=-1"],
    ["bill", "price=0"],
    ["bill", "price=1e3"],
    ["bill", "price=12.01"],
    ["bill", "price=999999999"],
    ["bill", ""],
    ["loss", "reason=0"],
  ])("/n/%s?%s is answered and changes nothing", async (notice, macros) => {
    expect((await rig.get(`/n/${notice}?t=${token(notice as TrackedEvent)}&${macros}`)).status).toBe(204);
    expect(rig.asker.asked).toEqual([]);
    expect(rig.observed.at(-1)?.outcome).toBe("implausible");
  });

  test("takes its own token only", async () => {
    expect((await rig.get(`/n/win?t=${token("bill")}&price=12`)).status).toBe(400);
    expect((await rig.get(`/n/bill?t=${token("impression")}&price=12`)).status).toBe(400);
    expect((await rig.get(`/n/loss?t=${token("loss").slice(1)}`)).status).toBe(400);
  });

  test("of billing after the reservation's end is gone", async () => {
    const bill = token("bill");
    rig.clock.advance(21 * MINUTE_MS);
    expect((await rig.get(`/n/bill?t=${bill}&price=12`)).status).toBe(410);
  });
});

describe("a batch of server-side events", () => {
  const SENDER = { authorization: "Bearer sender-token" };

  test("wants the token of a sender", async () => {
    for (const headers of [{}, { authorization: "Bearer other" }, { authorization: "Basic sender-token" }]) {
      const response = await rig.post("/v1/events", [], headers);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
  });

  test("gets one status an event, each as if it had come alone", async () => {
    const statuses = ["accepted", "duplicate", "late"];
    rig.asker.on("delivery.Event", () => statuses.shift());
    const response = await rig.post(
      "/v1/events",
      [
        { type: "impression", token: token("impression"), at: "2023-11-14T22:13:00Z" },
        { type: "start", token: token("start") },
        { type: "impression", token: token("impression") },
        { type: "complete", token: token("impression") },
        { type: "impression", token: "forged" },
        { type: "impression", token: token("impression"), at: "yesterday" },
        { type: "conversion", token: token("click") },
        7,
        { type: "start", token: token("start") },
      ],
      SENDER,
    );
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({
      results: [
        { status: "accepted" },
        { status: "duplicate" },
        { status: "late" },
        { status: "forged" },
        { status: "forged" },
        { status: "refused", errors: [{ path: "[5].at", value: "yesterday", rule: "must be an instant of RFC 3339" }] },
        {
          status: "refused",
          errors: [{ path: "[6].orderId", value: null, rule: "must be a string of 1 to 256 characters" }],
        },
        { status: "refused", errors: [{ path: "[7]", value: 7, rule: "must be an object" }] },
        { status: "orphan" },
      ],
    });
    expect(rig.asker.asked[0]?.payload).toEqual({ event: "impression", atMs: Date.parse("2023-11-14T22:13:00Z") });
  });

  test("from the future counts from now", async () => {
    await rig.post("/v1/events", [{ type: "start", token: token("start"), at: "2099-01-01T00:00:00Z" }], SENDER);
    expect(rig.asker.asked[0]?.payload).toMatchObject({ atMs: rig.clock.nowMs() });
  });

  test("is not accepted unless all of it is durable, since 2xx means that (D2)", async () => {
    rig.asker.on("delivery.Event", () => {
      throw fault("NOT_OWNER");
    });
    rig.asker.ingress = () => fault("NATS_UNAVAILABLE");
    const batch = [{ type: "start", token: token("start") }];
    expect((await rig.post("/v1/events", batch, SENDER)).status).toBe(503);
    rig.asker.ingress = () => false;
    expect((await rig.post("/v1/events", batch, SENDER)).status).toBe(429);
    rig.asker.ingress = () => true;
    const stored = await rig.post("/v1/events", batch, SENDER);
    expect(await stored.json()).toEqual({ results: [{ status: "accepted" }] });
  });

  test.each([
    ["no JSON", "["],
    ["no array", "{}"],
    ["too many events", JSON.stringify(Array(1_001).fill({}))],
  ])("with %s is malformed", async (_case, body) => {
    const response = await rig.post("/v1/events", body, SENDER);
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe("REQUEST_MALFORMED");
  });
});

describe("a bot", () => {
  const BOT = "Googlebot/2.1";

  test("gets its click's redirect, and its beacons are handed on as invalid", async () => {
    rig.asker.on("delivery.Event", () => "invalid");
    const response = await rig.get(`/e?t=${token("click")}`, { "user-agent": BOT });
    expect([response.status, rig.observed.at(-1)?.outcome]).toEqual([204, "invalid"]);
    expect(rig.asker.asked[0]?.payload).toEqual({ event: "click", atMs: rig.clock.nowMs(), invalid: "bot" });
  });

  test("is known by the `userAgent` of a batch's event, not by its sender's; an exchange's notice is no listener's", async () => {
    const headers = { authorization: "Bearer sender-token", "user-agent": BOT };
    const events = [
      { type: "start", token: token("start") },
      { type: "start", token: token("start"), userAgent: BOT },
      { type: "bill", token: token("bill"), userAgent: BOT },
    ];
    await rig.post("/v1/events", events, headers);
    await rig.get(`/n/bill?t=${token("bill")}&price=12`, { "user-agent": BOT });
    const marks = rig.asker.asked.map(({ payload }) => (payload as { invalid?: string }).invalid);
    expect(marks).toEqual([undefined, "bot", undefined, undefined]);
  });
});

test("health needs no token, and an edge that does not serve says why", async () => {
  expect(await (await rig.get("/healthz")).json()).toEqual({ status: "ok" });
  expect(await (await rig.get("/readyz")).json()).toEqual({ status: "ready" });
  await rig.server.close();
  rig = await startServing({ readiness: () => ({ ready: false, reason: "NATS does not answer" }) });
  const response = await rig.get("/readyz");
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ status: "unready", reason: "NATS does not answer" });
  expect((await rig.get("/healthz")).status).toBe(200);
  expect((await fetch(`${rig.url}/readyz`, { method: "HEAD" })).status).toBe(503);
});

test("a look (HEAD) at a beacon counts nothing", async () => {
  const response = await fetch(`${rig.url}/e?t=${token("impression")}`, { method: "HEAD" });
  expect(response.status).toBe(404);
  expect(rig.asker.asked).toEqual([]);
});
