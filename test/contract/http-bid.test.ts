import { connect } from "node:net";
import { XMLParser } from "fast-xml-parser";
import { afterEach, describe, expect, test } from "vitest";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { partitionOf } from "../../protocols/ids.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { BidResponse } from "../../protocols/openrtb/response.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import { readToken } from "../../protocols/tracking-token.ts";
import { AD, bidAnswer, bidRequest, type EdgeRig, fault, KEYS, MINUTE_MS, startServing } from "../support/http-edge.ts";

const BID = "/openrtb2/2.6/bid";
let rig: EdgeRig;

afterEach(() => rig.server.close());

async function bidOf(response: Response): Promise<BidResponse["seatbid"][number]["bid"][number]> {
  const answer = (await response.json()) as BidResponse;
  const bid = answer.seatbid[0]?.bid[0];
  if (bid === undefined) throw new Error("no bid in the answer");
  return bid;
}

describe("a bid", () => {
  test("names the documents, the price and the decision", async () => {
    rig = await startServing();
    const response = await rig.post(BID, bidRequest());
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch("application/json");
    const answer = (await response.json()) as BidResponse;
    expect(answer).toMatchObject({ id: "request-1", cur: "USD", seatbid: [{ group: 0 }] });
    expect(readDecisionId(answer.bidid)).not.toBeNull();
    expect(response.headers.get("x-chorus-decision")).toBe(answer.bidid);
    expect(answer.seatbid[0]?.bid).toEqual([
      expect.objectContaining({
        impid: "slot",
        price: 12,
        cid: "spring",
        crid: "spring-30",
        adid: "NRD-0001",
        adomain: ["nordlicht.example"],
        cat: ["IAB17-3"],
        cattax: 1,
        language: "de",
        mtype: 3,
        dur: 30,
        exp: 600,
        protocol: 13,
      }),
    ]);
    expect(rig.observed).toEqual([expect.objectContaining({ route: BID, status: 200, outcome: "bid" })]);
  });

  test("names the deal and the seat that bought", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", ({ to }) => {
      const answer = bidAnswer(to, rig.clock.nowMs());
      return { ...answer, bids: answer.bids.map((bid) => ({ ...bid, dealId: "pmp-1", seat: "chorus-seat" })) };
    });
    const answer = (await (await rig.post(BID, bidRequest())).json()) as BidResponse;
    expect(answer.seatbid).toMatchObject([{ seat: "chorus-seat", bid: [{ dealid: "pmp-1" }] }]);
  });

  test("carries a VAST document whose every URL is a signed token of its own event", async () => {
    rig = await startServing();
    const { adm } = await bidOf(await rig.post(BID, bidRequest()));
    const tree = new XMLParser({ ignoreAttributes: false }).parse(adm) as {
      VAST: {
        Ad: { InLine: Record<string, unknown> & { Creatives: { Creative: { Linear: Record<string, never> } } } };
      };
    };
    const inline = tree.VAST.Ad.InLine;
    const linear = inline.Creatives.Creative.Linear as unknown as {
      TrackingEvents: { Tracking: { "@_event": string; "#text": string }[] };
      VideoClicks: { ClickThrough: string };
    };
    const urls: [string, string][] = [
      ["impression", inline["Impression"] as string],
      ["error", inline["Error"] as string],
      ["click", linear.VideoClicks.ClickThrough],
      ...linear.TrackingEvents.Tracking.map((one): [string, string] => [one["@_event"], one["#text"]]),
    ];
    expect(urls.map(([event]) => event).sort()).toEqual(
      ["click", "complete", "error", "firstQuartile", "impression", "midpoint", "mute"].concat([
        "pause",
        "progress",
        "resume",
        "skip",
        "start",
        "thirdQuartile",
        "unmute",
      ]),
    );
    for (const [event, url] of urls) {
      expect(url).toMatch("https://ads.example/e?t=");
      const reading = readToken(KEYS, new URL(url).searchParams.get("t") ?? "", rig.clock.nowMs());
      expect(reading).toMatchObject({
        ok: true,
        fields: {
          event,
          priceNanos: AD.priceNanos,
          test: false,
          impressionExpiryMs: rig.clock.nowMs() + 20 * MINUTE_MS,
        },
      });
    }
  });

  test("carries notice URLs with a token and the macros", async () => {
    rig = await startServing();
    const bid = await bidOf(await rig.post(BID, bidRequest()));
    expect(bid.nurl).toMatch(/^https:\/\/ads\.example\/n\/win\?t=[\w-]{72}&price=\$\{AUCTION_PRICE\}$/);
    expect(bid.burl).toMatch(/^https:\/\/ads\.example\/n\/bill\?t=[\w-]{72}&price=\$\{AUCTION_PRICE\}$/);
    expect(bid.lurl).toMatch(/^https:\/\/ads\.example\/n\/loss\?t=[\w-]{72}&reason=\$\{AUCTION_LOSS\}$/);
  });

  test("of a test request says so in its tokens", async () => {
    rig = await startServing();
    const bid = await bidOf(await rig.post(BID, bidRequest({ test: 1 })));
    const token = new URL(bid.nurl).searchParams.get("t") ?? "";
    expect(readToken(KEYS, token, rig.clock.nowMs())).toMatchObject({ ok: true, fields: { test: true } });
    expect(rig.asker.asked[0]?.payload).toMatchObject({ test: true });
  });

  test("is not made twice of one id: a repeated POST is a new request", async () => {
    rig = await startServing();
    await rig.post(BID, bidRequest());
    await rig.post(BID, bidRequest());
    expect(rig.asker.asked).toHaveLength(2);
  });
});

