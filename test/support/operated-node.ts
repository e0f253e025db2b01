import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings } from "../../config/loader.ts";
import type { CampaignMirror } from "../../runtime/host/campaign-mirror.ts";
import { openCatalogCopies } from "../../runtime/host/catalog-copies.ts";
import type { CatalogHistory } from "../../runtime/host/catalog-history.ts";
import { openDataFolder } from "../../runtime/host/data-folder.ts";
import { DecisionReplay } from "../../runtime/host/decision-replay.ts";
import { DecisionSearch } from "../../runtime/host/decision-search.ts";
import { Inspection } from "../../runtime/host/inspection.ts";
import { openNats, type NatsHost } from "../../runtime/host/nats-host.ts";
import { openCheckpoints } from "../../runtime/host/node-checkpoints.ts";
import { configVersion, NodeRuntime, type NodeRuntimeOptions } from "../../runtime/host/node-runtime.ts";
import { OperatorService } from "../../runtime/host/operator-service.ts";
import { castRoles } from "../../runtime/host/roster.ts";
import { createSealer } from "../../runtime/host/sealer.ts";
import { TapDesk } from "../../runtime/host/tap-desk.ts";
import { WhyNot } from "../../runtime/host/why-not.ts";
import { type AuditLog, openAuditLog } from "../../runtime/nats/audit-log.ts";
import { watchConnection } from "../../runtime/nats/connection-state.ts";
import { openDecisionLog } from "../../runtime/nats/decision-log.ts";
import { startInspectService } from "../../runtime/nats/inspect-service.ts";
import { createNodeEvents, type NodeEvents } from "../../runtime/nats/node-events.ts";

/** The actors' side of a node in this process, with everything operators touch and no HTTP. */
export interface OperatedNode {
  readonly nats: NatsHost;
  readonly runtime: NodeRuntime;
  readonly inspection: Inspection;
  readonly operators: OperatorService;
  readonly decisions: DecisionSearch;
  readonly whyNot: WhyNot;
  readonly mirror: CampaignMirror;
  readonly history: CatalogHistory;
  readonly audit: AuditLog;
  readonly events: NodeEvents;
  /** An operator ordered it to drain. */
  readonly drained: Promise<undefined>;
  stop(): Promise<void>;
}

export interface OperatedNodeOptions extends Pick<NodeRuntimeOptions, "shardWorker" | "jobRegistry"> {
  /** A folder that outlives the node; default: one of its own. */
  readonly dataDir?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly onEvent?: (kind: string, event: string, details: Record<string, unknown>) => void;
}

/** @param binary path of a nats-server. */
export async function startOperatedNode(
  binary: string,
  { dataDir: kept, settings: wished, onEvent, ...parts }: OperatedNodeOptions = {},
): Promise<OperatedNode> {
  const dataDir = kept ?? (await mkdtemp(join(tmpdir(), "chorus-operators-")));
  const overrides = { shards: 1, partitions: 4, ...wished, data: dataDir };
  const settings = loadSettings({ environment: {}, overrides });
  const drained = Promise.withResolvers<undefined>();
  const folder = await openDataFolder(dataDir);
  const nats = await openNats({
    settings,
    folder,
    environment: { CHORUS_NATS_SERVER: binary },
    onProgress: () => undefined,
    onServerLine: () => undefined,
    onStatus: () => undefined,
  });
  const { connection } = nats.connection;
  const fail = (error: unknown): void => console.error(error);
  const events = createNodeEvents({
    node: settings.node,
    connection: watchConnection(connection),
    emit: (subject, payload) => nats.connection.emit(subject, payload),
    nowMs: () => Date.now(),
  });
  const { mirror, history, log, take } = await openCatalogCopies(
    nats.connection,
    () => runtime.feed.whole(),
    (_, error) => fail(error),
  );
  const runtime = new NodeRuntime({
    settings,
    folder,
    nats,
    onEvent: (kind, event, details) => {
      onEvent?.(kind, event, details);
      events.publish(kind, event, details);
    },
    onTapped: (report) => taps.take(report),
    onDocuments: take,
    onFatal: fail,
    ...parts,
  });
  const taps = new TapDesk({
    nowMs: () => performance.now(),
    publish: (event, details) => events.publish("tap", event, details),
  });
  const inspection = new Inspection({ runtime, settings, nats, startedAtMs: Date.now(), version: "0.1.0" });
  const audit = await openAuditLog(connection);
  await runtime.store.ready;
  const checkpoints = await openCheckpoints({
    settings,
    folder,
    nats,
    markLogs: () => runtime.markLogs(),
    onEvent: () => undefined,
  });
  const whyNot = new WhyNot({ jobs: runtime.jobs, asker: runtime.asker, clockOffsetMs: 0 });
  const operators = new OperatorService({
    inspection,
    pool: runtime.pool,
    asker: runtime.asker,
    audit,
    checkpoints: checkpoints.checkpointer,
    jobs: runtime.jobs,
    whyNot,
    taps,
    drain: () => drained.resolve(undefined),
  });
  const replays = new DecisionReplay({
    sealer: createSealer(folder.keys.seal),
    roster: castRoles(settings),
    configVersion: configVersion(settings),
    documentsAt: (version) => log.documentsAt(version),
  });
  const decisions = new DecisionSearch({
    log: await openDecisionLog(connection),
    asker: runtime.asker,
    replays,
    clockOffsetMs: 0,
  });
  const service = await startInspectService(connection, {
    version: "0.1.0",
    metadata: { node: settings.node },
    endpoints: operators.endpoints(),
  });
  await runtime.start();
  return {
    nats,
    runtime,
    inspection,
    operators,
    decisions,
    whyNot,
    mirror,
    history,
    audit,
    events,
    drained: drained.promise,
    stop: async () => {
      await service.stop();
      await runtime.stop(3_000);
      await nats.stop();
      await folder.release();
      if (kept === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
