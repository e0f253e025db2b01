import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { CATALOG_KEY } from "../../protocols/messages/catalog.ts";
import type { DecisionAnswer } from "../../protocols/messages/listener.ts";
import type { DecisionQuery } from "../../runtime/host/decision-list.ts";
import { AUDIT_START, auditHash } from "../../runtime/nats/audit-log.ts";
import { request } from "../support/campaigns.ts";
import { type CliResult, describeWithNatsCli, natsBinary, natsCli } from "../support/nats.ts";
import { type OperatedNode, startOperatedNode } from "../support/operated-node.ts";

const EVERYTHING: DecisionQuery = {
  campaign: undefined,
  outcome: undefined,
  sinceMs: undefined,
  untilMs: undefined,
  after: undefined,
  limit: 50,
};

const examples = JSON.parse(
  await readFile(new URL("../../config/examples/campaigns.json", import.meta.url), "utf8"),
) as { campaigns: { id: string }[] };

describeWithNatsCli("a running node, seen by operators through the nats CLI", () => {
  let node: OperatedNode;

  beforeAll(async () => {
    node = await startOperatedNode(natsBinary());
    await apply(examples);
  });
  afterAll(() => node.stop());

  const cli = (role: "operator" | "viewer", ...args: string[]): Promise<CliResult> =>
    natsCli(node.nats.url, node.nats.credentials?.[role] ?? null, args);

  async function apply(document: unknown): Promise<void> {
    const to = { kind: "catalog", key: CATALOG_KEY };
    const changed = await node.runtime.asker.ask(to, "Apply", { document, dryRun: false }, 5_000);
    expect(changed).toMatchObject({ outcome: "applied" });
    await node.runtime.feed.load();
    await node.runtime.feed.awaitServed(node.runtime.feed.version);
  }

  /** The JSON that `nats req` prints. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- parsed JSON, which the assertions check
  async function asked(role: "operator" | "viewer", subject: string, body = ""): Promise<any> {
    const { code, stdout, stderr } = await cli(role, "req", subject, body, "--raw");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return JSON.parse(stdout);
  }

  async function decide(key: string): Promise<DecisionAnswer> {
    const question = request({
      capabilities: { profile: false },
      context: { country: "DEU", genres: ["rock"] },
      slot: { maxDurationMs: 60_000, secure: true },
    });
    return (await node.runtime.asker.ask({ kind: "listener", key }, "Decide", question, 5_000)) as DecisionAnswer;
  }

  test("nats micro lists the service, its endpoints and their subjects", async () => {
    await expect(cli("operator", "micro", "ls")).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining("chorus"),
    });
    const info = await cli("operator", "micro", "info", "chorus");
    for (const subject of ["chorus.inspect.node", "chorus.inspect.actor.*.*", "chorus.control.restart"])
      expect(info.stdout).toContain(subject);
    await expect(cli("operator", "micro", "stats", "chorus")).resolves.toMatchObject({ code: 0 });
  });

  test("the node tells its state in the documented shape", async () => {
    expect(await asked("viewer", "chorus.inspect.node")).toMatchObject({
      node: "node-1",
      version: "0.1.0",
      uptimeMs: expect.any(Number),
      state: "serving",
      shards: [{ id: 0, partitions: [0, 1, 2, 3], actors: expect.any(Number), lagEnvelopes: 0, restarts: 0 }],
      store: { unfoldedBytes: expect.any(Number), flushMsP99: expect.any(Number) },
      nats: { connected: true, syncAlways: true },
      pressure: "none",
    });
  });

  test("an actor shows its state, where it lives and how it does", async () => {
    expect(await asked("viewer", "chorus.inspect.actor.catalog.catalog")).toMatchObject({
      kind: "catalog",
      key: "catalog",
      partition: expect.any(Number),
      shard: 0,
      version: expect.any(Number),
      resident: true,
      bytes: expect.any(Number),
      mailbox: 0,
      restarts: 0,
      lastError: null,
      state: expect.any(Object),
    });
  });

  test("pinned actors are found by their key: a wallet by its partition, a delivery by its decision", async () => {
    const { decisionId, bids } = await decide("listener-a");
    expect(bids).toHaveLength(1);
    const delivery = await asked("operator", `chorus.inspect.actor.delivery.${decisionId}`);
    expect(delivery).toMatchObject({ kind: "delivery", key: decisionId, state: { stage: "open" } });
    const wallet = await asked("operator", `chorus.inspect.actor.wallet.w${delivery.partition}`);
    expect(wallet).toMatchObject({ kind: "wallet", partition: delivery.partition });
  });

  test("lists are answered for every subject of the interface", async () => {
    const [actors, catalogs, shards, partitions, letters, timers, learners] = await Promise.all(
      ["actors", "actors.catalog", "shards", "partitions", "dead-letters", "timers", "learners"].map((words) =>
        asked("viewer", `chorus.inspect.${words}`),
      ),
    );
    expect(actors.actors.length).toBeGreaterThan(1);
    expect(catalogs.actors).toMatchObject([{ kind: "catalog", key: "catalog" }]);
    expect(shards.shards).toHaveLength(1);
    expect(partitions.partitions.map((view: { partition: number }) => view.partition)).toEqual([0, 1, 2, 3]);
    expect(letters).toEqual({ deadLetters: [], truncated: false });
    expect(timers.timers.length).toBeGreaterThan(0);
    expect(learners).toEqual({ learners: [], truncated: false });
  });

  test("what is not there, not understood or not yet possible is an error of the service, with its number", async () => {
    const refused = async (subject: string, body: string, status: number): Promise<void> => {
      const { stdout, stderr } = await cli("operator", "req", subject, body);
      expect(`${stdout}${stderr}`).toContain(`Nats-Service-Error-Code: ${status}`);
    };
    await refused("chorus.inspect.actor.budget.nobody", "", 404);
    await refused("chorus.inspect.actor.gremlin.x", "", 404);
    await refused("chorus.control.restart", '{"key":"spring"}', 400);
    await refused("chorus.control.restart", "{", 400);
    await refused("chorus.control.restart", '{"kind":"catalog","key":"catalog"}', 409);
    await refused("chorus.control.accept-gap", '{"partition":0}', 409);
    await refused("chorus.control.freeze", "", 400);
    await refused("chorus.control.freeze", '{"learner":"creative.nobody"}', 404);
  });

  test("a viewer inspects but does not control", async () => {
    const { code, stdout, stderr } = await cli("viewer", "req", "chorus.control.restart", "{}");
    expect({ refused: code !== 0 || /ermissions/.test(`${stdout}${stderr}`) }).toEqual({ refused: true });
    expect(`${stdout}${stderr}`).not.toContain("Nats-Service-Error");
  });

  test("events of the node arrive at a subscriber, with subjects made safe", async () => {
    const heard = cli("viewer", "sub", "chorus.events.*.partition.test_event__", "--count", "1", "--raw");
    let done = false;
    void heard.then(() => (done = true));
    // The CLI does not say when it has subscribed: events go on until one was heard.
    while (!done) {
      node.events.publish("partition", "test.event *", { partition: 3, node: "forged" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(JSON.parse((await heard).stdout.trim().split("\n")[0] ?? "")).toMatchObject({
      at: expect.stringMatching(/Z$/),
      node: "node-1",
      kind: "partition",
      event: "test.event *",
      partition: 3,
    });
  });

  test("campaigns stand in the bucket as JSON, follow changes and go when they are deleted", async () => {
    const id = examples.campaigns[0]?.id ?? "";
    const raw = async (): Promise<CliResult> =>
      cli("viewer", "kv", "get", "CHORUS_CAMPAIGNS", `campaigns.${id}`, "--raw");
    await node.mirror.settled();
    expect(JSON.parse((await raw()).stdout)).toMatchObject({ id });
    const document = { ...examples.campaigns[0], name: "Renamed" };
    await apply({ ...examples, campaigns: [document, ...examples.campaigns.slice(1)] });
    await node.mirror.settled();
    expect(JSON.parse((await raw()).stdout)).toMatchObject({ id, name: "Renamed" });
    node.mirror.update([{ collection: "campaigns", id, document: null, version: 99 }], false);
    await node.mirror.settled();
    expect((await raw()).code).not.toBe(0);
    await node.runtime.feed.load();
    await node.mirror.settled();
    expect(JSON.parse((await raw()).stdout)).toMatchObject({ id, name: "Renamed" });
  });

  test("a decision is explained as soon as it is answered, with the events of its delivery", async () => {
    const { decisionId } = await decide("listener-b");
    expect(await node.decisions.find(decisionId)).toMatchObject({ decisionId, outcome: "bid", events: [] });
    const delivery = await asked("operator", `chorus.inspect.actor.delivery.${decisionId}`);
    const to = { kind: "delivery", key: decisionId, partition: delivery.partition };
    await node.runtime.asker.ask(to, "Event", { event: "impression", atMs: Date.now() }, 5_000);
    expect(await node.decisions.find(decisionId)).toMatchObject({ events: [{ event: "impression" }] });
  });

  test("a decision that was never made is not found", async () => {
    const { decisionId } = await decide("listener-c");
    expect(await node.decisions.find("nonsense")).toBeNull();
    expect(await node.decisions.find(decisionId.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).toBeNull();
  });

  test("why a campaign was not served is counted by day, over NATS as over HTTP", async () => {
    const { bids, decisionId } = await decide("listener-w");
    await node.decisions.find(decisionId);
    const campaign = bids[0]?.campaignId ?? "";
    const [today] = (await asked("viewer", `chorus.inspect.why-not.${campaign}`)).days;
    expect(today.won).toBeGreaterThan(0);
    const { won, outbid, vetoed, refused, absent, unseen } = today;
    expect(won + outbid + vetoed + refused + absent + unseen).toBe(today.decisions);
    const since = new Date(Date.now() + 60_000).toISOString();
    const later = await asked("viewer", `chorus.inspect.why-not.${campaign}`, JSON.stringify({ since }));
    expect(later).toMatchObject({ campaignId: campaign, complete: true, days: [] });
    expect(await node.whyNot.of("nobody", {})).toBeNull();
    expect(await asked("viewer", "chorus.inspect.jobs")).toMatchObject({
      ended: [{ name: "why-not", outcome: "done", count: 2 }],
    });
  });

  test("decisions are listed with the newest first, by campaign and time", async () => {
    const first = await decide("listener-d");
    const second = await decide("listener-e");
    await node.decisions.find(second.decisionId);
    await node.decisions.find(first.decisionId);
    const all = (await node.decisions.list(EVERYTHING)).decisions.map((row) => row.decisionId);
    expect(all.indexOf(second.decisionId)).toBeLessThan(all.indexOf(first.decisionId));
    const campaign = second.bids[0]?.campaignId ?? "";
    const ofCampaign = await node.decisions.list({ ...EVERYTHING, campaign, outcome: "bid" });
    expect(ofCampaign.decisions.length).toBeGreaterThan(0);
    for (const row of ofCampaign.decisions) expect(row.as === "winner" ? row.campaignId : campaign).toBe(campaign);
    const newest = await node.decisions.list({ ...EVERYTHING, limit: 1 });
    expect(newest).toMatchObject({ decisions: [{ decisionId: second.decisionId }], next: { row: expect.any(Number) } });
    const later = await node.decisions.list({ ...EVERYTHING, sinceMs: Date.now() + 60_000 });
    expect(later).toEqual({ decisions: [], next: null });
  });

  test("chorus decode makes JSON of what the streams hold", async () => {
    const { decisionId } = await decide("listener-f");
    await node.decisions.find(decisionId);
    const chorus = fileURLToPath(new URL("../../runtime/cli/chorus.ts", import.meta.url));
    const translate = ["--translate", `${process.execPath} ${chorus} decode --json`];
    const last = async (stream: string, subject: string): Promise<unknown> => {
      const { stdout } = await cli("viewer", "stream", "get", stream, "--last-for", subject, ...translate);
      const json = stdout.split("\n").find((line) => line.startsWith("[") || line.startsWith("{"));
      return JSON.parse(json ?? "null");
    };
    const partition = readDecisionId(decisionId)?.partition ?? 0;
    expect(await last("CHORUS_DECISIONS", `chorus.decisions.${partition}`)).toContainEqual(
      expect.objectContaining({ t: "decision", decisionId }),
    );
    expect(await last("CHORUS_LOG", `chorus.p.${partition}.log`)).toMatchObject([
      { partition, commitSeq: expect.any(Number), states: expect.any(Array) },
    ]);
    expect(await last("CHORUS_TOPICS", "chorus.topics.catalog")).toMatchObject({ version: expect.any(Number) });
  });

  test("each admin change is a link of the audit chain", async () => {
    const at = new Date().toISOString();
    await Promise.all([1, 2, 3].map((version) => node.audit.append({ at, who: "admin", verb: "apply", version })));
    const messages: string[] = [];
    for (const sequence of ["1", "2", "3"]) {
      const { stdout } = await cli("viewer", "stream", "get", "CHORUS_AUDIT", sequence, "--json");
      messages.push(Buffer.from((JSON.parse(stdout) as { data: string }).data, "base64").toString());
    }
    const chain = messages.map((message) => JSON.parse(message) as { previous: string; version: number });
    expect(chain.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(chain[0]?.previous).toBe(AUDIT_START);
    for (const [index, { previous }] of chain.slice(1).entries())
      expect(previous).toBe(auditHash(Buffer.from(messages[index] ?? "")));
  });
});
