import { afterEach, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Crowd } from "../support/client-crowd.ts";
import { expectedFigures, figuresOf, resolveUnknown } from "../support/client-history.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const EXAMPLES = ["closer-sound", "first-account", "speak-soon", "listen-on"];
const LISTENERS = Array.from({ length: 60 }, (_, at) => `listener-${at}`);
const DEATHS = 3;
const RESTARTED_MS = 15_000;
const SETTLED_MS = 30_000;

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

describeWithNats("a managed nats-server that is killed under load", () => {
  test("is started again; decisions go on meanwhile, and all of them are explained in the end", async () => {
    daemon = await TestDaemon.start({ fixedPorts: true });
    const client = new Client(daemon.node.http);
    const crowd = new Crowd({ client, listeners: LISTENERS, workers: 8, random: randomStream(7), promised: [] });
    for (let death = 0; death < DEATHS; death++) {
      await crowd.answers(60);
      const [server] = daemon.natsServers();
      if (server === undefined) throw new Error("no nats-server runs");
      process.kill(server, "SIGKILL");
      // A NATS outage stops nothing on a single node (D5).
      await crowd.answers(40);
      const another = (): boolean => daemon.natsServers().some((pid) => pid !== server);
      await eventually("another nats-server runs", another, true, RESTARTED_MS);
    }
    await crowd.stop();
    await resolveUnknown(client);
    console.info(JSON.stringify(Object.fromEntries(client.answers)));
    expect(crowd.broken).toEqual([]);
    const admin = new AdminClient(daemon.node);
    const expected = Object.fromEntries(EXAMPLES.map((id) => [id, expectedFigures(client, id)]));
    await eventually("the figures are the client's own", () => figuresOf(admin, EXAMPLES), expected, SETTLED_MS);
    const unexplained = async (): Promise<string[]> => {
      const missing: string[] = [];
      for (const id of client.decisionIds) await admin.explain(id).catch(() => missing.push(id));
      return missing;
    };
    await eventually("every decision is explained", unexplained, [], SETTLED_MS);
  });
});
