import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { createAdmin } from "../../runtime/http/admin.ts";
import type { AdminOptions } from "../../runtime/http/admin-ports.ts";
import { ADMIN_LIMITS } from "../../runtime/http/limits.ts";
import type { HttpServer } from "../../runtime/http/server.ts";
import { FakeAsker, fault } from "../support/http-edge.ts";

const TOKEN = "admin-token";
const CAMPAIGN = { id: "spring", name: "Spring" };
const DECISION = decisionIdOf({ nowMs: 1, partition: asPartition(3), epoch: 1, commitSeq: 1, index: 0 });
const COUNTS = { campaigns: { created: 0, changed: 1, deleted: 0, unchanged: 0 } };
const NO_DECISIONS: AdminOptions["decisions"] = {
  find: async () => null,
  replay: async () => null,
  list: async () => ({ decisions: [], next: null }),
};
let asker: FakeAsker;
let server: HttpServer;
let url: string;
const errors: unknown[] = [];
let audited: unknown[];

async function start(changes: Partial<AdminOptions> = {}): Promise<void> {
  asker = new FakeAsker();
  audited = [];
  asker.on("catalog.Get", () => ({ document: CAMPAIGN, version: 41 }));
  for (const change of ["Put", "Patch", "Delete", "Apply"])
    asker.on(`catalog.${change}`, () => ({ outcome: "applied", version: 42, changed: 1, counts: COUNTS, changes: [] }));
  server = createAdmin({
    asker,
    holderOf: (bearer) => (bearer === TOKEN ? "admin" : null),
    recordChange: async (change) => void audited.push(change),
    awaitServed: async () => ({ served: true, lacking: [] }),
    servedVersions: () => ({ "0": 41, "1": 40 }),
    decisions: NO_DECISIONS,
    whyNot: async () => null,
    metrics: async () => "chorus_up 1\n",
    inspect: async (path) => (path === "actor/listener/k" ? { kind: "listener" } : undefined),
    control: async (verb, body) =>
      verb === "pause"
        ? { ok: true, value: { paused: body } }
        : { ok: false, status: verb === "fly" ? 404 : 501, reason: `${verb} comes with a later release` },
    pseudonym: async (source, id) => `${source}:${id.length}`,
    readiness: () => ({ ready: true }),
    limits: ADMIN_LIMITS,
    hooks: { onRequest: () => undefined, onError: (error) => errors.push(error) },
    ...changes,
  });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
}

beforeEach(() => start());
afterEach(() => server.close());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function restart(changes: Partial<AdminOptions>): Promise<void> {
  await server.close();
  await start(changes);
}

