import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Settings } from "../../config/schema.ts";
import { runCommand } from "../../runtime/cli/program.ts";
import { capturedTerminal } from "../support/captured-terminal.ts";
import { AnsweringNode } from "../support/answering-node.ts";

let node: AnsweringNode;
beforeAll(async () => {
  node = await AnsweringNode.start();
});
afterAll(() => node.stop());
beforeEach(() => node.forget());

const chorus = (...args: string[]) => node.chorus(...args);

const nodeView = {
  node: "node-1",
  version: "0.1.0",
  uptimeMs: 90_000,
  state: "serving",
  reason: null,
  shards: [{ id: 0, partitions: [0, 1], actors: 7, lagEnvelopes: 0, restarts: 2 }],
  store: { unfoldedBytes: 2_048, flushMsP99: 1.25 },
  nats: { connected: true, syncAlways: true, serverVersion: "2.15.2" },
  pressure: "none",
  catalog: { version: 3, servedVersions: [3] },
};

test("status asks the node of the data folder with its token, and speaks to people", async () => {
  node.answer.body = nodeView;
  const { code, printed } = await chorus("status");
  expect({ code, seen: node.seen }).toMatchObject({
    code: 0,
    seen: [{ method: "GET", url: "/v1/inspect/node", token: "Bearer secret" }],
  });
  expect(printed()).toContain("node-1 is serving");
  expect(printed()).toMatch(/^ +0 +0,1 +7 +0 +2$/m);
});

test("--json prints the node's answer as one document and nothing else", async () => {
  node.answer.body = nodeView;
  const { printed } = await chorus("status", "--json");
  expect(JSON.parse(printed())).toEqual(nodeView);
});

test("a node is found by --data, by --admin and --token, and by the environment, in this order", async () => {
  const nowhere = { CHORUS_DATA: "/nonexistent" };
  node.answer.body = nodeView;
  const codes = [
    await node.chorusWith(
      capturedTerminal({ ...nowhere, CHORUS_ADMIN: "127.0.0.1:1" }),
      "status",
      "--data",
      node.dataDir,
    ),
    await node.chorusWith(capturedTerminal(nowhere), "status", "--admin", node.url, "--token", "mine"),
    await node.chorusWith(
      capturedTerminal({ ...nowhere, CHORUS_ADMIN: node.url, CHORUS_ADMIN_TOKEN: "theirs" }),
      "status",
    ),
    await node.chorusWith(
      capturedTerminal({ CHORUS_ADMIN: node.url.slice("http://".length), CHORUS_DATA: node.dataDir }),
      "status",
    ),
  ].map(({ code }) => code);
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(node.seen.map(({ token }) => token)).toEqual([
    "Bearer secret",
    "Bearer mine",
    "Bearer theirs",
    "Bearer secret",
  ]);
});

test("where no node is or answers the exit code is 4, and the message says what to do", async () => {
  const absent = await node.chorusWith(capturedTerminal(), "status", "--data", "/nonexistent");
  expect({ code: absent.code, text: absent.complained() }).toMatchObject({
    code: 4,
    text: expect.stringContaining("chorus start"),
  });
  const gone = await chorus("status", "--admin", "http://127.0.0.1:1", "--token", "x");
  expect({ code: gone.code, text: gone.complained() }).toMatchObject({
    code: 4,
    text: expect.stringContaining("cannot reach the node"),
  });
});

test("what is not there ends with 3, a refused token with 1, wrong usage with 2", async () => {
  node.answer = { status: 404, body: { title: "there is nothing here", status: 404, code: "NOT_FOUND", errors: [] } };
  const missing = await chorus("inspect", "actor", "budget", "nobody");
  expect({ code: missing.code, text: missing.complained() }).toEqual({
    code: 3,
    text: "chorus: not found: the actor budget nobody",
  });
  node.answer = { status: 401, body: { title: "no", status: 401, code: "UNAUTHORISED", errors: [] } };
  expect(await chorus("status")).toMatchObject({ code: 1 });
  for (const args of [["gremlin"], ["explain"], ["inspect"], ["status", "--loud"], ["control", "accept-gap", "x"]])
    expect(await chorus(...args)).toMatchObject({ code: 2 });
});

