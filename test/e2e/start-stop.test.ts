import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Crowd } from "../support/client-crowd.ts";
import { expectedFigures, figuresOf, resolveUnknown } from "../support/client-history.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { type CommandResult, refusedStart, TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

/** The example campaigns that a listener in the USA may hear. */
const EXAMPLES = ["closer-sound", "first-account", "speak-soon", "listen-on"];
const LISTENERS = Array.from({ length: 40 }, (_, at) => `listener-${at}`);
const DRAIN_MS = 10_000;
/** TERM, and five seconds later KILL, by the guard that outlives the daemon. */
const ORPHAN_MS = 8_000;
const SETTLED_MS = 15_000;
const FREE = ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"] as const;

let daemon: TestDaemon;
let running: TestDaemon;

/** A refusal is for the person who typed the command: no stack, no fault of Node's. */
function expectNoStack({ stdout, stderr }: CommandResult): void {
  expect(`${stdout}${stderr}`).not.toMatch(/^\s+at .*:\d+|node:internal|UnhandledPromise/m);
}

function linesOf({ stderr }: CommandResult): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("chorus: "));
}

describeWithNats("a daemon that starts and stops", () => {
  afterEach(() => daemon.dispose());

  test("says where it is in a file of mode 0600 that a clean stop removes", async () => {
    daemon = await TestDaemon.start();
    const { node, readyFile } = daemon;
    expect(statSync(readyFile).mode & 0o777).toBe(0o600);
    expect(node).toEqual({
      pid: expect.any(Number),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: "node-1",
      dataDir: daemon.data,
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      adminToken: expect.stringMatching(/^\S{32,}$/),
      nats: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
      natsCredentials: { operator: expect.any(String), viewer: expect.any(String), agent: expect.any(String) },
    });
    for (const file of Object.values(node.natsCredentials)) expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const url of [node.http, node.admin]) expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${node.admin}/v1/campaigns`)).status).toBe(401);
    const ended = await daemon.sigterm();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(daemon.readReadyFile()).toBeUndefined();
    expect(daemon.natsServers()).toEqual([]);
  });

  test("ends with 0 within ten seconds of a SIGTERM under load, and has lost nothing that it acknowledged", async () => {
    daemon = await TestDaemon.start({ fixedPorts: true });
    const client = new Client(daemon.node.http);
    const crowd = new Crowd({ client, listeners: LISTENERS, workers: 12, random: randomStream(1), promised: [] });
    await crowd.answers(150);
    crowd.daemonGoesDown();
    // A client that never finishes its request does not hold the stop up.
    const slow = connect(Number(new URL(daemon.node.http).port), "127.0.0.1", () => {
      slow.write("POST /openrtb2/2.6/bid HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    });
    slow.on("error", () => undefined);
    await once(slow, "connect");
    const ended = await daemon.sigterm();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(DRAIN_MS);
    expect(daemon.natsServers()).toEqual([]);
    await daemon.restart();
    crowd.daemonIsUp();
    await crowd.answers(50);
    await crowd.stop();
    await resolveUnknown(client);
    expect(crowd.broken).toEqual([]);
    const expected = Object.fromEntries(EXAMPLES.map((id) => [id, expectedFigures(client, id)]));
    const admin = new AdminClient(daemon.node);
    await eventually("the figures are the client's own", () => figuresOf(admin, EXAMPLES), expected, SETTLED_MS);
    for (const { decisionId } of client.received) await admin.explain(decisionId);
  });

  test("takes its nats-server along when it is killed, and serves again on what is durable", async () => {
    daemon = await TestDaemon.start({ fixedPorts: true });
    const client = new Client(daemon.node.http);
    const before = await client.ask("listener-1");
    expect(before.status).toBe(200);
    expect(daemon.natsServers()).toHaveLength(1);
    await daemon.kill9();
    await eventually("no orphan nats-server", () => daemon.natsServers(), [], ORPHAN_MS);
    await daemon.restart();
    if (before.received === undefined) throw new Error("no bid");
    expect(await client.fire(before.received, "impression")).toBe("acknowledged");
    expect((await client.ask("listener-2")).status).toBe(200);
  });

  test("loads the example campaigns into an empty folder, once, and not with --no-examples", async () => {
    daemon = await TestDaemon.start();
    const admin = new AdminClient(daemon.node);
    const campaigns = await admin.json<{ id: string }[]>("/v1/campaigns");
    expect(campaigns.map(({ id }) => id)).toEqual(expect.arrayContaining(EXAMPLES));
    await admin.json("/v1/campaigns/listen-on", { method: "PATCH", body: JSON.stringify({ status: "paused" }) });
    await daemon.sigterm();
    await daemon.restart();
    const after = await new AdminClient(daemon.node).json<{ status: string }>("/v1/campaigns/listen-on");
    expect(after.status).toBe("paused");
    await daemon.dispose();
    daemon = await TestDaemon.start({ args: ["--no-examples"] });
    expect(await new AdminClient(daemon.node).json("/v1/campaigns")).toEqual([]);
    const { status, nbr, decisionId } = await new Client(daemon.node.http).ask("listener-1");
    expect({ status, nbr, decided: decisionId !== undefined }).toEqual({ status: 204, nbr: 501, decided: true });
  });
});

describeWithNats("a start that is refused", () => {
  beforeAll(async () => {
    running = await TestDaemon.start();
  });

  afterAll(() => running.dispose());

  test("refuses a data folder that another daemon holds, in one clear line, and leaves that one alone", async () => {
    const refused = await refusedStart("--data", running.data, ...FREE, "--log-level", "warn");
    expect(refused.code).toBe(1);
    expect(linesOf(refused)).toEqual([expect.stringContaining(`another daemon uses ${running.data}`)]);
    expectNoStack(refused);
    expect((await new Client(running.node.http).ask("listener-1")).status).toBe(200);
  });

  test("names a port that is taken and the option that chooses another", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    try {
      for (const option of ["--http", "--admin"]) {
        const data = join(running.folder, `other${option}`);
        const refused = await refusedStart("--data", data, ...FREE, option, address, "--log-level", "error");
        expect(refused.code).toBe(2);
        expect(linesOf(refused)).toEqual([
          expect.stringMatching(new RegExp(`${address} is taken.*${option} HOST:PORT`)),
        ]);
        expectNoStack(refused);
      }
    } finally {
      taken.close();
    }
  });

  test("names every fault of its settings at once, wherever they come from", async () => {
    const config = join(running.folder, "config.json");
    writeFileSync(config, JSON.stringify({ http: "nonsense", gateway: { bidTimeoutMs: "soon" }, unheardOf: 1 }));
    const refused = await refusedStart("--data", join(running.folder, "c"), "--config", config, "--shards", "many");
    expect(refused.code).toBe(2);
    for (const key of ["http", "gateway.bidTimeoutMs", "unheardOf", "shards"])
      expect(refused.stderr).toContain(`${key} =`);
    expectNoStack(refused);
    const missing = await refusedStart("--config", join(running.folder, "absent.json"));
    expect({ code: missing.code, lines: linesOf(missing).length }).toEqual({ code: 2, lines: 1 });
    const unknown = await refusedStart("--nonsense");
    expect(unknown.code).toBe(2);
    expectNoStack(unknown);
  });
});
