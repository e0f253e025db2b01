import { describe, expect, test } from "vitest";
import { clearingCpmMicros, lossCode, macro } from "../../protocols/openrtb/notice-macros.ts";
import { parseBidRequest } from "../../protocols/openrtb/request.ts";
import { bidResponse, type BidOffer } from "../../protocols/openrtb/response.ts";
import { answerProtocol, servable, type Servable } from "../../protocols/openrtb/servable.ts";

function servableOf(request: object): Servable {
  const result = parseBidRequest({ id: "r", ...request });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return servable(result.request);
}

const MPEG = { mimes: ["audio/mpeg"] };

describe("what can be served", () => {
  test("every audio impression, whatever other formats stand beside it", () => {
    const imp = [
      { id: "b", banner: {} },
      { id: "a", banner: {}, audio: MPEG },
      { id: "c", audio: MPEG },
    ];
    expect(servableOf({ imp })).toMatchObject({ ok: true, imps: [{ id: "a" }, { id: "c" }] });
  });

  test("one whose player speaks inline VAST of any version", () => {
    for (const protocol of [2, 3, 7, 11, 13, 15]) {
      expect(servableOf({ imp: [{ id: "1", audio: { ...MPEG, protocols: [9, protocol] } }] }).ok).toBe(true);
    }
  });

  test.each([
    ["no audio", { imp: [{ id: "1", video: {} }] }],
    ["audio without mimes", { imp: [{ id: "1", audio: {} }] }],
    ["empty mimes", { imp: [{ id: "1", audio: { mimes: [] } }] }],
    ["DAAST only", { imp: [{ id: "1", audio: { ...MPEG, protocols: [9, 10] } }] }],
    ["wrappers only", { imp: [{ id: "1", audio: { ...MPEG, protocols: [5, 6, 8] } }] }],
    ["digital out of home", { dooh: {}, imp: [{ id: "1", audio: MPEG }] }],
  ])("%s is no bid with reason 2", (_name, request) => {
    expect(servableOf(request)).toEqual({ ok: false, nbr: 2 });
  });

  test("the answer names VAST 4.2, or the newest version the player lists", () => {
    const protocols = [[], [2, 13, 15], [2, 3, 6], [15, 2]].map((list) => {
      const result = servableOf({ imp: [{ id: "1", audio: { ...MPEG, protocols: list } }] });
      return result.ok ? answerProtocol(result.imps[0].audio) : undefined;
    });
    expect(protocols).toEqual([13, 13, 3, 15]);
  });
});

describe("the bid response", () => {
  const offer: BidOffer = {
    id: "b1",
    impId: "1",
    priceCpmMicros: 12_000_000,
    campaignId: "spring",
    creativeId: "spring-30",
    adId: "NRD-0001",
    advertiserDomains: ["nordlicht.example"],
    categories: ["IAB17-3"],
    categoryTaxonomy: 1,
    attributes: [],
    languages: ["de"],
    durationMs: 30_000,
    expirySeconds: 600,
    protocol: 13,
    markup: "<VAST/>",
    winUrl: "https://a/n/win",
    billingUrl: "https://a/n/bill",
    lossUrl: "https://a/n/loss",
  };

  test("carries the documented fields and no others", () => {
    const response = bidResponse({ requestId: "r", decisionId: "d", currency: "USD", offers: [offer] });
    expect(JSON.parse(JSON.stringify(response))).toEqual({
      id: "r",
      bidid: "d",
      cur: "USD",
      seatbid: [
        {
          group: 0,
          bid: [
            {
              id: "b1",
              impid: "1",
              price: 12,
              adid: "NRD-0001",
              cid: "spring",
              crid: "spring-30",
              adomain: ["nordlicht.example"],
              cat: ["IAB17-3"],
              cattax: 1,
              protocol: 13,
              mtype: 3,
              dur: 30,
              exp: 600,
              language: "de",
              nurl: "https://a/n/win",
              burl: "https://a/n/bill",
              lurl: "https://a/n/loss",
              adm: "<VAST/>",
            },
          ],
        },
      ],
    });
  });

  test("names seat and deal where there is one", () => {
    const response = bidResponse({
      requestId: "r",
      decisionId: "d",
      currency: "USD",
      offers: [offer, { ...offer, id: "b2", dealId: "pmp-1", seat: "s" }, { ...offer, id: "b3", slotInPod: -1 }],
    });
    expect(response.seatbid).toMatchObject([
      { bid: [{ id: "b1" }, { id: "b3", slotinpod: -1 }] },
      { seat: "s", bid: [{ id: "b2", dealid: "pmp-1" }] },
    ]);
    expect(response.seatbid[0]).not.toHaveProperty("seat");
  });
});

describe("what exchanges put into notices", () => {
  test.each([
    ["12.5", 12_500_000],
    ["0", 0],
    ["1.2345678", 1_234_568],
    ["${AUCTION_PRICE}", undefined],
    ["", undefined],
    [undefined, undefined],
    ["AUDIT", undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["999999", undefined],
    ["NaN", undefined],
  ])("the price %s is %s micros", (text, micros) => {
    expect(clearingCpmMicros(text)).toBe(micros);
  });

  test("an unexpanded macro is no price and no loss code", () => {
    expect(macro("AUCTION_PRICE")).toBe("${AUCTION_PRICE}");
    expect(clearingCpmMicros(macro("AUCTION_PRICE"))).toBeUndefined();
    expect([lossCode(macro("AUCTION_LOSS")), lossCode("102"), lossCode("150"), lossCode("")]).toEqual([
      undefined,
      102,
      undefined,
      undefined,
    ]);
  });
});
