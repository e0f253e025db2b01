import { DiscardPolicy, jetstreamManager, type JetStreamManager, StorageType } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectNats } from "../../runtime/nats/connect.ts";
import { provision } from "../../runtime/nats/provision.ts";
import { describeWithNats, startNats, type TestNats } from "../support/nats.ts";

const SHAPE = { partitions: 4, replicas: 1 };

describeWithNats("provisioning", () => {
  let server: TestNats;
  let connection: NatsConnection;
  let jsm: JetStreamManager;

  beforeEach(async () => {
    server = await startNats();
    const { node } = server.credentials;
    connection = await connectNats({ servers: server.url, name: "test", seedFile: node, role: "node" });
    jsm = await jetstreamManager(connection);
  });
  afterEach(async () => {
    await connection.close();
    await server.stop();
  });

  test("makes everything once, and changes nothing when repeated", async () => {
    const first = await provision(jsm, SHAPE);
    expect(first.mail).toMatch(/^CHORUS_P@\d{4}-/);
    expect(Object.keys(first)).toHaveLength(10);
    await expect(provision(jsm, SHAPE)).resolves.toEqual(first);
  });

  test("two nodes may provision at the same time", async () => {
    const [one, other] = await Promise.all([provision(jsm, SHAPE), provision(jsm, SHAPE)]);
    expect(one).toEqual(other);
  });

  test("mail and log have no limit and are on file, synced as the server syncs", async () => {
    await provision(jsm, SHAPE);
    for (const name of ["CHORUS_P", "CHORUS_LOG"]) {
      expect((await jsm.streams.info(name)).config).toMatchObject({
        storage: "file",
        max_msgs: -1,
        max_bytes: -1,
        max_age: 0,
        max_msgs_per_subject: -1,
        discard: "new",
        deny_delete: true,
        duplicate_window: nanos(100),
      });
    }
  });

  test("what may concern a person ages out: decisions and dead letters in 30 days, the audit log in 400", async () => {
    await provision(jsm, SHAPE);
    for (const [name, days] of Object.entries({ CHORUS_DECISIONS: 30, CHORUS_DLQ: 30, CHORUS_AUDIT: 400 })) {
      const { config } = await jsm.streams.info(name);
      expect({ name, max_age: config.max_age, discard: config.discard }).toEqual({
        name,
        max_age: nanos(days * 86_400_000),
        discard: "old",
      });
    }
  });

  test("brings a setting that somebody changed back to what is declared", async () => {
    await provision(jsm, SHAPE);
    await jsm.streams.update("CHORUS_P", { max_msgs: 10, discard: DiscardPolicy.Old });
    await jsm.streams.update("CHORUS_DECISIONS", { max_age: nanos(60_000) });
    await provision(jsm, SHAPE);
    expect((await jsm.streams.info("CHORUS_P")).config.discard).toBe("new");
    expect((await jsm.streams.info("CHORUS_DECISIONS")).config.max_age).toBe(nanos(30 * 86_400_000));
  });

  test("refuses another number of partitions and touches nothing", async () => {
    await provision(jsm, SHAPE);
    await expect(provision(jsm, { ...SHAPE, partitions: 8 })).rejects.toMatchObject({
      code: "PARTITIONS_MISMATCH",
      details: { stream: "CHORUS_P", created: "4", configured: 8 },
    });
    await expect(provision(jsm, SHAPE)).resolves.toBeDefined();
  });

  test("refuses a stream in memory, and one that Chorus did not make", async () => {
    const metadata = { "chorus.partitions": "4" };
    await jsm.streams.add({ name: "CHORUS_P", subjects: ["chorus.p.*.in"], storage: StorageType.Memory, metadata });
    await expect(provision(jsm, SHAPE)).rejects.toMatchObject({
      code: "STREAM_INCOMPATIBLE",
      details: { stream: "CHORUS_P", setting: "storage" },
    });
  });

  test("says so when the server takes a stream for another's subjects", async () => {
    await jsm.streams.add({ name: "OTHER", subjects: ["chorus.topics.x"] });
    await expect(provision(jsm, SHAPE)).rejects.toMatchObject({
      code: "STREAM_INCOMPATIBLE",
      details: { stream: "CHORUS_TOPICS" },
    });
  });

  test("the libraries take the buckets and the object store for their own", async () => {
    await provision(jsm, SHAPE);
    const leases = await new Kvm(connection).open("CHORUS_LEASES");
    await leases.create("p.1", "node-a", "5s");
    await expect(leases.create("p.1", "node-b", "5s")).rejects.toThrow();
    expect((await leases.get("p.1"))?.string()).toBe("node-a");

    const checkpoints = await new Objm(connection).open("CHORUS_CHECKPOINTS");
    await checkpoints.putBlob({ name: "p1" }, new Uint8Array(300_000).fill(7));
    expect((await checkpoints.getBlob("p1"))?.byteLength).toBe(300_000);
  });
});
