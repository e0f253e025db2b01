import { afterEach, describe, expect, test } from "vitest";
import { readDecisionId } from "../../protocols/decision-id.ts";
import type { DecidedBid, DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import type { BidResponse } from "../../protocols/openrtb/response.ts";
import { readToken } from "../../protocols/tracking-token.ts";
import { AD, bidAnswer, bidRequest, type EdgeRig, KEYS, startServing } from "../support/http-edge.ts";

const BID = "/openrtb2/2.6/bid";
const MPEG = { mimes: ["audio/mpeg"] };
let rig: EdgeRig;
afterEach(() => rig.server.close());

const asked = (): DecisionRequest => rig.asker.asked.at(-1)?.payload as DecisionRequest;

/** The listener answers with an ad for each of these imps, in this order. */
function answerWith(impIds: readonly string[], changes: (at: number) => Partial<DecidedBid> = () => ({})): void {
  rig.asker.on("listener.Decide", ({ to }): DecisionAnswer => {
    const answer = bidAnswer(to, rig.clock.nowMs());
    const { expiresAtMs = 0 } = answer.bids[0] ?? {};
    return { ...answer, bids: impIds.map((impId, slot) => ({ ...AD, impId, slot, expiresAtMs, ...changes(slot) })) };
  });
}

async function bidsOf(response: Response): Promise<BidResponse["seatbid"][number]["bid"]> {
  return ((await response.json()) as BidResponse).seatbid.flatMap(({ bid }) => bid);
}

const tokensIn = (text: string): string[] =>
  [...text.matchAll(/[?&]t=([A-Za-z0-9_-]{72})/g)].map(([, token = ""]) => token);

describe("several imps", () => {
  const imp = (id: string, audio: object): object => ({ id, audio: { ...MPEG, ...audio } });

  test("reach the listener as slots with their places in pods, other formats left out", async () => {
    rig = await startServing();
    answerWith(["first", "rest"]);
    await rig.post(
      BID,
      bidRequest({
        imp: [
          imp("first", { podid: "p", slotinpod: 1, podseq: -1, maxduration: 30 }),
          { id: "video", video: { mimes: ["video/mp4"] } },
          imp("rest", { podid: "p", poddur: 90, maxseq: 4, rqddurs: [15, 30], mincpmpersec: 0.5 }),
          imp("alone", {}),
        ],
        tmax: 120,
      }),
    );
    expect(asked().slots).toMatchObject([
      { impId: "first", pod: { id: "p", sequence: -1, position: 1 }, maxDurationMs: 30_000 },
      {
        impId: "rest",
        pod: { id: "p", sequence: 0, position: 0, durationMs: 90_000, adsMax: 4 },
        requiredDurationsMs: [15_000, 30_000],
        floorCpmMicrosPerSecond: 500_000,
      },
      { impId: "alone" },
    ]);
    expect(asked().slots[2]).not.toHaveProperty("pod");
    // The search may take as long as the request gives, counted in steps.
    expect(asked().searchStepsMax).toBe(10_000);
  });

  test("get a bid each, with documents and tokens of their own", async () => {
    rig = await startServing();
    answerWith(["a", "b"], (at) => ({
      ...(at === 1 ? { seat: "s", dealId: "d" } : {}),
      cpmMicros: 1_000_000 * (at + 1),
    }));
    const response = await rig.post(BID, bidRequest({ imp: [imp("a", { podid: "p" }), imp("b", { podid: "p" })] }));
    const answer = (await response.clone().json()) as BidResponse;
    expect(answer.seatbid).toMatchObject([
      { bid: [{ id: `${answer.bidid}-0`, impid: "a", price: 1 }] },
      { seat: "s", bid: [{ id: `${answer.bidid}-1`, impid: "b", price: 2, dealid: "d" }] },
    ]);
    for (const [slot, bid] of (await bidsOf(response)).entries()) {
      expect(bid).not.toHaveProperty("slotinpod");
      expect(bid.adm).not.toContain('sequence="2"');
      const fields = [bid.nurl, bid.burl, bid.lurl, bid.adm].flatMap(tokensIn).map((token) => {
        const reading = readToken(KEYS, token, rig.clock.nowMs());
        return reading.ok ? reading.fields : undefined;
      });
      expect(fields.length).toBeGreaterThan(10);
      expect(new Set(fields.map((each) => `${each?.decisionId}/${each?.slot}`))).toEqual(
        new Set([`${answer.bidid}/${slot}`]),
      );
    }
  });

  test("are withdrawn ad by ad when the answer reaches nobody", async () => {
    rig = await startServing();
    answerWith(["a", "unknown"]);
    const response = await rig.post(BID, bidRequest({ imp: [imp("a", {})] }));
    expect([response.status, response.headers.get("x-chorus-nbr")]).toEqual([204, "1"]);
    answerWith(["a", "b"], () => ({ priceNanos: 2 ** 50 }));
    await rig.post(BID, bidRequest({ imp: [imp("a", {}), imp("b", {})] }));
    const [first, second] = rig.asker.told.slice(-2).map(({ to }) => to.key);
    expect(readDecisionId(first ?? "")).not.toBeNull();
    expect(second).toBe(`${first}-1`);
  });
});

describe("a dynamic pod", () => {
  const pod = (slotinpod: number): Record<string, unknown> =>
    bidRequest({ imp: [{ id: "pod", audio: { ...MPEG, poddur: 90, maxseq: 3, slotinpod } }] });

  test.each([
    [0, [0, 0, 0]],
    [1, [1, 0, 0]],
    [-1, [0, 0, -1]],
    [2, [1, 0, -1]],
  ])("with slotinpod %s is answered with slotinpod %j", async (asks, answers) => {
    rig = await startServing();
    answerWith(["pod", "pod", "pod"]);
    const bids = await bidsOf(await rig.post(BID, pod(asks)));
    expect(bids.map(({ impid, slotinpod }) => [impid, slotinpod])).toEqual(answers.map((slot) => ["pod", slot]));
  });

  test("is one document for a player, its ads in sequence", async () => {
    rig = await startServing();
    answerWith(["1", "1"]);
    const text = await (
      await rig.get("/vast?poddur=60&maxseq=2&podid=break&podseq=1&slotinpod=1&mincpmpersec=0.1")
    ).text();
    expect(asked().slots).toMatchObject([
      {
        pod: { id: "break", sequence: 1, position: 1, durationMs: 60_000, adsMax: 2 },
        floorCpmMicrosPerSecond: 100_000,
      },
    ]);
    expect([...text.matchAll(/<Ad id="NRD-0001" sequence="(\d)" adType="audio">/g)].map(([, at]) => at)).toEqual([
      "1",
      "2",
    ]);
    const servings = [...text.matchAll(/<AdServingId>([^<]+)</g)].map(([, id]) => id);
    expect(servings).toEqual([servings[0], `${servings[0]}-1`]);
  });

  test("with one ad is a document without sequence", async () => {
    rig = await startServing();
    expect(await (await rig.get("/vast?poddur=60")).text()).not.toContain('sequence="1" adType');
  });
});

test("a beacon of a later ad goes to that ad's own delivery", async () => {
  rig = await startServing();
  answerWith(["a", "b"]);
  const [, second] = await bidsOf(
    await rig.post(
      BID,
      bidRequest({
        imp: [
          { id: "a", audio: MPEG },
          { id: "b", audio: MPEG },
        ],
      }),
    ),
  );
  const [token = ""] = tokensIn(/<Impression><!\[CDATA\[([^\]]+)/.exec(second?.adm ?? "")?.[1] ?? "");
  expect((await rig.get(`/e?t=${token}`)).status).toBe(204);
  const sent = rig.asker.asked.at(-1);
  expect([sent?.to.kind, sent?.to.key]).toEqual(["delivery", second?.id]);
});
