import type { Settings } from "../../config/schema.ts";
import type { CatalogLog } from "../nats/catalog-log.ts";
import { openAuditLog, type AuditLog } from "../nats/audit-log.ts";
import { watchConnection } from "../nats/connection-state.ts";
import { openDecisionLog } from "../nats/decision-log.ts";
import { startInspectService, type InspectService } from "../nats/inspect-service.ts";
import { createNodeEvents, type NodeEvents } from "../nats/node-events.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { DecisionReplay } from "./decision-replay.ts";
import { DecisionSearch } from "./decision-search.ts";
import { Inspection } from "./inspection.ts";
import type { NatsHost } from "./nats-host.ts";
import { configVersion, type NodeRuntime } from "./node-runtime.ts";
import { OperatorService } from "./operator-service.ts";
import { castRoles } from "./roster.ts";
import { TapDesk } from "./tap-desk.ts";
import { createSealer } from "./sealer.ts";
import { WhyNot } from "./why-not.ts";

export interface OperatorSideOptions {
  readonly settings: Settings;
  readonly runtime: NodeRuntime;
  readonly nats: NatsHost;
  readonly checkpoints: Checkpointer;
  readonly catalogLog: CatalogLog;
  /** AES-256 key of sealed parts, 32 bytes. */
  readonly sealKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly version: string;
  /** Begins a clean stop, a moment later. */
  readonly drain: () => void;
  /** Whether requests were shed a moment ago. */
  readonly shedding: () => boolean;
}

/** What operators meet of a node beside HTTP: the NATS service, events, the audit log, the decision log (architecture.md 7). */
export class OperatorSide {
  readonly service: OperatorService;
  readonly decisions: DecisionSearch;
  readonly whyNot: WhyNot;
  readonly audit: AuditLog;
  readonly taps: TapDesk;
  readonly #events: NodeEvents;
  readonly #nats: InspectService;

  private constructor(parts: {
    service: OperatorService;
    decisions: DecisionSearch;
    whyNot: WhyNot;
    audit: AuditLog;
    taps: TapDesk;
    events: NodeEvents;
    nats: InspectService;
  }) {
    this.service = parts.service;
    this.decisions = parts.decisions;
    this.whyNot = parts.whyNot;
    this.audit = parts.audit;
    this.taps = parts.taps;
    this.#events = parts.events;
    this.#nats = parts.nats;
  }

  /** @throws Fault NATS_UNAVAILABLE. */
  static async start(options: OperatorSideOptions): Promise<OperatorSide> {
    const { settings, runtime, nats, startedAtMs, version } = options;
    const { connection } = nats.connection;
    const audit = await openAuditLog(connection);
    const inspection = new Inspection({
      runtime,
      settings,
      nats,
      startedAtMs,
      version,
      draining: () => runtime.draining,
      shedding: options.shedding,
    });
    const { jobs, asker } = runtime;
    const whyNot = new WhyNot({ jobs, asker, clockOffsetMs: settings.clock.offsetMs });
    const events = createNodeEvents({
      node: settings.node,
      connection: watchConnection(connection),
      emit: (subject, payload) => nats.connection.emit(subject, payload),
      nowMs: () => Date.now(),
    });
    const taps = new TapDesk({
      nowMs: () => performance.now(),
      publish: (event, details) => events.publish("tap", event, details),
    });
    const service = new OperatorService({
      inspection,
      pool: runtime.pool,
      asker,
      audit,
      checkpoints: options.checkpoints,
      taps,
      drain: options.drain,
      jobs,
      whyNot,
    });
    const replays = new DecisionReplay({
      sealer: createSealer(options.sealKey),
      roster: castRoles(settings),
      configVersion: configVersion(settings),
      documentsAt: (version) => options.catalogLog.documentsAt(version),
    });
    const decisions = new DecisionSearch({
      log: await openDecisionLog(connection),
      asker,
      replays,
      clockOffsetMs: settings.clock.offsetMs,
    });
    const inspect = await startInspectService(connection, {
      version,
      metadata: { node: settings.node },
      endpoints: service.endpoints(),
    });
    return new OperatorSide({ service, decisions, whyNot, audit, taps, events, nats: inspect });
  }

  /** Tells operators of an event; never throws, never waits. */
  event(kind: string, event: string, details: Record<string, unknown>): void {
    this.#events.publish(kind, event, details);
  }

  async stop(): Promise<void> {
    await this.#nats.stop();
  }
}