describe("who is asked", () => {
  const asked = (): { key: string; request: DecisionRequest } => {
    const sent = rig.asker.asked.at(-1);
    if (sent === undefined) throw new Error("nobody was asked");
    expect(sent.to).toMatchObject({ kind: "listener", partition: partitionOf(sent.to.key, 16) });
    return { key: sent.to.key, request: sent.payload as DecisionRequest };
  };
  const secret = pseudonymSecret(Buffer.alloc(32, 3));

  test("a listener by the pseudonym of the id, where the law allows", async () => {
    rig = await startServing();
    await rig.post(BID, bidRequest());
    expect(asked().key).toBe(pseudonymKey(secret, "user", "listener-raw-id"));
    expect(asked().request).toMatchObject({
      memory: "listener",
      capabilities: { id: true, caps: true },
      context: { country: "DEU", feed: 1, genres: ["rock", "indie"] },
      slots: [{ impId: "slot", minDurationMs: 5_000, maxDurationMs: 30_000 }],
    });
  });

  test("with the deals that are offered, their terms and who may buy", async () => {
    rig = await startServing({ seat: "ours" });
    const deal = { id: "pmp-1", bidfloor: 6.5, bidfloorcur: "EUR", at: 3, wseat: ["ours"], wadomain: ["a.example"] };
    const durfloors = [{ mindur: 15, maxdur: 30, bidfloor: 5 }];
    const deals = [{ ...deal, guar: 1, mincpmpersec: 0.2, durfloors }, { id: "plain" }];
    const imp = { id: "slot", bidfloor: 2, bidfloorcur: "EUR", audio: { mimes: ["audio/mpeg"] } };
    await rig.post(
      BID,
      bidRequest({ imp: [{ ...imp, pmp: { private_auction: 1, deals } }], wseat: ["ours", "x"], bseat: ["y"] }),
    );
    expect(asked().request).toMatchObject({
      seats: { own: "ours", allowed: ["ours", "x"], blocked: ["y"] },
      slots: [
        {
          privateAuction: true,
          floorCpmMicros: 2_000_000,
          floorCurrency: "EUR",
          deals: [
            {
              id: "pmp-1",
              floorCpmMicros: 6_500_000,
              floorCurrency: "EUR",
              auctionType: 3,
              seats: ["ours"],
              advertiserDomains: ["a.example"],
              guaranteed: true,
              floorCpmMicrosPerSecond: 200_000,
              durationFloors: [{ minDurationMs: 15_000, maxDurationMs: 30_000, floorCpmMicros: 5_000_000 }],
            },
            // A deal's currency is not the imp's.
            { id: "plain", floorCpmMicros: 0, floorCurrency: "USD", seats: [], guaranteed: false },
          ],
        },
      ],
    });
  });

  test("with categories as ours: those of ad products mapped, those of other taxonomies blocked altogether", async () => {
    rig = await startServing();
    const categories = async (changes: object): Promise<unknown> => {
      await rig.post(BID, bidRequest(changes as Record<string, unknown>));
      const { blockedCategories, allowedCategories } = asked().request;
      return [blockedCategories, allowedCategories];
    };
    expect(await categories({ bcat: ["IAB25"], acat: ["IAB1"] })).toEqual([["IAB25"], ["IAB1"]]);
    expect(await categories({ bcat: ["1007", "unknown"], cattax: 8 })).toEqual([["IAB8-18"], []]);
    expect(await categories({ acat: ["1007"], cattax: 8 })).toEqual([[], ["IAB8-18"]]);
    expect(await categories({ bcat: ["483"], cattax: 7 })).toEqual([["*"], []]);
    expect(await categories({ acat: ["unknown"], cattax: 8 })).toEqual([["*"], []]);
    expect(await categories({ cattax: 7 })).toEqual([[], []]);
  });

  test("the session, where no id is allowed", async () => {
    rig = await startServing();
    await rig.post(BID, bidRequest({ regs: { gdpr: 1 }, ext: { sid: "session-raw" } }));
    expect(asked().key).toBe(pseudonymKey(secret, "session", "session-raw"));
    expect(asked().request).toMatchObject({ memory: "session", capabilities: { id: false } });
  });

  test("this request alone, where there is no session either", async () => {
    rig = await startServing();
    await rig.post(BID, bidRequest({ regs: { gdpr: 1 } }));
    const first = asked().key;
    await rig.post(BID, bidRequest({ regs: { gdpr: 1 } }));
    expect(asked().key).not.toBe(first);
    expect(asked().request.memory).toBe("none");
  });

  test("contextually, where the browser sends Sec-GPC", async () => {
    rig = await startServing();
    await rig.post(BID, bidRequest(), { "sec-gpc": "1" });
    expect(asked().request.capabilities).toMatchObject({ id: false, caps: false, profile: false });
  });

  test("without anything raw: no id, no address, no consent string passes the gate (D18)", async () => {
    rig = await startServing();
    const taints = [
      "taint-user",
      "taint-ifa",
      "taint-eid",
      "198.51.100.7",
      "taint-consent",
      "taint-session",
      "taint-title",
    ];
    await rig.post(
      BID,
      bidRequest({
        id: "taint-request",
        user: {
          id: "taint-user",
          consent: "taint-consent",
          eids: [{ source: "x.example", uids: [{ id: "taint-eid" }] }],
        },
        device: { ifa: "taint-ifa", ip: "198.51.100.7", geo: { country: "DEU" } },
        ext: { sid: "taint-session" },
        app: { content: { title: "taint-title", artist: "taint-title" } },
      }),
    );
    const passed = JSON.stringify(rig.asker.asked);
    for (const taint of [...taints, "taint-request"]) expect(passed).not.toContain(taint);
  });
});

