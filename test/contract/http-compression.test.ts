import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { BidResponse } from "../../protocols/openrtb/response.ts";
import { SERVING_LIMITS } from "../../runtime/http/limits.ts";
import { bidRequest, type EdgeRig, startServing } from "../support/http-edge.ts";

const BID = "/openrtb2/2.6/bid";
const packed = (body: unknown): Uint8Array => gzipSync(JSON.stringify(body));
let rig: EdgeRig;
afterEach(() => rig.server.close());

test("a bid request may come packed, and is decided as any other", async () => {
  rig = await startServing();
  const response = await rig.post(BID, packed(bidRequest()), { "content-encoding": "gzip" });
  expect(response.status).toBe(200);
  expect((rig.asker.asked[0]?.payload as DecisionRequest).slots[0]?.impId).toBe("slot");
  expect(((await response.json()) as BidResponse).seatbid).toHaveLength(1);
});

test("a body that is not what its coding says is malformed, and a coding that we do not read is 415", async () => {
  rig = await startServing();
  const post = (body: Uint8Array | string, coding: string): Promise<Response> =>
    rig.post(BID, body, { "content-encoding": coding });
  expect((await post(JSON.stringify(bidRequest()), "gzip")).status).toBe(400);
  expect((await post(packed(bidRequest()).subarray(0, 60), "gzip")).status).toBe(400);
  expect((await post(packed(bidRequest()), "br")).status).toBe(415);
  expect((await rig.post(BID, bidRequest(), { "content-encoding": "identity" })).status).toBe(200);
  expect(rig.errors).toEqual([]);
});

test("a small body that unpacks to more than the bound is refused", async () => {
  rig = await startServing({ limits: { ...SERVING_LIMITS, bodyBytesMax: 10_000 } });
  const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
  expect(bomb.length).toBeLessThan(100_000);
  expect((await rig.post(BID, bomb.subarray(0, 9_000), { "content-encoding": "gzip" })).status).toBe(413);
  expect(rig.errors).toEqual([]);
});

test("an answer is packed for who takes it, and plain for the others", async () => {
  rig = await startServing();
  const answerTo = async (coding: string): Promise<[string | null, string]> => {
    const response = await rig.post(BID, bidRequest(), { "accept-encoding": coding });
    return [response.headers.get("content-encoding"), await response.text()];
  };
  const [coding, text] = await answerTo("deflate, gzip;q=0.5");
  // fetch has unpacked it.
  expect([coding, (JSON.parse(text) as BidResponse).seatbid.length]).toEqual(["gzip", 1]);
  for (const plain of ["identity", "gzip;q=0", "br"]) expect((await answerTo(plain))[0]).toBeNull();
  const vast = await rig.get("/vast", { "accept-encoding": "gzip" });
  expect([vast.headers.get("content-encoding"), vast.headers.get("vary")]).toEqual(["gzip", "accept-encoding"]);
  expect(await vast.text()).toContain("<VAST");
});
