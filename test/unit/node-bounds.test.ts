import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { asPartition } from "../../protocols/ids.ts";
import { NodeMetrics } from "../../runtime/host/metrics.ts";
import type { NodeRuntime } from "../../runtime/host/node-runtime.ts";
import { PortAsker } from "../../runtime/host/port-asker.ts";

afterEach(() => vi.useRealTimers());

test("kinds and events that come from the wire make at most 500 labels of a metric; the others are counted together", async () => {
  const runtime = {
    jobs: { view: () => ({ threads: 0, running: 0, waiting: 0, ended: [] }) },
    shards: 0,
    store: { figures: () => Promise.resolve(null) },
    asker: { waiting: 0, lateDropped: 0 },
    feed: { servedVersions: [] },
  } as unknown as NodeRuntime;
  const metrics = new NodeMetrics(runtime);
  for (let number = 0; number < 600; number++) metrics.event(`kind-${number}`, "dead-letter");
  metrics.event("kind-0", "dead-letter");
  const text = await metrics.text();
  expect(text.match(/^chorus_events_total/gm)).toHaveLength(501);
  expect(text).toContain('chorus_events_total{kind="other",event="other"} 100');
  expect(text).toContain('chorus_events_total{kind="kind-0",event="dead-letter"} 2');
});

test("of answers that come too late the newest 65,536 are remembered, and what was let go is counted", async () => {
  vi.useFakeTimers();
  const { port1, port2 } = new MessageChannel();
  const asker = new PortAsker(1, () => 0);
  asker.attach(0, port1);
  const to = { kind: "listener", key: "k", partition: asPartition(0) };
  const refused: Promise<unknown>[] = [];
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 40_000; number++)
      refused.push(asker.ask(to, "Decide", {}, 10, () => undefined).catch((fault: unknown) => fault));
    vi.advanceTimersByTime(10);
  }
  expect(await refused[0]).toMatchObject({ code: "ASK_EXPIRED" });
  expect([asker.waiting, asker.lateDropped]).toEqual([0, 80_000 - 65_536]);
  asker.close();
  port2.close();
});