describe("no bid", () => {
  test("names the decision and its reason", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", ({ to }) => ({ ...bidAnswer(to, rig.clock.nowMs()), bids: [], nbr: 502 }));
    const response = await rig.post(BID, bidRequest());
    expect(response.status).toBe(204);
    expect(response.headers.get("x-chorus-nbr")).toBe("502");
    expect(readDecisionId(response.headers.get("x-chorus-decision") ?? "")).not.toBeNull();
    expect(await response.text()).toBe("");
  });

  test.each(["NOT_OWNER", "OVERLOADED", "ASK_EXPIRED", "MAILBOX_FULL"] as const)(
    "comes with 508 when the owner says %s",
    async (code) => {
      rig = await startServing();
      rig.asker.on("listener.Decide", () => {
        throw fault(code);
      });
      const response = await rig.post(BID, bidRequest());
      expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, "508"]);
      expect(rig.errors).toEqual([]);
    },
  );

  test("comes with 1 and a line in the log when an agent fails", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", () => {
      throw fault("HANDLER_FAILED");
    });
    const response = await rig.post(BID, bidRequest());
    expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, "1"]);
    expect(rig.errors).toHaveLength(1);
  });

  test.each([
    ["no audio", { imp: [{ id: "1", video: { mimes: ["video/mp4"] } }] }, "2"],
    ["only DAAST", { imp: [{ id: "1", audio: { mimes: ["audio/mpeg"], protocols: [9] } }] }, "2"],
    ["out of home", { app: undefined, dooh: {} }, "2"],
    ["too little time", { tmax: 25 }, "15"],
    ["seats that are not ours", { wseat: ["other"] }, "501"],
    [
      "a private auction without deals",
      { imp: [{ id: "1", audio: { mimes: ["audio/mpeg"] }, pmp: { private_auction: 1 } }] },
      "501",
    ],
  ])("is decided at the edge for %s", async (_case, changes, nbr) => {
    rig = await startServing();
    const response = await rig.post(BID, bidRequest(changes));
    expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, nbr]);
    expect(rig.asker.asked).toEqual([]);
  });

  test("comes with 508 while the node sheds load", async () => {
    rig = await startServing({ shedding: () => true });
    const response = await rig.post(BID, bidRequest());
    expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, "508"]);
  });

  test("comes with 508 above the bound on what is under way, and bids go on after", async () => {
    rig = await startServing({ inFlightMax: 1 });
    const held = Promise.withResolvers<unknown>();
    const reached = Promise.withResolvers<void>();
    rig.asker.on("listener.Decide", ({ to }) => {
      reached.resolve();
      return held.promise.then(() => bidAnswer(to, rig.clock.nowMs()));
    });
    const first = rig.post(BID, bidRequest());
    await reached.promise;
    expect((await rig.post(BID, bidRequest())).headers.get("x-chorus-nbr")).toBe("508");
    held.resolve(undefined);
    expect((await first).status).toBe(200);
    expect((await rig.post(BID, bidRequest())).status).toBe(200);
  });
});

