import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectNats } from "../../runtime/nats/connect.ts";
import { type FencedSubject, openFencedSubject } from "../../runtime/nats/fenced-subject.ts";
import { provision } from "../../runtime/nats/provision.ts";
import { createPublisher } from "../../runtime/nats/publisher.ts";
import { describeWithNats, startNats, type TestNats } from "../support/nats.ts";

const LOG = "chorus.p.3.log";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describeWithNats("a fenced subject", () => {
  let server: TestNats;
  let connections: NatsConnection[];

  const connected = async (): Promise<NatsConnection> => {
    const { node } = server.credentials;
    const connection = await connectNats({ servers: server.url, name: "test", seedFile: node, role: "node" });
    connections.push(connection);
    return connection;
  };
  const writer = async (): Promise<FencedSubject> => openFencedSubject(await connected(), "CHORUS_LOG");

  beforeEach(async () => {
    connections = [];
    server = await startNats();
    await provision(await jetstreamManager(await connected()), { partitions: 4, replicas: 1 });
  });
  afterEach(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server.stop();
  });

  test("stores an append that expects the tail, and tells the tail with its headers", async () => {
    const log = await writer();
    await expect(log.tail(LOG)).resolves.toBeNull();
    await expect(log.append(LOG, bytes("a"), { "Chorus-Epoch": "1" }, 0)).resolves.toEqual({
      outcome: "stored",
      sequence: 1,
    });
    await log.append("chorus.p.2.log", bytes("other"), {}, 0);
    await expect(log.append(LOG, bytes("b"), { "Chorus-Epoch": "1", "Chorus-Last": "7" }, 1)).resolves.toEqual({
      outcome: "stored",
      sequence: 3,
    });
    const tail = await log.tail(LOG);
    expect(tail).toMatchObject({ sequence: 3, headers: { "Chorus-Epoch": "1", "Chorus-Last": "7" } });
    expect(new TextDecoder().decode(tail?.data)).toBe("b");
  });

  test("fences an append that expects an older tail, or none", async () => {
    const [owner, zombie] = [await writer(), await writer()];
    await owner.append(LOG, bytes("epoch 1"), {}, 0);
    await owner.append(LOG, bytes("epoch 2"), {}, 1);
    await expect(zombie.append(LOG, bytes("late"), {}, 1)).resolves.toEqual({ outcome: "fenced" });
    await expect(zombie.append(LOG, bytes("late"), {}, 0)).resolves.toEqual({ outcome: "fenced" });
    await expect(owner.tail(LOG)).resolves.toMatchObject({ sequence: 2 });
  });

  test("of two writers that expect the same tail exactly one is stored, every time", async () => {
    const writers = [await writer(), await writer()];
    let expected = 0;
    for (let round = 0; round < 100; round += 1) {
      const outcomes = await Promise.all(
        writers.map((one, index) => one.append(LOG, bytes(`${round}/${index}`), {}, expected)),
      );
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["fenced", "stored"]);
      expected = outcomes.find((one) => one.outcome === "stored")?.sequence ?? -1;
    }
    await expect(writers[0]?.tail(LOG)).resolves.toMatchObject({ sequence: expected });
  });

  test("a subject whose older messages were purged by sequence keeps its tail and its fence", async () => {
    const connection = await connected();
    const log = await openFencedSubject(connection, "CHORUS_LOG");
    for (let last = 0; last < 5; last += 1) await log.append(LOG, bytes("x"), {}, last);
    await (await jetstreamManager(connection)).streams.purge("CHORUS_LOG", { seq: 5 });
    await expect(log.tail(LOG)).resolves.toMatchObject({ sequence: 5 });
    await expect(log.append(LOG, bytes("y"), {}, 5)).resolves.toMatchObject({ outcome: "stored", sequence: 6 });
  });

  test("nobody knows the outcome while the server is away; after it is back the tail tells", async () => {
    const connection = await connected();
    const log = await openFencedSubject(connection, "CHORUS_LOG");
    const publisher = createPublisher(connection);
    await log.append(LOG, bytes("a"), {}, 0);
    process.kill(server.pid, "SIGKILL");
    await server.exited;
    await expect(log.append(LOG, bytes("b"), {}, 1)).resolves.toMatchObject({ outcome: "unknown" });
    await expect(publisher.publish("chorus.dlq.3", bytes("d"), {})).resolves.toMatchObject({ outcome: "unknown" });
    await expect(log.tail(LOG)).rejects.toMatchObject({ code: "NATS_UNAVAILABLE" });

    const back = reconnected(connection);
    server = await server.restart();
    await back;
    const tail = await log.tail(LOG);
    const again = await log.append(LOG, bytes("b"), {}, tail?.sequence ?? -1);
    expect(again).toEqual({ outcome: "stored", sequence: (tail?.sequence ?? -1) + 1 });
  });

  test("an append to a subject that no stream stores is unknown, and one to another stream's is not stored", async () => {
    const log = await writer();
    await expect(log.append("chorus.p.3.other", bytes("x"), {}, 0)).resolves.toMatchObject({ outcome: "unknown" });
    await expect(log.append("chorus.p.3.in", bytes("x"), {}, 0)).resolves.toMatchObject({ outcome: "unknown" });
  });

  test("more than the server takes in one message is refused by name, and the connection stays", async () => {
    const connection = await connected();
    const publisher = createPublisher(connection);
    const tooLarge = new Uint8Array(8 * 2 ** 20);
    await expect(publisher.publish("chorus.dlq.3", tooLarge, {})).rejects.toMatchObject({ code: "ENVELOPE_TOO_LARGE" });
    const fits = tooLarge.subarray(0, 8 * 2 ** 20 - 2_048);
    await expect(publisher.publish("chorus.dlq.3", fits, {})).resolves.toMatchObject({
      outcome: "stored",
      sequence: 1,
    });
  });
});

async function reconnected(connection: NatsConnection): Promise<void> {
  for await (const status of connection.status()) if (status.type === "reconnect") return;
}
