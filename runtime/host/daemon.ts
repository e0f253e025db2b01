import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Logger } from "pino";
import type { Settings } from "../../config/schema.ts";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import { CATALOG_KEY, catalog } from "../../protocols/messages/catalog.ts";
import { createAdmin } from "../http/admin.ts";
import type { HttpServer } from "../http/server.ts";
import { openStreamPurge } from "../nats/stream-purge.ts";
import { adminOptions } from "./admin-wiring.ts";
import { openCatalogCopies } from "./catalog-copies.ts";
import { openDataFolder, type DataFolder } from "./data-folder.ts";
import { GatewayPool } from "./gateway-pool.ts";
import { NodeMetrics } from "./metrics.ts";
import { openNats, type NatsHost } from "./nats-host.ts";
import { announce, type NodeFile, withdraw } from "./node-file.ts";
import { openCheckpoints } from "./node-checkpoints.ts";
import { createLog } from "./node-log.ts";
import { NodeRuntime } from "./node-runtime.ts";
import { OperatorSide } from "./operator-side.ts";
import { releaseVersion } from "./release.ts";
import { StreamKeeper } from "./stream-keeper.ts";

export interface DaemonOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Lines for a person, while things take long. */
  readonly onProgress: (line: string) => void;
}

const DRAIN_MS = 4_000;
/** Between an operator's order to drain and its beginning. */
const DRAIN_AFTER_MS = 100;
const READINESS_MS = 100;

/** One node: everything it runs, in the order it starts; `stop` takes it down in the reverse. */
export class Daemon {
  readonly log: Logger;
  readonly nodeFile: NodeFile;
  /** Resolves when the node cannot go on by itself. */
  readonly fatal: Promise<Fault>;
  /** Resolves when an operator wants the node to stop. */
  readonly drained: Promise<undefined>;
  readonly #stops: (() => Promise<void>)[];

  private constructor(
    log: Logger,
    nodeFile: NodeFile,
    ends: { readonly fatal: Promise<Fault>; readonly drained: Promise<undefined> },
    stops: (() => Promise<void>)[],
  ) {
    this.log = log;
    this.nodeFile = nodeFile;
    this.fatal = ends.fatal;
    this.drained = ends.drained;
    this.#stops = stops;
  }

  /** @throws Fault; whatever was started is stopped again. */
  static async start(settings: Settings, options: DaemonOptions): Promise<Daemon> {
    const log = createLog(settings.logLevel, settings.node);
    const stops: (() => Promise<void>)[] = [];
    try {
      return await startParts(
        settings,
        options,
        log,
        stops,
        (nodeFile, ends) => new Daemon(log, nodeFile, ends, stops),
      );
    } catch (error) {
      await unwind(stops, log);
      throw error;
    }
  }

