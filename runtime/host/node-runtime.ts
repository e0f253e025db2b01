import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Settings } from "../../config/schema.ts";
import { Fault, fromWireFault } from "../../protocols/errors.ts";
import { CATALOG_TOPIC, type CatalogChange } from "../../protocols/messages/catalog.ts";
import { LEARNER_TOPICS } from "../../protocols/messages/creative-learner.ts";
import { topicSubject } from "../../protocols/subjects.ts";
import { decodeBounded } from "../../protocols/codec.ts";
import type { TapReport } from "../core/taps.ts";
import type { ShardSettings } from "../core/shard-settings.ts";
import { type TopicWatch, watchTopics } from "../nats/topic-watch.ts";
import type { FromShard } from "../threads/shard-thread-messages.ts";
import { CatalogFeed, type CatalogFeedOptions } from "./catalog-feed.ts";
import type { DataFolder } from "./data-folder.ts";
import { JobDesk } from "./job-desk.ts";
import { jobRegistry } from "./job-registry.ts";
import { startJobThreads } from "./job-threads.ts";
import { type JobRegistry, JobsPool } from "./jobs-pool.ts";
import type { NatsHost } from "./nats-host.ts";
import { PortAsker } from "./port-asker.ts";
import { ShardPool } from "./shard-pool.ts";
import { StoreThread } from "./store-thread.ts";
import { TopicFeed } from "./topic-feed.ts";

export interface NodeRuntimeOptions {
  readonly settings: Settings;
  readonly folder: DataFolder;
  readonly nats: NatsHost;
  readonly onEvent: (kind: string, event: string, details: Record<string, unknown>) => void;
  readonly onTapped: (report: TapReport) => void;
  readonly onDocuments: CatalogFeedOptions["onDocuments"];
  /** The node cannot go on: stop answering and exit. */
  readonly onFatal: (fault: Fault) => void;
  /** The file that shard threads run; default: the one with the actors of this release. */
  readonly shardWorker?: URL;
  /** Default: this release's jobs. */
  readonly jobRegistry?: JobRegistry;
}

/** Route number of the daemon's own asks; gateways count from 1. */
const DAEMON_ROUTE = 0;

function shardCount(settings: Settings): number {
  return settings.shards > 0 ? Math.min(settings.shards, settings.partitions) : halfTheCores();
}

const halfTheCores = (): number => Math.max(1, Math.floor(availableParallelism() / 2));

/** The actors' side of a node: store thread, shard threads, catalog feed, and the ports between them. */
export class NodeRuntime {
  readonly shards: number;
  readonly asker: PortAsker;
  readonly feed: CatalogFeed;
  readonly topics: TopicFeed;
  readonly store: StoreThread;
  readonly pool: ShardPool;
  readonly jobs: JobsPool;
  readonly #desk: JobDesk;
  readonly #options: NodeRuntimeOptions;
  readonly #states: { state: "opening" | "open" | "refused"; fault: Fault | null }[];
  readonly #gateways = new Map<number, (shard: number, port: MessagePort) => void>();
  #watch: TopicWatch | null = null;
  readonly #allOpen = Promise.withResolvers<undefined>();