describe("the bearer token", () => {
  test.each([undefined, "Bearer other", "Bearer ", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`])(
    "is wanted: %s is refused",
    async (authorization) => {
      for (const path of ["/v1/campaigns", "/metrics", "/v1/inspect/node"]) {
        const response = await fetch(
          `${url}${path}`,
          authorization === undefined ? {} : { headers: { authorization } },
        );
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
        expect(await response.json()).toMatchObject({ status: 401, code: "UNAUTHORISED", errors: [] });
      }
      expect(asker.asked).toEqual([]);
    },
  );

  test("is not wanted for health", async () => {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
});

describe("documents", () => {
  test.each(["advertisers", "campaigns", "ad-sets", "creatives", "deals"])("of %s are listed", async (collection) => {
    asker.on("catalog.List", () => ({ entries: [{ id: "a", document: { id: "a" }, version: 7 }], more: false }));
    expect(await call("GET", `/v1/${collection}`)).toMatchObject({ status: 200, body: [{ id: "a", version: 7 }] });
    expect(asker.asked[0]).toMatchObject({
      to: { kind: "catalog", key: "catalog", partition: partitionOf("catalog", 16) },
      payload: { collection },
    });
  });

  test("are shown with their version, campaigns with what each shard serves", async () => {
    const shown = await call("GET", "/v1/campaigns/spring");
    expect(shown.headers.get("etag")).toBe('"41"');
    expect(shown.body).toEqual({ ...CAMPAIGN, version: 41, servedVersion: { "0": 41, "1": 40 } });
    expect((await call("GET", "/v1/creatives/spring-30")).body).not.toHaveProperty("servedVersion");
  });

  test("that are absent are not found", async () => {
    asker.on("catalog.Get", () => null);
    expect(await call("GET", "/v1/campaigns/none")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    asker.on("catalog.Delete", () => ({ outcome: "absent" }));
    expect((await call("DELETE", "/v1/campaigns/none")).status).toBe(404);
    expect((await call("GET", "/v1/widgets")).status).toBe(404);
  });

  test("are put as they were shown, under the version that was shown", async () => {
    const shown = await call("GET", "/v1/campaigns/spring");
    const changed = await call("PUT", "/v1/campaigns/spring", shown.body, { "if-match": '"41"' });
    expect(changed).toMatchObject({ status: 200, body: { version: 42, changed: 1 } });
    expect(changed.headers.get("etag")).toBe('"42"');
    expect(asker.asked.at(-1)).toMatchObject({
      type: "Put",
      payload: { collection: "campaigns", id: "spring", document: CAMPAIGN, ifMatch: 41 },
    });
  });

  test("are patched and deleted", async () => {
    await call(
      "PATCH",
      "/v1/campaigns/spring",
      { status: "paused" },
      { "content-type": "application/merge-patch+json" },
    );
    expect(asker.asked.at(-1)).toMatchObject({
      type: "Patch",
      payload: { patch: { status: "paused" }, ifMatch: null },
    });
    await call("DELETE", "/v1/campaigns/spring", undefined, { "if-match": "*" });
    expect(asker.asked.at(-1)).toMatchObject({ type: "Delete", payload: { id: "spring", ifMatch: "any" } });
  });

  test("of another version are not changed: 412 with the version there is", async () => {
    asker.on("catalog.Put", () => ({ outcome: "conflict", version: 43 }));
    const refused = await call("PUT", "/v1/campaigns/spring", CAMPAIGN, { "if-match": '"41"' });
    expect(refused).toMatchObject({ status: 412, body: { code: "VERSION_CONFLICT" } });
    expect(refused.headers.get("etag")).toBe('"43"');
  });

  test.each(['W/"41"', "41", '"x"', '"41", "42"'])("under If-Match %s match no version", async (tag) => {
    await call("PUT", "/v1/campaigns/spring", CAMPAIGN, { "if-match": tag });
    expect(asker.asked.at(-1)?.payload).toMatchObject({ ifMatch: -1 });
  });

  test("that break rules get all faults at once", async () => {
    const faults = [
      { path: "budget.dailyMicros", value: -1, rule: "must not be negative" },
      { path: "colour", value: "red", rule: "unknown key" },
    ];
    asker.on("catalog.Put", () => ({ outcome: "refused", errors: faults }));
    const refused = await call("PUT", "/v1/campaigns/spring", {});
    expect(refused.headers.get("content-type")).toMatch("application/problem+json");
    expect(refused).toMatchObject({
      status: 400,
      body: {
        type: expect.any(String),
        title: expect.any(String),
        status: 400,
        code: "DOCUMENT_REFUSED",
        errors: faults,
      },
    });
  });

  test("that are no JSON are malformed", async () => {
    for (const method of ["PUT", "PATCH"])
      expect(await call(method, "/v1/campaigns/spring", "{")).toMatchObject({
        status: 400,
        body: { code: "REQUEST_MALFORMED", errors: [{ rule: "must be JSON" }] },
      });
    expect((await call("POST", "/v1/apply", "[".repeat(100))).body).toMatchObject({
      errors: [{ rule: "must nest at most 64 deep" }],
    });
  });
});

describe("a change", () => {
  test("that some shard does not serve in time gets 202 with who lacks it", async () => {
    const waited: number[] = [];
    await restart({
      awaitServed: async (version) => {
        waited.push(version);
        return { served: false, lacking: ["node-1/shard-0"] };
      },
    });
    const changed = await call("POST", "/v1/apply", { campaigns: [] });
    expect(changed).toMatchObject({ status: 202, body: { version: 42, changed: 1, lacking: ["node-1/shard-0"] } });
    expect(waited).toEqual([42]);
  });

  test("applied as a dry run changes nothing and waits for nobody", async () => {
    await restart({ awaitServed: () => Promise.reject(new Error("nobody should wait")) });
    const dry = await call("POST", "/v1/apply?dryRun=true", { campaigns: [CAMPAIGN] });
    expect(dry).toMatchObject({ status: 200, body: { version: 42, changed: 1, dryRun: true } });
    expect(asker.asked.at(-1)).toMatchObject({
      type: "Apply",
      payload: { document: { campaigns: [CAMPAIGN] }, dryRun: true },
    });
  });

  test("applied with an unclear dryRun is refused rather than made", async () => {
    expect((await call("POST", "/v1/apply?dryRun=yes", {})).status).toBe(400);
    expect(asker.asked).toEqual([]);
  });

  test("while the catalog does not answer can be tried again", async () => {
    asker.on("catalog.Put", () => {
      throw fault("NOT_OWNER");
    });
    const refused = await call("PUT", "/v1/campaigns/spring", {});
    expect(refused).toMatchObject({ status: 503, body: { code: "NOT_OWNER" } });
    expect(refused.headers.get("retry-after")).toBe("1");
    asker.on("catalog.Put", () => {
      throw fault("OVERLOADED");
    });
    expect((await call("PUT", "/v1/campaigns/spring", {})).status).toBe(429);
  });
});

describe("delivery", () => {
  const balance = (asOfMs: number) => ({
    spentMicros: 12_000,
    reservedMicros: 24_000,
    grantedMicros: 500_000,
    counts: { impressions: 1, completes: 1 },
    asOfMs,
  });

  test("shows what was spent, reserved, granted and counted", async () => {
    asker.on("budget.Balance", () => balance(1_700_000_000_000));
    expect((await call("GET", "/v1/campaigns/spring/delivery")).body).toEqual({
      spentMicros: 12_000,
      reservedMicros: 24_000,
      grantedMicros: 500_000,
      impressions: 1,
      starts: 0,
      completes: 1,
      skips: 0,
      clicks: 0,
      conversions: 0,
      asOf: "2023-11-14T22:13:20.000Z",
    });
    expect(asker.asked.at(-1)?.to).toEqual({ kind: "budget", key: "spring", partition: partitionOf("spring", 16) });
  });

  test("of a campaign that never was is not found, of a deleted one stays", async () => {
    asker.on("catalog.Get", () => null);
    asker.on("budget.Balance", () => balance(0));
    expect((await call("GET", "/v1/campaigns/none/delivery")).status).toBe(404);
    asker.on("budget.Balance", () => balance(5));
    expect((await call("GET", "/v1/campaigns/gone/delivery")).status).toBe(200);
    expect((await call("GET", "/v1/campaigns/a%2F..%2Fb/delivery")).status).toBe(404);
  });
});

describe("why a campaign was not served", () => {
  test("is asked by campaign and times, in either form", async () => {
    const asked: unknown[] = [];
    const view = { campaignId: "spring", timezone: "UTC", since: "", until: "", complete: true, days: [] };
    await restart({
      whyNot: async (campaignId, times) => {
        asked.push({ campaignId, ...times });
        return campaignId === "spring" ? view : null;
      },
    });
    expect(
      (await call("GET", "/v1/campaigns/spring/why-not?since=2026-03-01T00:00:00Z&until=1900000000000")).body,
    ).toEqual(view);
    expect((await call("GET", "/v1/campaigns/spring/why-not")).status).toBe(200);
    expect((await call("GET", "/v1/campaigns/winter/why-not")).status).toBe(404);
    expect((await call("GET", "/v1/campaigns/a%2Fb/why-not")).status).toBe(404);
    expect(asked).toEqual([
      { campaignId: "spring", sinceMs: Date.UTC(2026, 2, 1), untilMs: 1_900_000_000_000 },
      { campaignId: "spring", sinceMs: undefined, untilMs: undefined },
      { campaignId: "winter", sinceMs: undefined, untilMs: undefined },
    ]);
  });

  test("names every parameter that is wrong, and says when too much is asked at once", async () => {
    await restart({ whyNot: () => Promise.reject(fault("OVERLOADED")) });
    expect((await call("GET", "/v1/campaigns/spring/why-not?since=soon&day=1")).body).toMatchObject({
      status: 400,
      errors: [{ path: "day" }, { path: "since", value: "soon" }],
    });
    expect((await call("GET", "/v1/campaigns/spring/why-not")).status).toBe(429);
  });
});

describe("decisions", () => {
  test("are explained by id", async () => {
    await restart({
      decisions: { ...NO_DECISIONS, find: async (id) => ({ decisionId: id, outcome: "bid" }) as never },
    });
    expect((await call("GET", `/v1/decisions/${DECISION}`)).body).toEqual({ decisionId: DECISION, outcome: "bid" });
    expect((await call("GET", "/v1/decisions/none")).status).toBe(404);
  });

  test("are listed by campaign and time", async () => {
    const queries: unknown[] = [];
    await restart({
      decisions: {
        ...NO_DECISIONS,
        list: async (query) => {
          queries.push(query);
          return { decisions: [{ decisionId: DECISION } as never], next: { sequence: 12, row: 3 } };
        },
      },
    });
    const listed = await call("GET", "/v1/decisions?campaign=spring&since=2026-03-01T00:00:00Z&limit=5");
    expect(listed.body).toEqual([{ decisionId: DECISION }]);
    await call("GET", "/v1/decisions?since=1700000000000");
    expect(queries).toEqual([
      { campaign: "spring", sinceMs: Date.parse("2026-03-01T00:00:00Z"), limit: 5 },
      { campaign: undefined, sinceMs: 1_700_000_000_000, limit: 100 },
    ]);
    expect((await call("GET", "/v1/decisions?campaign=%00&since=soon&limit=0")).body).toMatchObject({
      errors: [{ path: "campaign" }, { path: "since" }, { path: "limit" }],
    });
  });
});

test("metrics, inspection and control are passed on", async () => {
  const metrics = await call("GET", "/metrics");
  expect([metrics.body, metrics.headers.get("content-type")]).toEqual([
    "chorus_up 1\n",
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  expect((await call("GET", "/v1/inspect/actor/listener/k")).body).toEqual({ kind: "listener" });
  expect((await call("GET", "/v1/inspect/nothing")).status).toBe(404);
  expect((await call("POST", "/v1/control/pause", { kind: "listener" })).body).toEqual({
    paused: { kind: "listener" },
  });
  expect((await call("POST", "/v1/control/pause")).status).toBe(200);
  expect((await call("POST", "/v1/control/fly", {})).status).toBe(404);
  expect((await call("POST", "/v1/control/retry", {})).status).toBe(501);
  expect((await call("GET", "/v1/pseudonym?id=someone")).body).toEqual({ key: "user:7" });
  expect((await call("GET", "/v1/pseudonym")).status).toBe(400);
});

test("an error of ours is logged, and the answer tells nothing of it", async () => {
  await restart({ metrics: () => Promise.reject(new Error("secret detail")) });
  const failed = await call("GET", "/metrics");
  expect(failed).toMatchObject({ status: 500, body: { code: "INTERNAL" } });
  expect(JSON.stringify(failed.body)).not.toContain("secret");
  expect(errors.at(-1)).toBeInstanceOf(Error);
});
