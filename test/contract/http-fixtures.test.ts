import { afterAll, beforeAll, expect, test } from "vitest";
import { describeFixtures } from "../support/fixtures.ts";
import { type EdgeRig, startServing } from "../support/http-edge.ts";

let rig: EdgeRig;

beforeAll(async () => {
  rig = await startServing();
});
afterAll(() => rig.server.close());

describeFixtures("openrtb-audio-exchanges", (folder) => {
  test("every audio request of an exchange passes the edge, gate and all, and the question to the listener is valid", async () => {
    for (const name of folder.names) {
      const { mockBidRequest } = folder.json(name) as { readonly mockBidRequest?: unknown };
      if (mockBidRequest === undefined) continue;
      const response = await rig.post("/openrtb2/2.6/bid", mockBidRequest);
      expect([200, 204], name).toContain(response.status);
    }
    expect(rig.errors).toEqual([]);
    expect(rig.asker.asked.length).toBeGreaterThan(0);
  });
});
