import { jetstreamManager } from "@nats-io/jetstream";
import { loadSettings } from "../../../config/loader.ts";
import { partitionOf } from "../../../protocols/ids.ts";
import { STREAMS } from "../../../protocols/subjects.ts";
import { openDataFolder } from "../../../runtime/host/data-folder.ts";
import { openNats, type NatsHost } from "../../../runtime/host/nats-host.ts";
import { NodeRuntime } from "../../../runtime/host/node-runtime.ts";
import type { PartitionView } from "../../../runtime/core/inspection.ts";
import { Latencies } from "../latencies.ts";
import { cpuMicros } from "../process-cpu.ts";
import { serve } from "../program.ts";
import { askInTurn } from "./ask-load.ts";
import { KINDS, TOTALS } from "./bench-actors.ts";
import type { Drained, NodeQuestion, NodeSettings } from "./node-questions.ts";
import { probeShards } from "./shard-probe.ts";

/*
 * The actors' side of a node in a process of its own, composed as the daemon does it: data folder, managed nats-server, store thread, shard
 * threads; no HTTP. It runs the bench's actors beside the release's.
 */

const LOOK_MS = 20;
/** Of two seconds each. */
const INSPECT_TRIES = 10;

interface Node {
  readonly nats: NatsHost;
  readonly runtime: NodeRuntime;
  readonly partitions: number;
}

const WARM_UP_SHARE = 1 / 4;

let node: Node | null = null;

serve((question) => answer(question as NodeQuestion));

async function answer(question: NodeQuestion): Promise<unknown> {
  if (question.do === "open") return open(question);
  if (node === null) throw new Error("open the node first");
  const { runtime } = node;
  switch (question.do) {
    case "start":
      return runtime.start();
    case "drained":
      return drained(node, question.events, question.outputs);
    case "asks":
      return askInTurn(runtime.asker, question);
    case "consults":
      return consults(runtime, question.seconds);
    case "set-alarms":
      return setAlarms(runtime, question.alarms, question.firstDueMs, question.everyMs);
    case "read-alarms":
      return readAlarms(runtime, question.alarms);
    case "outputs":
      return outputsOf(runtime);
    case "probe":
      return probeShards(runtime.shards, { reset: question.reset, collect: question.collect });
    case "resident":
      return (await partitionsOf(runtime)).reduce((sum, { actors }) => sum + actors, 0);
    case "stop":
      await runtime.stop(3_000);
      await node.nats.stop();
      return null;
  }
}

async function open({ folder: data, shards, partitions }: NodeSettings): Promise<unknown> {
  const overrides = { data, shards, partitions, examples: false, "checkpoint.everyMs": 0 };
  const settings = loadSettings({ environment: {}, overrides });
  const folder = await openDataFolder(data);
  const nats = await openNats({
    settings,
    folder,
    environment: process.env,
    onProgress: () => undefined,
    onServerLine: () => undefined,
    onStatus: () => undefined,
  });
  const runtime = new NodeRuntime({
    settings,
    folder,
    nats,
    onEvent: (kind, event, details) => {
      if (event === "died" || event === "refused" || event === "stopped") console.error(kind, event, details);
    },
    onDocuments: () => undefined,
    onTapped: () => undefined,
    onFatal: (fault) => {
      console.error(fault);
      process.exit(1);
    },
    shardWorker: new URL("./shard-worker.ts", import.meta.url),
  });
  node = { nats, runtime, partitions };
  return { nats: nats.access, shards: runtime.shards };
}

const outputsOf = (runtime: NodeRuntime): Promise<number> =>
  sumOf(Array.from({ length: TOTALS }, (_, at) => ask(runtime, KINDS.total, `total-${at}`, "Read")));

