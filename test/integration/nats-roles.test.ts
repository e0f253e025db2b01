import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectNats } from "../../runtime/nats/connect.ts";
import { provision } from "../../runtime/nats/provision.ts";
import { createPublisher } from "../../runtime/nats/publisher.ts";
import type { Role } from "../../runtime/nats/roles.ts";
import { type CliResult, describeWithNatsCli, natsCli, startNats, type TestNats } from "../support/nats.ts";

describeWithNatsCli("the roles of the managed server, tried with the nats CLI", () => {
  let server: TestNats;
  let node: NatsConnection;
  let messages: () => Promise<number>;

  beforeAll(async () => {
    server = await startNats();
    node = await connectNats({ servers: server.url, name: "node", seedFile: server.credentials.node, role: "node" });
    const jsm = await jetstreamManager(node);
    await provision(jsm, { partitions: 2, replicas: 1 });
    await createPublisher(node).publish("chorus.dlq.0", new TextEncoder().encode("dead"), {});
    await createPublisher(node).publish("$KV.CHORUS_CAMPAIGNS.spring", new TextEncoder().encode("{}"), {});
    messages = async () => (await jsm.streams.info("CHORUS_DLQ")).state.messages;
    node.subscribe("chorus.inspect.node", { callback: (_error, message) => void message.respond('{"node":"a"}') });
    node.subscribe("chorus.control.pause", { callback: (_error, message) => void message.respond('{"done":true}') });
    await node.flush();
  });
  afterAll(async () => {
    await node.close();
    await server.stop();
  });

  const cli = (role: Role | null, ...args: string[]): Promise<CliResult> =>
    natsCli(server.url, role === null ? null : server.credentials[role], args);

  async function expectRefused(role: Role, ...args: string[]): Promise<void> {
    const { code, stderr } = await cli(role, ...args);
    expect.soft({ args, refused: code !== 0 && stderr.includes("ermissions") }).toEqual({ args, refused: true });
  }

  const allowedToBoth: [string[], string][] = [
    [["stream", "info", "CHORUS_DLQ", "--json"], '"CHORUS_DLQ"'],
    [["stream", "get", "CHORUS_DLQ", "1"], "dead"],
    [["kv", "get", "CHORUS_CAMPAIGNS", "spring", "--raw"], "{}"],
    [["req", "chorus.inspect.node", "", "--raw"], '{"node":"a"}'],
  ];
  const deniedToBoth: string[][] = [
    ["stream", "purge", "CHORUS_DLQ", "-f"],
    ["stream", "rm", "CHORUS_DLQ", "-f"],
    ["stream", "rmm", "CHORUS_DLQ", "1", "-f"],
    ["stream", "edit", "CHORUS_DLQ", "--max-age", "1s", "-f"],
    ["pub", "chorus.p.0.in", "x"],
    ["pub", "chorus.p.0.log", "x"],
    ["pub", "chorus.events.a.node.x", "x"],
    ["kv", "put", "CHORUS_CAMPAIGNS", "spring", "x"],
    ["kv", "del", "CHORUS_CAMPAIGNS", "spring", "-f"],
    ["consumer", "add", "CHORUS_P", "p0", "--pull", "--defaults"],
    ["sub", "_INBOX_node.>", "--count", "1"],
    ["sub", "chorus.p.*.in", "--count", "1"],
  ];

  test.each(["operator", "viewer"] as const)("the %s reads streams, keys and inspections", async (role) => {
    for (const [args, expected] of allowedToBoth) {
      const { code, stdout, stderr } = await cli(role, ...args);
      expect
        .soft({ args, code, found: stdout.includes(expected), stderr })
        .toMatchObject({ args, code: 0, found: true });
    }
  });

  test.each(["operator", "viewer"] as const)("the %s changes, removes and publishes nothing directly", async (role) => {
    // At once: a refused request to JetStream shows as a timeout (facts/nats.md).
    await Promise.all(deniedToBoth.map((args) => expectRefused(role, ...args)));
    await expect(messages()).resolves.toBe(1);
  });

  test("the operator acts through control, reads a stream as a stream and lists keys", async () => {
    await expect(cli("operator", "req", "chorus.control.pause", "", "--raw")).resolves.toMatchObject({ code: 0 });
    const sub = await cli("operator", "sub", "--stream", "CHORUS_DLQ", "--all", "--count", "1", "--raw");
    expect(sub).toMatchObject({ code: 0, stdout: expect.stringContaining("dead") as string });
    const keys = await cli("operator", "kv", "ls", "CHORUS_CAMPAIGNS");
    expect(keys).toMatchObject({ code: 0, stdout: expect.stringContaining("spring") as string });
  });

  test("the viewer neither acts through control nor makes a consumer", async () => {
    await expectRefused("viewer", "pub", "chorus.control.pause", "x");
    await expectRefused("viewer", "consumer", "add", "CHORUS_DLQ", "v", "--pull", "--defaults");
  });

  test("an agent outside answers what it is asked, and publishes nothing else", async () => {
    const agent = await connectNats({
      servers: server.url,
      name: "agent",
      seedFile: server.credentials.agent,
      role: "agent",
    });
    agent.subscribe("chorus.agent.reward.x", { callback: (_error, message) => void message.respond("answer") });
    await agent.flush();
    expect((await node.request("chorus.agent.reward.x", "ask", { timeout: 2_000 })).string()).toBe("answer");
    await agent.close();
    const denied = [
      ["pub", "chorus.p.0.in", "x"],
      ["pub", "chorus.agent.reward.x", "x"],
      ["pub", "chorus.control.pause", "x"],
      ["pub", "chorus.inspect.node", "x"],
      ["sub", "chorus.events.>", "--count", "1"],
      ["sub", "chorus.p.*.in", "--count", "1"],
      ["sub", "_INBOX.>", "--count", "1"],
      ["sub", "_INBOX_node.>", "--count", "1"],
      ["sub", ">", "--count", "1"],
      ["stream", "info", "CHORUS_DLQ"],
      ["stream", "ls"],
      ["kv", "get", "CHORUS_CAMPAIGNS", "spring", "--raw"],
    ];
    await Promise.all(denied.map((args) => expectRefused("agent", ...args)));
    await expect(messages()).resolves.toBe(1);
  });

  test("an agent outside answers a question once, and to nobody but who asked", async () => {
    const { url, credentials } = server;
    const agent = await connectNats({ servers: url, name: "agent", seedFile: credentials.agent, role: "agent" });
    const refused: string[] = [];
    void (async () => {
      for await (const status of agent.status()) if (status.type === "error") refused.push(status.error.message);
    })();
    const heard: string[] = [];
    const inbox = node.subscribe("_INBOX_node.twice", {
      callback: (_error, message) => void heard.push(message.string()),
    });
    const asked = Promise.withResolvers<undefined>();
    agent.subscribe("chorus.agent.reward.twice", {
      callback: (_error, message) => {
        message.respond("first");
        message.respond("second");
        agent.publish("_INBOX_node.other", "third");
        asked.resolve(undefined);
      },
    });
    await agent.flush();
    node.publish("chorus.agent.reward.twice", "ask", { reply: "_INBOX_node.twice" });
    await asked.promise;
    await agent.flush();
    await node.flush();
    expect(heard).toEqual(["first"]);
    expect(refused.join("\n")).toMatch(/_INBOX_node\.twice[\s\S]*_INBOX_node\.other/);
    inbox.unsubscribe();
    await agent.close();
  });

  test("the node deletes no stream", async () => {
    const jsm = await jetstreamManager(node, { timeout: 500 });
    await expect(jsm.streams.delete("CHORUS_DLQ")).rejects.toThrow();
    await expect(messages()).resolves.toBe(1);
  });

  test("without credentials nobody gets in", async () => {
    const { code, stderr } = await cli(null, "stream", "ls");
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("Authorization") as string });
    const anonymous = connectNats({ servers: server.url, name: "anonymous" });
    await expect(anonymous).rejects.toMatchObject({ code: "NATS_UNAVAILABLE" });
  });
});