  constructor(options: NodeRuntimeOptions) {
    const { settings, folder, nats } = options;
    this.#options = options;
    this.shards = shardCount(settings);
    this.#states = Array.from({ length: settings.partitions }, () => ({ state: "opening" as const, fault: null }));
    this.store = new StoreThread({ file: folder.storeFile });
    this.asker = new PortAsker(settings.partitions, (partition) => partition % this.shards, settings.clock.offsetMs);
    this.jobs = jobsPool(options);
    this.#desk = new JobDesk({
      pool: this.jobs,
      asker: this.asker,
      clockOffsetMs: settings.clock.offsetMs,
      onEvent: (event, details) => options.onEvent("job", event, details),
    });
    this.pool = new ShardPool({
      shards: this.shards,
      partitions: settings.partitions,
      worker: options.shardWorker ?? new URL("./shard-worker.ts", import.meta.url),
      hangAfterMs: settings.supervision.hangAfterMs,
      heapBytesMax: settings.supervision.heapBytesMax,
      deathsMax: settings.supervision.deathsMax,
      task: {
        partitions: settings.partitions,
        settings: shardSettings(settings, nats.streams.mail),
        storeFile: folder.storeFile,
        nats: nats.access,
        sealKey: folder.keys.seal,
        clockOffsetMs: settings.clock.offsetMs,
        agents: {
          agents: settings.agents,
          quality: settings.quality,
          reward: settings.reward,
          currency: settings.currency,
          attribution: settings.attribution,
        },
        configVersion: configVersion(settings),
        node: settings.node,
      },
      attachStore: (shard, port) => this.store.attach(shard, port),
      onStarted: (shard) => this.#shardStarted(shard),
      onMessage: (shard, message) => this.#onShard(shard, message),
      onEscalate: (fault) => options.onFatal(fault),
    });
    this.feed = new CatalogFeed({
      asker: this.asker,
      shards: this.shards,
      send: (shard, topic, version, buffer) => this.pool.tell(shard, { type: "snapshot", topic, version, buffer }),
      onDocuments: options.onDocuments,
      onFault: (error) =>
        options.onEvent("catalog", "feed-failed", { message: error instanceof Error ? error.message : String(error) }),
    });
    this.topics = new TopicFeed({
      shards: this.shards,
      send: (shard, value) => this.pool.tell(shard, { type: "topic", ...value }),
      onFault: (error) => this.#topicFault(error),
    });
    void this.store.failed.then((fault) => options.onFatal(fault));
    nats.connection.subscribe(topicSubject(CATALOG_TOPIC), (data) => this.#catalogChanged(data));
  }

  /** Opens the store and every partition and brings the catalog to every shard. @throws Fault when a partition is refused. */
  async start(): Promise<void> {
    await this.store.ready;
    this.pool.start();
    await this.#allOpen.promise;
    await this.feed.load();
    await this.feed.awaitServed(this.feed.version);
    // Decisions wait for no learner: without what it published, rules stand in.
    watchTopics(this.#options.nats.connection.connection, LEARNER_TOPICS, (value) => this.topics.take(value)).then(
      (watch) => {
        this.#watch = watch;
      },
      (error: unknown) => this.#topicFault(error),
    );
  }

  /** Set when stopping begins: nothing new is accepted. */
  draining = false;

  /** Finishes what runs, ships it, folds, closes the store. */
  async stop(withinMs: number): Promise<void> {
    this.draining = true;
    await this.jobs.stop();
    await this.pool.drain(withinMs);
    await this.pool.stop();
    await this.feed.stop();
    await this.#watch?.stop();
    this.asker.close();
    await this.store.close();
  }

  /** Why the node does not serve right now; null when it does. */
  get unready(): string | null {
    const closed = this.#states.flatMap(({ state }, partition) =>
      state === "open" ? [] : [`partition ${partition} is ${state}`],
    );
    if (closed.length > 0) return closed.slice(0, 4).join(", ");
    const lacking = this.feed.servedVersions.flatMap((version, shard) =>
      version < 0 ? [`shard ${shard} has no catalog`] : [],
    );
    return lacking.length > 0 ? lacking.join(", ") : null;
  }

  /** Moves the tail of every partition's log (ADR 0008). */
  markLogs(): void {
    for (let shard = 0; shard < this.shards; shard++) this.pool.tell(shard, { type: "mark-logs" });
  }

  /** Connects a gateway to every shard, now and whenever a shard is replaced. */
  connectGateway(gateway: number, give: (shard: number, port: MessagePort) => void): void {
    this.#gateways.set(gateway, give);
    for (let shard = 0; shard < this.shards; shard++) this.#connect(shard, gateway, give);
  }

  disconnectGateway(gateway: number): void {
    this.#gateways.delete(gateway);
  }

  #topicFault(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onEvent("learners", "feed-failed", { message });
  }

  /** A change as the catalog's partition published it (D17); what is missed is noticed by its version. */
  #catalogChanged(data: Uint8Array): void {
    try {
      const { version, changes } = decodeBounded(data) as { version: number; changes: CatalogChange[] };
      this.feed.changed(version, changes);
    } catch (error) {
      this.#options.onEvent("catalog", "change-unreadable", {
        message: error instanceof Error ? error.message : String(error),
      });
      void this.feed.load();
    }
  }

  #shardStarted(shard: number): void {
    for (const partition of this.pool.partitionsOf(shard)) this.#states[partition] = { state: "opening", fault: null };
    const { port1, port2 } = new MessageChannel();
    this.asker.attach(shard, port1);
    this.pool.tell(shard, { type: "attach", route: DAEMON_ROUTE, port: port2 }, [port2]);
    for (const [gateway, give] of this.#gateways) this.#connect(shard, gateway, give);
    this.feed.shardStarted(shard);
    this.topics.shardStarted(shard);
  }

  #connect(shard: number, gateway: number, give: (shard: number, port: MessagePort) => void): void {
    const { port1, port2 } = new MessageChannel();
    give(shard, port1);
    this.pool.tell(shard, { type: "attach", route: gateway + 1, port: port2 }, [port2]);
  }

  #onShard(shard: number, message: FromShard): void {
    switch (message.type) {
      case "event":
        return this.#options.onEvent(message.kind, message.event, { shard, ...message.details });
      case "tapped":
        return this.#options.onTapped(message.report);
      case "partition-state":
        return this.#partitionState(
          message.partition,
          message.state,
          message.fault === null ? null : fromWireFault(message.fault),
        );
      case "job":
        return this.#desk.take(message.partition, message.order);
      case "snapshot-taken":
        return this.feed.shardTook(shard, message.version);
      case "ready":
      case "answer":
      case "drained":
        return;
    }
  }

  #partitionState(partition: number, state: "opening" | "open" | "refused", fault: Fault | null): void {
    this.#states[partition] = { state, fault };
    if (fault !== null)
      this.#allOpen.reject(
        new Fault(fault.code, `partition ${partition} is refused: ${fault.message}`, { cause: fault }),
      );
    if (this.#states.every((entry) => entry.state === "open")) this.#allOpen.resolve(undefined);
  }
}