/** Waits until so many events were handled and everything they caused is out, then until all of it is folded. */
async function drained({ runtime, nats }: Node, events: number, outputs: number): Promise<Drained> {
  let warm: { events: number; atMs: number; cpu: number } | null = null;
  for (;;) {
    const rows = await partitionsOf(runtime);
    const handled = rows.reduce((sum, { counters }) => sum + (counters as { envelopes: number }).envelopes, 0);
    if (warm === null && handled >= events * WARM_UP_SHARE)
      warm = { events: handled, atMs: performance.now(), cpu: await cpuOf(process.pid) };
    const out = rows.every((row) => row.mailMessages === 0 && row.published === row.commitSeq);
    if (handled >= events && out && (await outputsOf(runtime)) >= outputs) break;
    await look();
  }
  const ackedMs = performance.now();
  while ((await runtime.store.figures())?.keptGroups !== 0) await look();
  const foldedMs = performance.now();
  const jsm = await jetstreamManager(nats.connection.connection, { checkAPI: false });
  const { state } = await jsm.streams.info(STREAMS.log);
  const groups = (await runtime.store.figures())?.groups ?? 0;
  const { atMs, cpu, events: before } = warm ?? { atMs: Number.NaN, cpu: Number.NaN, events: Number.NaN };
  return {
    events: events - before,
    ackedSeconds: (ackedMs - atMs) / 1_000,
    foldedSeconds: (foldedMs - atMs) / 1_000,
    cpuMicros: (await cpuOf(process.pid)) - cpu,
    logBytes: state.bytes,
    groups,
  };
}

const cpuOf = async (pid: number): Promise<number> => (await cpuMicros(pid)) ?? Number.NaN;

/** What all shards say; one that is too busy to answer is asked again. */
async function partitionsOf(runtime: NodeRuntime): Promise<readonly PartitionView[]> {
  const shards = Array.from({ length: runtime.shards }, (_, shard) => shard);
  for (let tries = 0; ; tries++) {
    try {
      const answers = await Promise.all(shards.map((shard) => runtime.pool.inspect(shard, { about: "partitions" })));
      return answers.flatMap((rows) => rows as PartitionView[]);
    } catch (error) {
      if (tries === INSPECT_TRIES) throw error;
    }
  }
}

const ask = (runtime: NodeRuntime, kind: string, key: string, type: string, payload: unknown = {}): Promise<unknown> =>
  runtime.asker.ask({ kind, key, partition: partitionOf(key, runtime.asker.partitions) }, type, payload, 10_000);

async function sumOf(numbers: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce<number>((sum, one) => sum + (one as number), 0);
}

/** Consultations a second, in batches that fit a group. */
async function consults(runtime: NodeRuntime, seconds: number): Promise<number> {
  const times = 100_000;
  const batch = (): Promise<unknown> => ask(runtime, KINDS.counter, "k0", "Consult", { times });
  for (let warm = 0; warm < 5; warm++) await batch();
  const startMs = performance.now();
  let done = 0;
  for (; performance.now() < startMs + seconds * 1_000; done += times) await batch();
  return (done * 1_000) / (performance.now() - startMs);
}

async function setAlarms(runtime: NodeRuntime, alarms: number, firstDueMs: number, everyMs: number): Promise<void> {
  const wave = 1_000;
  for (let from = 0; from < alarms; from += wave) {
    const some = Array.from({ length: Math.min(wave, alarms - from) }, (_, at) => from + at);
    await Promise.all(
      some.map((at) => ask(runtime, KINDS.alarm, `a${at}`, "Set", { dueMs: Math.round(firstDueMs + at * everyMs) })),
    );
  }
}

/** How late the alarms rang, each once. @throws Error when one rang not at all, or twice. */
async function readAlarms(runtime: NodeRuntime, alarms: number): Promise<unknown> {
  const latencies = new Latencies();
  let mostMs = 0;
  for (let at = 0; at < alarms; at++) {
    const { rings, lateMs } = (await ask(runtime, KINDS.alarm, `a${at}`, "Read")) as { rings: number; lateMs: number };
    if (rings !== 1) throw new Error(`alarm ${at} rang ${rings} times`);
    latencies.record(lateMs);
    mostMs = Math.max(mostMs, lateMs);
  }
  return { ...latencies.figures(), maxMs: mostMs };
}

const look = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS));