test("help of every command exits with 0", async () => {
  for (const command of [[], ["start"], ["inspect"], ["campaigns", "apply"], ["control"], ["decode"]]) {
    const { code, printed } = await chorus(...command, "--help");
    expect({ command, code, text: printed() }).toMatchObject({
      command,
      code: 0,
      text: expect.stringContaining("Usage: chorus"),
    });
  }
});

test("campaigns apply sends the document of a file or of standard input, and can be asked to change nothing", async () => {
  const document = { campaigns: [{ id: "spring" }] };
  const file = join(node.dataDir, "campaigns.json");
  await writeFile(file, JSON.stringify(document));
  node.answer.body = { version: 4, changed: 1 };
  expect((await chorus("campaigns", "apply", file)).printed()).toBe(
    "changed 1 document: version 4, every shard serves it",
  );
  node.answer.body = { version: 4, changed: 1, dryRun: true };
  const input = new TextEncoder().encode(JSON.stringify(document));
  const dry = await node.chorusWith(
    capturedTerminal({ CHORUS_DATA: node.dataDir }, input),
    "campaigns",
    "apply",
    "-",
    "--dry-run",
  );
  expect(dry.printed()).toContain("nothing was changed");
  expect(node.seen.map((one) => [one.method, one.url, JSON.parse(one.body)])).toEqual([
    ["POST", "/v1/apply?dryRun=false", document],
    ["POST", "/v1/apply?dryRun=true", document],
  ]);
});

test("a refused document ends with 1 and every fault is named; an unreadable one with 2", async () => {
  const file = join(node.dataDir, "wrong.json");
  await writeFile(file, "{}");
  const errors = [{ path: "campaigns[0].tier", value: "gold", rule: "must be one of standard" }];
  node.answer = {
    status: 400,
    body: { title: "the document breaks rules", status: 400, code: "DOCUMENT_REFUSED", errors },
  };
  const refused = await chorus("campaigns", "apply", file);
  expect({ code: refused.code, text: refused.complained() }).toEqual({
    code: 1,
    text: 'chorus: the document breaks rules (DOCUMENT_REFUSED)\n  campaigns[0].tier = "gold": must be one of standard',
  });
  await writeFile(file, "{");
  expect(await chorus("campaigns", "apply", file)).toMatchObject({ code: 2 });
});

test("campaigns are listed with their budgets and paused by a patch", async () => {
  const budget = { dailyMicros: 100_000_000 };
  node.answer.body = [
    { id: "spring", name: "Spring", status: "active", tier: "standard", currency: "USD", budget, version: 3 },
  ];
  expect((await chorus("campaigns", "list")).printed()).toMatch(/^spring +Spring +active +standard +100\.00 +- +USD/m);
  node.answer.body = { version: 5, changed: 1, lacking: ["shard-1"] };
  expect((await chorus("campaigns", "pause", "spring")).printed()).toContain("not yet served by shard-1");
  expect(node.seen.at(-1)).toMatchObject({ method: "PATCH", url: "/v1/campaigns/spring", body: '{"status":"paused"}' });
});

test("explain tells the outcome, the price, the vetoes and the events", async () => {
  node.answer.body = {
    decisionId: "d",
    at: "2026-03-01T00:00:00.000Z",
    outcome: "bid",
    nbr: null,
    test: false,
    campaignId: "spring",
    adSetId: "spring-de",
    creativeId: "spring-30",
    currency: "USD",
    priceMicros: 12_000,
    floorMicros: 5_000,
    propensity: 0.75,
    slots: [
      {
        slot: 0,
        impId: "imp-1",
        campaignId: "spring",
        creativeId: "spring-30",
        dealId: "pmp-1",
        priceMicros: 12_000,
        propensity: 1,
        billing: { stage: "open" },
      },
    ],
    candidates: [
      {
        campaignId: "autumn",
        adSetId: "autumn-de",
        creativeId: "autumn-30",
        proposedBy: "audience",
        vetoes: [{ role: "frequency", reason: "cap", rule: "3 per 1d" }],
        terms: [],
        scoreMicros: 0,
      },
    ],
    vetoCounts: { "frequency/cap": 1 },
    proposed: 2,
    considered: 2,
    roles: [{ role: "audience", variant: "default", version: "1", outcome: "answered", micros: 14 }],
    experiments: [],
    versions: { catalog: 41, config: "c" },
    capabilities: { id: true, caps: true, profile: false, measure: false, childSafe: true },
    context: {},
    requestHash: "h",
    seed: "s",
    events: [{ slot: 0, event: "impression", at: "2026-03-01T00:00:01.000Z" }],
  };
  const text = (await chorus("explain", "d")).printed();
  for (const part of [
    "bid: creative spring-30 of ad set spring-de, campaign spring",
    "price 0.012 USD an impression, floor 0.005",
    "frequency: cap (3 per 1d)",
    "consent allows: id, caps; child-safe ads only;",
    "impression",
    "pmp-1",
  ])
    expect(text).toContain(part);
});

