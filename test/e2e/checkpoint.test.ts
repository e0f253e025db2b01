import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { asDocument, lines } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Crowd } from "../support/client-crowd.ts";
import { expectedFigures, figuresOf, resolveUnknown } from "../support/client-history.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

const SEED = Number(process.env["E2E_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const SETTLED_MS = 15_000;
const IDS = ["capped", "open"] as const;
const CAP = 3;
const CAMPAIGNS = lines(
  {
    id: "capped",
    campaign: { tier: "standard", pacing: "asap", frequencyCaps: [{ limit: CAP, window: "1d", kind: "rolling" }] },
    adSet: { bidCpmMicros: 9_000_000 },
    creatives: 2,
  },
  { id: "open", campaign: { tier: "house", pacing: "asap" }, adSet: { bidCpmMicros: 1_500_000 }, creatives: 2 },
);

interface Listed {
  readonly checkpoints: readonly { readonly name: string; readonly partition: number; readonly entries: number }[];
}

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

async function listed(): Promise<Listed["checkpoints"]> {
  return (JSON.parse((await daemon.chorus("checkpoint", "list", "--json")).stdout) as Listed).checkpoints;
}

/** Commits that the logs still lack would go with the disk: waits until there are none. */
async function shipped(admin: AdminClient): Promise<void> {
  const lacking = async (): Promise<unknown[]> => {
    const { partitions } = await admin.json<{ partitions: { commitSeq: number; shipped: number }[] }>(
      "/v1/inspect/partitions",
    );
    return partitions.filter(({ commitSeq, shipped: reached }) => reached < commitSeq);
  };
  await eventually("the logs have every commit", lacking, [], SETTLED_MS);
}

describeWithNats("a node whose disk file is lost", () => {
  test(
    "is refused as it is, restored by hand from checkpoints and logs, and goes on where it was",
    { timeout: 120_000 },
    async () => {
      console.info(`seed ${SEED}: E2E_SEED=${SEED} repeats its choices`);
      daemon = await TestDaemon.start({ args: ["--no-examples"], fixedPorts: true });
      await new AdminClient(daemon.node).apply(asDocument(CAMPAIGNS));
      const client = new Client(daemon.node.http);
      const listeners = Array.from({ length: 30 }, (_, at) => `listener-${at}`);
      const promised = [{ campaignId: "capped", capLimit: CAP }];
      const crowd = new Crowd({ client, listeners, workers: 6, random: randomStream(SEED), promised });
      await crowd.answers(150);
      const first = await daemon.chorus("checkpoint", "create", "--json");
      expect(first.code, first.stderr).toBe(0);
      await crowd.answers(200);
      expect((await daemon.chorus("checkpoint", "create")).code).toBe(0);
      await crowd.answers(150);
      await crowd.stop();
      await resolveUnknown(client);

      const names = (await listed()).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(16);
      const newest = names.at(-1) ?? "";
      const verified = await daemon.chorus("checkpoint", "verify", newest);
      expect(verified.stdout).toMatch(/is whole: \d+ entries/);
      expect((await daemon.chorus("checkpoint", "verify", "p0/never")).code).toBe(3);

      const all = Object.fromEntries(IDS.map((id) => [id, expectedFigures(client, id)]));
      const before = new AdminClient(daemon.node);
      await eventually("the figures are the client's own", () => figuresOf(before, IDS), all, SETTLED_MS);
      await shipped(before);
      crowd.daemonGoesDown();
      expect((await daemon.chorus("checkpoint", "restore", "--data", daemon.data)).stderr).toContain("DATA_LOCKED");
      await daemon.kill9();
      await rm(join(daemon.data, "store"), { recursive: true });

      await expect(daemon.restart()).rejects.toThrow(/chorus checkpoint restore/);
      const restored = await daemon.chorus("checkpoint", "restore", "--data", daemon.data);
      expect(restored.code, restored.stderr).toBe(0);
      expect(restored.stdout).toMatch(/restored 16 partitions/);

      await daemon.restart();
      const after = new AdminClient(daemon.node);
      await eventually("the figures are as they were", () => figuresOf(after, IDS), all, SETTLED_MS);
      const again = new Crowd({ client, listeners, workers: 6, random: randomStream(SEED + 1), promised });
      await again.answers(150);
      await again.stop();
      await resolveUnknown(client);
      expect([...crowd.broken, ...again.broken]).toEqual([]);
      const later = Object.fromEntries(IDS.map((id) => [id, expectedFigures(client, id)]));
      await eventually("and go on from there", () => figuresOf(after, IDS), later, SETTLED_MS);
      const [bid] = client.received;
      expect(await after.explain(bid?.decisionId ?? "")).toMatchObject({ outcome: "bid" });
      expect(await readdir(join(daemon.data, "store"))).toContain("state.mdb");
    },
  );
});