function jobsPool({ settings, nats, onEvent, jobRegistry: registry = jobRegistry }: NodeRuntimeOptions): JobsPool {
  const { queueMax, heapBytesMax, idleMs } = settings.jobs;
  const threadsMax = settings.jobs.threadsMax > 0 ? settings.jobs.threadsMax : halfTheCores();
  const threads = startJobThreads({
    threadsMax,
    heapBytesMax,
    idleMs,
    nats: nats.access,
    clockOffsetMs: settings.clock.offsetMs,
  });
  return new JobsPool({
    registry,
    threads,
    threadsMax,
    queueMax,
    onEvent: (event, details) => onEvent("job", event, details),
  });
}

function shardSettings(settings: Settings, streamIdentity: string): ShardSettings {
  const { commit, durability, outside } = settings;
  return {
    logPaceMs: commit.logPaceMs,
    outputPaceMs: commit.outputPaceMs,
    rowPaceMs: commit.rowPaceMs,
    logBytesMax: commit.logBytesMax,
    replicated: durability === "replicated",
    groupMs: commit.groupMs,
    groupEnvelopesMax: commit.groupEnvelopesMax,
    recordBytesMax: commit.recordBytesMax,
    groupsInFlightMax: commit.groupsInFlightMax,
    asksMax: commit.asksMax,
    outsideRequestsMax: outside.requestsMax,
    outsideBytesMax: outside.bytesMax,
    passivateAfterMs: commit.passivateAfterMs,
    residentBytesMax: commit.residentBytesMax,
    unshippedBytesMax: commit.unshippedBytesMax,
    streamIdentity,
  };
}

/** A short fingerprint of all settings, for decision records. */
export function configVersion(settings: Settings): string {
  return createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 12);
}