test("why-not shows each day's fate of a campaign, and the reasons, the most frequent first", async () => {
  const fates = { decisions: 9, won: 1, outbid: 2, vetoed: 3, refused: 0, absent: 3, unseen: 0 };
  node.answer.body = {
    campaignId: "spring",
    timezone: "Europe/Berlin",
    since: "2026-03-01T23:00:00.000Z",
    until: "2026-03-02T12:00:00.000Z",
    complete: false,
    days: [{ day: "2026-03-02", ...fates, reasons: { "pacing/dry": 1, "frequency/cap": 2 } }],
  };
  const lines = (await chorus("why-not", "spring", "--since", "2026-03-01T23:00:00Z")).printed().split("\n");
  expect(node.seen.at(-1)).toMatchObject({
    method: "GET",
    url: "/v1/campaigns/spring/why-not?since=2026-03-01T23%3A00%3A00Z",
  });
  expect(lines.map((line) => line.replaceAll(/ +/g, " "))).toEqual([
    "spring, from 2026-03-01T23:00:00.000Z to 2026-03-02T12:00:00.000Z, days of Europe/Berlin",
    "",
    "DAY DECISIONS WON OUTBID VETOED REFUSED ABSENT UNSEEN",
    "2026-03-02 9 1 2 3 0 3 0",
    "",
    "DAY REASON DECISIONS",
    "2026-03-02 frequency/cap 2",
    "2026-03-02 pacing/dry 1",
    "",
    "there was too much to read: this is the newest part of it; ask for less",
  ]);
});

test("inspect jobs shows what runs, how far it is, and what became of the others", async () => {
  node.answer.body = {
    threads: 1,
    threadsMax: 2,
    running: 1,
    waiting: 0,
    queueMax: 64,
    jobs: [
      {
        jobId: "j",
        name: "why-not",
        owner: "campaign/spring",
        state: "running",
        ageMs: 2_000,
        remainingMs: 10_000,
        progress: { share: 0.5, note: "" },
      },
    ],
    truncated: false,
    ended: [{ name: "why-not", outcome: "refused", count: 4 }],
  };
  const text = (await chorus("inspect", "jobs")).printed();
  for (const part of ["1 running in 1 of 2 threads, 0 of 64 waiting", "campaign/spring", "50 %", "refused"])
    expect(text).toContain(part);
});

test("pseudonym prints the key alone, for use in other commands", async () => {
  node.answer.body = { key: "abcdefghijklmnopqrstuv" };
  expect((await chorus("pseudonym", "user 1")).printed()).toBe("abcdefghijklmnopqrstuv");
  expect(node.seen.at(-1)?.url).toBe("/v1/pseudonym?id=user+1&source=user");
});

test("start hands options over the environment over the file to the daemon, whose exit code is its own", async () => {
  const file = join(node.dataDir, "config.json");
  await writeFile(file, JSON.stringify({ node: "from-file", partitions: 4, shards: 3 }));
  let settings: Settings | undefined;
  const code = await runCommand(
    ["start", "--config", file, "--shards", "2", "--nats-port", "0", "--no-examples", "--http", "127.0.0.1:0"],
    capturedTerminal({ CHORUS_NODE: "from-environment", CHORUS_SHARDS: "1" }),
    (given) => {
      settings = given;
      return Promise.resolve(1);
    },
  );
  expect(code).toBe(1);
  expect(settings).toMatchObject({
    node: "from-environment",
    partitions: 4,
    shards: 2,
    examples: false,
    http: "127.0.0.1:0",
    nats: { server: "managed", port: 0 },
  });
});

test("start names every wrong setting at once and exits with 2", async () => {
  const { code, complained } = await chorus("start", "--shards", "many", "--http", "nowhere");
  expect(code).toBe(2);
  expect(complained()).toContain('http = "nowhere"');
  expect(complained()).toContain('shards = "many"');
});
