import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TransientOutcome } from "../../runtime/core/shard-messages.ts";
import { agentRequests } from "../../runtime/nats/agent-requests.ts";
import { connectNats } from "../../runtime/nats/connect.ts";
import { describeWithNats, startNats, type TestNats } from "../support/nats.ts";

const WAIT_MS = 2_000;

describeWithNats("questions to agents outside, over a real server", () => {
  let server: TestNats;
  let node: NatsConnection;
  let agent: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    const { url: servers, credentials } = server;
    node = await connectNats({ servers, name: "node", seedFile: credentials.node, role: "node" });
    agent = await connectNats({ servers, name: "agent", seedFile: credentials.agent, role: "agent" });
  });
  afterAll(async () => {
    await node.close();
    await agent.close();
    await server.stop();
  });

  /** Lets an agent do that with what it hears on a subject. */
  async function listening(subject: string, callback: (message: Msg) => void): Promise<void> {
    agent.subscribe(subject, { callback: (_error, message) => callback(message) });
    await agent.flush();
  }

  const ask = (subject: string): Promise<TransientOutcome> =>
    new Promise((resolve) =>
      agentRequests(node).request(subject, new TextEncoder().encode("{}"), "application/json", WAIT_MS, resolve),
    );

  test("carry what they are, and bring back bytes and how those are written", async () => {
    await listening("chorus.agent.reward.one", (message) => {
      const answer = headers();
      answer.set("Content-Type", "application/msgpack");
      message.respond(message.data, { headers: answer });
      expect(message.headers?.get("Content-Type")).toBe("application/json");
      expect(message.headers?.get("Chorus-Type")).toBe("agent-request");
    });
    const outcome = await ask("chorus.agent.reward.one");
    expect(outcome).toMatchObject({ type: "answered", contentType: "application/msgpack" });
    if (outcome.type === "answered") expect(new TextDecoder().decode(outcome.bytes)).toBe("{}");
  });

  test("take an answer without a header as it is", async () => {
    await listening("chorus.agent.reward.bare", (message) => void message.respond("yes"));
    expect(await ask("chorus.agent.reward.bare")).toMatchObject({ type: "answered", contentType: null });
  });

  test("have failed where nobody listens, at once", async () => {
    const outcome = await ask("chorus.agent.reward.nobody");
    expect(outcome).toEqual({ type: "failed", reason: "nobody listens on chorus.agent.reward.nobody" });
  });

  test("have failed where the agent says so, as services say it, in a few words", async () => {
    await listening("chorus.agent.reward.ill", (message) => {
      const answer = headers();
      answer.set("Nats-Service-Error", "x".repeat(5_000));
      message.respond("", { headers: answer });
    });
    const outcome = await ask("chorus.agent.reward.ill");
    expect(outcome).toMatchObject({ type: "failed", reason: expect.stringMatching(/^the agent says: x{200}$/) });
  });

  test("take the first of several answers", async () => {
    await listening("chorus.agent.reward.many", (message) => void message.respond("first"));
    const other = await connectNats({
      servers: server.url,
      name: "other",
      seedFile: server.credentials.agent,
      role: "agent",
    });
    other.subscribe("chorus.agent.reward.many", { callback: (_error, message) => void message.respond("second") });
    await other.flush();
    const outcomes: TransientOutcome[] = [];
    const heard = new Promise<undefined>((resolve) =>
      agentRequests(node).request(
        "chorus.agent.reward.many",
        new Uint8Array(0),
        "application/json",
        WAIT_MS,
        (outcome) => {
          outcomes.push(outcome);
          resolve(undefined);
        },
      ),
    );
    await heard;
    await other.flush();
    await node.flush();
    expect(outcomes).toHaveLength(1);
    await other.close();
  });

  test("that nobody answers call nobody back", async () => {
    const asked = Promise.withResolvers<undefined>();
    await listening("chorus.agent.reward.silent", () => asked.resolve(undefined));
    const outcomes: TransientOutcome[] = [];
    agentRequests(node).request("chorus.agent.reward.silent", new Uint8Array(0), "application/json", 50, (outcome) =>
      outcomes.push(outcome),
    );
    await asked.promise;
    // A later question that is answered after the first one's time is up.
    const error = await node
      .request("chorus.agent.reward.silent", "", { timeout: 100 })
      .catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/timeout/i);
    expect(outcomes).toEqual([]);
  });
});
