import { expect, test } from "vitest";
import { bidAnswer, bidRequest, startServing } from "../support/http-edge.ts";

const BID = "/openrtb2/2.6/bid";

test("gateways of a node share one port", async () => {
  const first = await startServing({}, { reusePort: true });
  const second = await startServing({}, { port: Number(new URL(first.url).port), reusePort: true });
  expect(second.url).toBe(first.url);
  await first.server.close();
  expect((await second.post(BID, bidRequest())).status).toBe(200);
  await second.server.close();
});

test("without a public URL the tracking URLs lead to where it listens", async () => {
  const rig = await startServing({ publicUrl: null });
  const answer = (await (await rig.post(BID, bidRequest())).json()) as { seatbid: { bid: { nurl: string }[] }[] };
  expect(answer.seatbid[0]?.bid[0]?.nurl).toMatch(`${rig.url}/n/win?t=`);
  await rig.server.close();
});

test("a port that is taken is the system's error, by code", async () => {
  const rig = await startServing();
  const port = Number(new URL(rig.url).port);
  await expect(startServing({}, { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await rig.server.close();
});

test("closing lets what is under way finish", async () => {
  const rig = await startServing();
  const reached = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  rig.asker.on("listener.Decide", async ({ to }) => {
    reached.resolve();
    await held.promise;
    return bidAnswer(to, rig.clock.nowMs());
  });
  const bid = rig.post(BID, bidRequest());
  await reached.promise;
  const closing = rig.server.close();
  held.resolve();
  expect((await bid).status).toBe(200);
  await closing;
  await expect(rig.post(BID, bidRequest())).rejects.toThrow();
});
