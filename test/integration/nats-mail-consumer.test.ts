import { rm } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { connectNats } from "../../runtime/nats/connect.ts";
import { consumeMail, type MailConsumer, type MailStatus } from "../../runtime/nats/mail-consumer.ts";
import { provision } from "../../runtime/nats/provision.ts";
import { createPublisher } from "../../runtime/nats/publisher.ts";
import { describeWithNats, startNats, type TestNats } from "../support/nats.ts";

const WITHIN = { timeout: 20_000, interval: 20 };

describeWithNats("the mail consumer of a partition", () => {
  let server: TestNats;
  let connection: NatsConnection;
  let jsm: JetStreamManager;
  let mail: string;
  let received: number[];
  let statuses: MailStatus[];
  let consumers: MailConsumer[];

  beforeEach(async () => {
    [received, statuses, consumers] = [[], [], []];
    server = await startNats();
    const { node } = server.credentials;
    connection = await connectNats({ servers: server.url, name: "test", seedFile: node, role: "node" });
    jsm = await jetstreamManager(connection, { timeout: 2_000 });
    mail = (await provision(jsm, { partitions: 4, replicas: 1 })).mail;
  });
  afterEach(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await connection.close();
    await server.stop();
  });

  async function consume(
    startSequence: number,
    onMessage = (_sequence: number) => undefined as void,
  ): Promise<MailConsumer> {
    const consumer = await consumeMail({
      connection,
      jsm,
      stream: "CHORUS_P",
      partition: asPartition(1),
      startSequence,
      identity: mail,
      onMessage: (sequence) => {
        received.push(sequence);
        onMessage(sequence);
      },
      onStatus: (status) => statuses.push(status),
    });
    consumers.push(consumer);
    return consumer;
  }

  async function send(partition: number, count: number, bytes = 10): Promise<number[]> {
    const publisher = createPublisher(connection);
    const sequences: number[] = [];
    const payload = new Uint8Array(bytes);
    while (sequences.length < count) {
      const width = Math.min(bytes > 100_000 ? 2 : 64, count - sequences.length);
      const outcomes = await Promise.all(
        Array.from({ length: width }, () =>
          publisher.publish(`chorus.p.${partition}.in`, payload, { "Chorus-Count": "1" }),
        ),
      );
      for (const one of outcomes) if (one.outcome === "stored") sequences.push(one.sequence);
    }
    return sequences.sort((a, b) => a - b);
  }

  const arrived = (sequences: readonly number[]): Promise<void> =>
    vi
      .waitFor(() => expect(received.at(-1)).toBe(sequences.at(-1)), WITHIN)
      .then(() => expect(received).toEqual(sequences));

  test("brings the partition's messages from a sequence on, in order, with bytes and headers, and no other's", async () => {
    await send(1, 3);
    await send(2, 3);
    const later = await send(1, 600);
    const seen: [number, number, string | undefined][] = [];
    consumers.push(
      await consumeMail({
        connection,
        jsm,
        stream: "CHORUS_P",
        partition: asPartition(1),
        startSequence: 4,
        onMessage: (sequence, bytes, headers) => seen.push([sequence, bytes.byteLength, headers["Chorus-Count"]]),
        onStatus: () => undefined,
      }),
    );
    await vi.waitFor(() => expect(seen).toHaveLength(600), WITHIN);
    expect(seen).toEqual(later.map((sequence) => [sequence, 10, "1"]));
  });

  test("acknowledges all up to a sequence, for operators to see", async () => {
    const sent = await send(1, 20);
    const consumer = await consume(1);
    await arrived(sent);
    consumer.ack(15);
    await vi.waitFor(async () => {
      const info = await jsm.consumers.info("CHORUS_P", "p1");
      expect(info.ack_floor.stream_seq).toBe(15);
      expect(info.num_ack_pending).toBe(5);
    }, WITHIN);
  });

  test("made anew from a sequence it brings what was not acknowledged, then what is newer", async () => {
    const sent = await send(1, 10);
    const first = await consume(1);
    await arrived(sent);
    first.ack(6);
    await first.stop();
    received = [];
    await consume(5);
    const newer = await send(1, 2);
    await arrived([5, 6, 7, 8, 9, 10, ...newer]);
  });

  test("while paused asks for nothing more than one batch, and loses nothing", async () => {
    const consumer = await consume(1, (sequence) => {
      if (sequence === 1) consumer.pause();
    });
    const sent = await send(1, 1_000);
    await vi.waitFor(async () => expect((await jsm.consumers.info("CHORUS_P", "p1")).num_waiting).toBe(0), WITHIN);
    expect(received.length).toBeLessThanOrEqual(256);
    consumer.resume();
    await arrived(sent);
  });

  test("a batch is bounded in bytes too", async () => {
    const consumer = await consume(1, (sequence) => {
      if (sequence === 1) consumer.pause();
    });
    const sent = await send(1, 24, 2 ** 20);
    await vi.waitFor(async () => expect((await jsm.consumers.info("CHORUS_P", "p1")).num_waiting).toBe(0), WITHIN);
    expect(received.length).toBeLessThanOrEqual(8);
    consumer.resume();
    await arrived(sent);
  });

  test("goes on after the server was killed and started again, each message once", async () => {
    const before = await send(1, 300);
    const consumer = await consume(1);
    await arrived(before);
    consumer.ack(200);
    process.kill(server.pid, "SIGKILL");
    await server.exited;
    server = await server.restart();
    await vi.waitFor(() => expect(statuses.at(-1)).toMatchObject({ state: "consuming", fromSequence: 301 }), WITHIN);
    const after = await send(1, 300);
    consumer.ack(250);
    await arrived([...before, ...after]);
  });

  test("goes on after somebody deleted the server's consumer", async () => {
    const before = await send(1, 5);
    await consume(1);
    await arrived(before);
    await jsm.consumers.delete("CHORUS_P", "p1");
    await vi.waitFor(() => expect(statuses.at(-1)).toMatchObject({ state: "consuming", fromSequence: 6 }), WITHIN);
    await arrived([...before, ...(await send(1, 5))]);
  });

  test("refuses a position beyond the stream's end, or of another stream", async () => {
    await send(1, 5);
    await expect(consume(7)).rejects.toMatchObject({ code: "STREAM_REWOUND", details: { lastSequence: 5 } });
    mail = "CHORUS_P@2020-01-01T00:00:00Z";
    await expect(consume(3)).rejects.toMatchObject({ code: "STREAM_REWOUND" });
  });

  test("ends loudly when the server comes back with a stream that lost its messages", async () => {
    await consume(1);
    await arrived(await send(1, 5));
    process.kill(server.pid, "SIGKILL");
    await server.exited;
    await rm(join(server.storeDir, "jetstream"), { recursive: true, force: true });
    server = await server.restart();
    await vi.waitFor(async () => provision(jsm, { partitions: 4, replicas: 1 }), WITHIN);
    await vi.waitFor(
      () => expect(statuses.at(-1)).toMatchObject({ state: "failed", fault: { code: "STREAM_REWOUND" } }),
      WITHIN,
    );
  });
});