  /** Drains: stops accepting, finishes, flushes, ships, closes (D2). Safe to repeat. */
  async stop(): Promise<void> {
    await unwind(this.#stops, this.log);
  }
}

type Make = (
  nodeFile: NodeFile,
  ends: { readonly fatal: Promise<Fault>; readonly drained: Promise<undefined> },
) => Daemon;

/** What all parts of a starting node share. */
interface Context {
  readonly settings: Settings;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly nats: NatsHost;
  readonly fatal: PromiseWithResolvers<Fault>;
  readonly drained: PromiseWithResolvers<undefined>;
  readonly startedAtMs: number;
  /** Undoes what was started, the last first. */
  readonly stops: (() => Promise<void>)[];
}

interface RunningNode {
  readonly runtime: NodeRuntime;
  readonly metrics: NodeMetrics;
  readonly operators: OperatorSide;
}

async function startParts(
  settings: Settings,
  options: DaemonOptions,
  log: Logger,
  stops: (() => Promise<void>)[],
  make: Make,
): Promise<Daemon> {
  const startedAtMs = Date.now();
  log.info({ event: "starting", settings: { ...settings, events: "[redacted]" }, version: releaseVersion }, "starting");
  const folder = await openDataFolder(settings.data);
  stops.push(() => folder.release());
  const nats = await openNats({
    settings,
    folder,
    environment: options.environment,
    onProgress: options.onProgress,
    onServerLine: (line) => log.debug({ event: "nats-server", line }, "nats-server"),
    onStatus: (state, detail) => logNats(log, state, detail),
  });
  stops.push(() => nats.stop());
  const fatal = Promise.withResolvers<Fault>();
  const drained = Promise.withResolvers<undefined>();
  const context: Context = { settings, log, folder, nats, fatal, drained, startedAtMs, stops };
  const node = await startNode(context);
  // Version 0: nothing was ever written, also when a first start was killed before it came this far.
  if (settings.examples && node.runtime.feed.version === 0) await loadExamples(node.runtime);
  const nodeFile = await openEdges(context, node);
  log.info(
    {
      event: "serving",
      http: nodeFile.http,
      admin: nodeFile.admin,
      nats: nats.url,
      durationMs: Date.now() - startedAtMs,
    },
    "serving",
  );
  return make(nodeFile, { fatal: fatal.promise, drained: drained.promise });
}

/** Actors and operators' side, without HTTP. */
async function startNode({
  settings,
  log,
  folder,
  nats,
  fatal,
  drained,
  startedAtMs,
  stops,
}: Context): Promise<RunningNode> {
  const copies = await openCatalogCopies(
    nats.connection,
    () => runtime.feed.whole(),
    (event, error) => log.warn({ event, error: toWireFault(error) }, "a copy of the catalog lags"),
  );
  let metrics: NodeMetrics | null = null;
  let operators: OperatorSide | null = null;
  const runtime = new NodeRuntime({
    settings,
    folder,
    nats,
    onEvent: (kind, event, details) => {
      metrics?.event(kind, event);
      operators?.event(kind, event, details);
      logEvent(log, kind, event, details);
    },
    onTapped: (report) => operators?.taps.take(report),
    onDocuments: copies.take,
    onFatal: (fault) => fatal.resolve(fault),
  });
  stops.push(() => runtime.stop(DRAIN_MS));
  const measured = new NodeMetrics(runtime);
  metrics = measured;
  await runtime.store.ready;
  const checkpoints = await openCheckpoints({
    settings,
    folder,
    nats,
    markLogs: () => runtime.markLogs(),
    onEvent: (event, details) => logEvent(log, "checkpoint", event, details),
  });
  stops.push(() => checkpoints.close());
  operators = await OperatorSide.start({
    settings,
    runtime,
    nats,
    checkpoints: checkpoints.checkpointer,
    catalogLog: copies.log,
    sealKey: folder.keys.seal,
    startedAtMs,
    version: releaseVersion,
    // Its answer leaves first.
    drain: () => void setTimeout(() => drained.resolve(undefined), DRAIN_AFTER_MS),
    shedding: () => measured.shedding,
  });
  const started = operators;
  stops.push(() => started.stop());
  await runtime.start();
  const keeper = new StreamKeeper({
    purge: await openStreamPurge(nats.connection.connection),
    partitions: settings.partitions,
    logBytesMax: settings.nats.logBytesMax,
    logFloor: () => checkpoints.checkpointer.logFloor(),
    markLogs: () => runtime.markLogs(),
    onPurged: (details) => log.debug({ event: "purged", ...details }, "purged"),
    onFault: (error) => log.warn({ event: "purge-failed", error: toWireFault(error) }, "streams were not purged"),
  });
  stops.push(() => keeper.stop());
  return { runtime, metrics: measured, operators };
}

/** Opens both HTTP servers and announces the node; from then on it serves. */
async function openEdges(context: Context, { runtime, metrics, operators }: RunningNode): Promise<NodeFile> {
  const { settings, folder, nats, log, stops } = context;
  const { gateways, url } = await startGateways(context, runtime, metrics);
  stops.push(() => gateways.stop());
  const admin = createAdmin(adminOptions({ settings, folder, runtime, operators, metrics, log }));
  stops.push(() => admin.close());
  const nodeFile = nodeFileOf(settings, folder, nats, url, await listenAdmin(admin, settings.admin));
  const files = [folder.nodeFile, ...(settings.readyFile === null ? [] : [resolve(settings.readyFile)])];
  const watch = setInterval(() => gateways.readiness(runtime.unready), READINESS_MS);
  stops.push(async () => {
    clearInterval(watch);
    runtime.draining = true;
    gateways.readiness("stopping");
    await withdraw(files);
  });
  gateways.readiness(runtime.unready);
  await announce(files, nodeFile);
  return nodeFile;
}

async function startGateways(
  { settings, folder, nats, log, fatal }: Context,
  runtime: NodeRuntime,
  metrics: NodeMetrics,
): Promise<{ gateways: GatewayPool; url: string }> {
  const { host, port } = hostAndPort(settings.http);
  const gateways = new GatewayPool({
    gateways: settings.gateways,
    port,
    task: {
      partitions: settings.partitions,
      shards: runtime.shards,
      host,
      publicUrl: settings.publicUrl?.replace(/\/+$/, "") ?? null,
      nats: nats.access,
      clockOffsetMs: settings.clock.offsetMs,
      pseudonymKey: folder.keys.pseudonym,
      tokenKey: folder.keys.token,
      bidTimeoutMs: settings.gateway.bidTimeoutMs,
      networkAllowanceMs: settings.gateway.networkAllowanceMs,
      beaconTimeoutMs: settings.gateway.beaconTimeoutMs,
      bodyBytesMax: settings.gateway.bodyBytesMax,
      seat: settings.gateway.seat,
      gvlVendorId: settings.privacy.gvlVendorId,
      unknownCountry: settings.privacy.unknownCountry,
      senders: settings.events.senders,
      datacenterNets: settings.quality.datacenterNets,
    },
    connect: (gateway, give) => runtime.connectGateway(gateway, give),
    disconnect: (gateway) => runtime.disconnectGateway(gateway),
    onTallies: (tallies) => metrics.add(tallies),
    onError: (message, stack) => log.error({ event: "gateway-error", message, stack }, "gateway error"),
    onEscalate: (fault) => fatal.resolve(fault),
  });
  if (settings.privacy.gvlVendorId === null) {
    log.warn({ event: "no-vendor-id" }, "privacy.gvlVendorId is not set: under the GDPR no request has consent");
  }
  try {
    return { gateways, url: await gateways.start() };
  } catch (error) {
    await gateways.stop();
    throw error;
  }
}

async function listenAdmin(admin: HttpServer, address: string): Promise<string> {
  try {
    return await admin.listen(hostAndPort(address));
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    const why = taken
      ? "is taken: choose another with --admin HOST:PORT"
      : `cannot be used: ${(cause as Error).message}`;
    throw new Fault("CONFIG_INVALID", `admin ${address} ${why}`, { cause, details: { key: "admin" } });
  }
}

const SERIOUS = new Set(["died", "hung", "escalated", "refused", "stopped", "kind-stopped", "mail-gap", "mail-failed"]);

function logEvent(log: Logger, kind: string, event: string, details: Record<string, unknown>): void {
  const level = SERIOUS.has(event) ? "error" : event === "opened" ? "debug" : "info";
  log[level]({ event: `${kind}.${event}`, ...details }, "runtime event");
}

function logNats(log: Logger, state: string, detail: string): void {
  log[state === "connected" || state === "closed" ? "info" : "warn"]({ event: "nats", state, detail }, "nats");
}

/** Campaigns to try the node with; see config/examples. */
async function loadExamples(runtime: NodeRuntime): Promise<void> {
  const text = await readFile(new URL("../../config/examples/campaigns.json", import.meta.url), "utf8");
  const to = { kind: catalog.name, key: CATALOG_KEY };
  const changed = (await runtime.asker.ask(
    to,
    "Apply",
    { document: JSON.parse(text) as unknown, dryRun: false },
    10_000,
  )) as { outcome: string; version?: number };
  if (changed.outcome !== "applied")
    throw new Fault("CONFIG_INVALID", "config/examples/campaigns.json was refused", { details: changed });
  await runtime.feed.load();
  await runtime.feed.awaitServed(changed.version ?? 0);
}

function nodeFileOf(settings: Settings, folder: DataFolder, nats: NatsHost, http: string, admin: string): NodeFile {
  return {
    pid: process.pid,
    version: releaseVersion,
    node: settings.node,
    dataDir: folder.path,
    http,
    admin,
    adminToken: folder.keys.adminToken,
    nats: nats.url,
    natsCredentials: nats.credentials,
  };
}

function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) };
}

/** Stops in the reverse order of starting; one that fails does not keep the others running. */
async function unwind(stops: (() => Promise<void>)[], log: Logger): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
    try {
      await stop();
    } catch (error) {
      log.error({ event: "stop-failed", error: toWireFault(error) }, "a part did not stop cleanly");
    }
  }
}
