import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Crowd } from "../support/client-crowd.ts";
import { expectedFigures, figuresOf, resolveUnknown } from "../support/client-history.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const SEED = Number(process.env["E2E_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const EXAMPLES = ["closer-sound", "first-account", "speak-soon", "listen-on"];
const LISTENERS = Array.from({ length: 60 }, (_, at) => `listener-${at}`);
/** Below the ten deaths a minute at which the node gives up (D11). */
const DEATHS = 6;
const SETTLED_MS = 15_000;
const REPLACED_MS = 10_000;

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

describeWithNats("threads that die under load", () => {
  for (const worker of ["shard-worker", "gateway-worker"]) {
    test(`${worker}s are replaced, and nothing acknowledged is lost or counted twice`, async () => {
      console.info(`seed ${SEED}: E2E_SEED=${SEED} repeats its choices`);
      const random = randomStream(SEED);
      const saboteur = new URL("../support/daemon-saboteur.ts", import.meta.url).href;
      const environment = { NODE_OPTIONS: `--import=${saboteur}`, SABOTAGE: worker };
      daemon = await TestDaemon.start({ fixedPorts: true, environment, logLevel: "info" });
      const { pid, http } = daemon.node;
      const client = new Client(http);
      const crowd = new Crowd({ client, listeners: LISTENERS, workers: 12, random, promised: [] });
      const replacedMs: number[] = [];
      for (let death = 0; death < DEATHS; death++) {
        await crowd.answers(40 + Math.floor(random() * 60));
        await delay(random() * 20);
        process.kill(pid, "SIGUSR2");
        const diedMs = performance.now();
        const bid = async (): Promise<number> => (await client.ask(`probe-${death}`, { test: 1 })).status;
        await eventually("a bid after the death", bid, 200, REPLACED_MS);
        replacedMs.push(Math.round(performance.now() - diedMs));
      }
      await crowd.answers(50);
      await crowd.stop();
      await resolveUnknown(client);
      console.info(
        `${worker}: bids again after ${replacedMs.join(", ")} ms; ${JSON.stringify(Object.fromEntries(client.answers))}`,
      );
      expect(crowd.broken).toEqual([]);
      expect(daemon.isRunning).toBe(true);
      expect(daemon.output.match(/died/g) ?? []).not.toHaveLength(0);
      const admin = new AdminClient(daemon.node);
      const expected = Object.fromEntries(EXAMPLES.map((id) => [id, expectedFigures(client, id)]));
      await eventually("the figures are the client's own", () => figuresOf(admin, EXAMPLES), expected, SETTLED_MS);
      for (const decisionId of client.decisionIds) await admin.explain(decisionId);
    });
  }
});
