import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVING_LIMITS } from "../../runtime/http/limits.ts";
import { bidRequest, type EdgeRig, startServing } from "../support/http-edge.ts";

const BID = "/openrtb2/2.6/bid";
const RUNS = { numRuns: 150 };
let rig: EdgeRig;

beforeAll(async () => {
  rig = await startServing();
});
afterAll(async () => {
  await rig.server.close();
  expect(rig.errors).toEqual([]);
});

/** A bid request with something else at some places of it. */
const mutated = fc
  .array(fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 3 })), { minLength: 1, maxLength: 4 })
  .map((changes) => {
    const request = structuredClone(
      bidRequest({ site: undefined, regs: { gdpr: 0, gpp_sid: [2], ext: { gpc: "1" } }, tmax: 100, test: 0 }),
    );
    for (const [place, value] of changes) mutate(request, place, value);
    return request;
  });

function mutate(node: Record<string, unknown>, place: number, value: unknown): void {
  const keys = Object.keys(node);
  const key = keys[place % keys.length];
  if (key === undefined) return;
  const child = node[key];
  if (typeof child === "object" && child !== null && place % 3 !== 0)
    mutate(child as Record<string, unknown>, Math.floor(place / keys.length), value);
  else node[key] = value;
}

describe("whatever is sent, the answer is never 5xx", () => {
  test("bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 512 }),
        fc.constantFrom(BID, "/vast", "/v1/events"),
        async (bytes, path) => {
          expect((await rig.post(path, bytes)).status).toBeLessThan(500);
        },
      ),
      RUNS,
    );
  });

  test("JSON of any shape", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.constantFrom(BID, "/vast"), async (json, path) => {
        expect((await rig.post(path, json)).status).toBe(400);
      }),
      RUNS,
    );
  });

  test("bid requests with anything at any place", async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (request) => {
        expect([200, 204, 400]).toContain((await rig.post(BID, request)).status);
      }),
      RUNS,
    );
  });

  test("server-side events of any shape, from a sender of ours", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 2 })), async (events) => {
        const response = await rig.post("/v1/events", events, { authorization: "Bearer sender-token" });
        expect(response.status).toBe(202);
      }),
      RUNS,
    );
  });

  test("queries of any text, malformed escapes too", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("/e", "/vast", "/n/win", "/n/bill", "/n/loss"),
        fc.array(fc.tuple(fc.constantFrom("t", "u", "s", "price", "id", "feed", "mimes", "gpp"), fc.string())),
        fc.boolean(),
        async (path, parameters, escaped) => {
          const query = parameters
            .map(
              ([name, value]) =>
                `${name}=${escaped ? encodeURIComponent(value.toWellFormed()) : value.replaceAll(/[^!-~]|#/g, "%")}`,
            )
            .join("&");
          expect((await rig.get(`${path}?${query}`)).status).toBeLessThan(500);
        },
      ),
      RUNS,
    );
  });

  test.each([
    ["an empty body", ""],
    ["prototype keys", '{"__proto__":{"id":"x"},"constructor":{"prototype":{}},"id":"1","imp":[{"id":"1"}]}'],
    ["deep arrays", "[".repeat(500_000)],
    [
      "deep objects in a request",
      `{"id":"1","imp":[{"id":"1"}],"ext":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`,
    ],
    ["numbers beyond all bounds", '{"id":"1","tmax":1e999,"imp":[{"id":"1"}]}'],
    ["a thousand imps", JSON.stringify({ id: "1", imp: Array.from({ length: 1_000 }, (_, id) => ({ id: `${id}` })) })],
  ])("%s", async (_case, body) => {
    expect([204, 400]).toContain((await rig.post(BID, body)).status);
  });

  test("durations and bounds beyond all measure are still decided", async () => {
    const audio = {
      mimes: ["audio/mpeg"],
      minduration: 0.0001,
      maxduration: 1e300,
      rqddurs: [1e300],
      feed: 1.5,
      exp: 1e300,
    };
    const imp = [{ id: "1", exp: 1e308, audio: { ...audio, minbitrate: 1e300, battr: [0.5, 1] } }];
    expect((await rig.post(BID, bidRequest({ imp }))).status).toBe(200);
  });
});

test("a body above the bound is refused, by a bid without a word", async () => {
  const large = `{"id":"${"x".repeat(2 * 1024 * 1024)}"}`;
  const bid = await rig.post(BID, large);
  expect([bid.status, await bid.text()]).toEqual([413, ""]);
  const vast = await rig.post("/vast", large);
  expect([vast.status, ((await vast.json()) as { code: string }).code]).toEqual([413, "BODY_TOO_LARGE"]);
});

test("any content type is read as what it must be", async () => {
  for (const type of ["text/plain", "application/openrtb+json", "application/octet-stream"])
    expect((await rig.post(BID, bidRequest(), { "content-type": type })).status).toBe(200);
});

test("an unknown path is a problem document", async () => {
  const response = await rig.get("/openrtb2/2.6/bid");
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ status: 404, code: "NOT_FOUND" });
});

describe("a slow client", () => {
  /** The socket's last word, once the server has closed it. */
  function closed(socket: Socket): Promise<string> {
    let said = "";
    socket.setEncoding("utf8").on("data", (text: string) => (said += text));
    return new Promise((resolve) => socket.once("close", () => resolve(said)));
  }

  async function slowly(head: string): Promise<string> {
    const slow = await startServing({ limits: { ...SERVING_LIMITS, headersTimeoutMs: 300, requestTimeoutMs: 300 } });
    const socket = connect(Number(new URL(slow.url).port), "127.0.0.1");
    const end = closed(socket);
    socket.write(head);
    const said = await end;
    await slow.server.close();
    return said;
  }

  test("that does not end its head is closed", async () => {
    expect(await slowly(`POST ${BID} HTTP/1.1\r\nHost: x\r\n`)).toMatch("408");
  });

  test("that does not send its body is closed", async () => {
    expect(await slowly(`POST ${BID} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`)).toMatch("408");
  });
});

test("connections above the bound are closed at once", async () => {
  const narrow = await startServing({ limits: { ...SERVING_LIMITS, connectionsMax: 1 } });
  const port = Number(new URL(narrow.url).port);
  const first = connect(port, "127.0.0.1");
  await new Promise((resolve) => first.once("connect", resolve));
  const second = connect(port, "127.0.0.1");
  await new Promise((resolve) => second.once("close", resolve));
  expect(first.destroyed).toBe(false);
  first.destroy();
  await narrow.server.close();
});