describe("a malformed request", () => {
  test.each([
    ["not JSON", "{"],
    ["no object", "[]"],
    ["no id", bidRequest({ id: undefined })],
    ["an empty id", bidRequest({ id: "" })],
    ["no imp", bidRequest({ imp: [] })],
    ["imps of one id", bidRequest({ imp: [{ id: "1" }, { id: "1" }] })],
    ["site and app", bidRequest({ site: {} })],
    ["a wrong type", bidRequest({ tmax: "100" })],
    ["a negative floor", bidRequest({ imp: [{ id: "1", bidfloor: -1, audio: { mimes: ["audio/mpeg"] } }] })],
  ])("with %s gets 400 without a body", async (_case, body) => {
    rig = await startServing();
    const response = await rig.post(BID, body);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe("");
    expect(rig.asker.asked).toEqual([]);
  });

  test("of a tester gets all that is wrong as a problem document", async () => {
    rig = await startServing();
    const response = await rig.post(BID, { test: 1, imp: [{ id: 7 }] });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toMatch("application/problem+json");
    expect(await response.json()).toEqual({
      type: "urn:chorus:problem:request-malformed",
      title: expect.any(String) as string,
      status: 400,
      code: "REQUEST_MALFORMED",
      errors: [
        { path: "id", value: null, rule: "is required" },
        { path: "imp[0].id", value: 7, rule: "must be a string" },
      ],
    });
  });
});

describe("an answer that reaches nobody", () => {
  test("is withdrawn when it comes after the deadline (D5)", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", () => {
      throw fault("ASK_EXPIRED");
    });
    await rig.post(BID, bidRequest());
    const to = rig.asker.asked[0]?.to;
    if (to === undefined) throw new Error("nobody was asked");
    const late = bidAnswer(to, rig.clock.nowMs());
    rig.asker.onLate?.(late);
    expect(rig.asker.told).toEqual([
      {
        to: { kind: "delivery", key: late.decisionId, partition: to.partition },
        type: "Withdraw",
        payload: {},
      },
    ]);
    rig.asker.onLate?.({ ...late, bids: [], nbr: 501 });
    expect(rig.asker.told).toHaveLength(1);
  });

  test("is withdrawn when the client has hung up", async () => {
    rig = await startServing();
    const reached = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    rig.asker.on("listener.Decide", async ({ to }) => {
      reached.resolve();
      await gone.promise;
      return bidAnswer(to, rig.clock.nowMs());
    });
    const withdrawn = new Promise<string>((resolve) => {
      rig.asker.tell = (_to, type) => resolve(type);
    });
    const body = JSON.stringify(bidRequest());
    const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
    socket.write(`POST ${BID} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    await reached.promise;
    socket.once("close", () => gone.resolve());
    socket.resetAndDestroy();
    expect(await withdrawn).toBe("Withdraw");
  });

  test("is withdrawn when it cannot be written, and becomes a no-bid", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", ({ to }) => {
      const answer = bidAnswer(to, rig.clock.nowMs());
      return { ...answer, bids: answer.bids.map((bid) => ({ ...bid, priceNanos: 2 ** 50 })) };
    });
    const response = await rig.post(BID, bidRequest());
    expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, "1"]);
    expect(rig.asker.told.map(({ type }) => type)).toEqual(["Withdraw"]);
    expect(rig.errors).toHaveLength(1);
  });
});
