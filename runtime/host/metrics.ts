import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { LATENCY_BOUNDS_MS, type RequestTally } from "../threads/gateway-thread-messages.ts";
import type { ShardLoad } from "../core/pressure.ts";
import type { InspectQuestion } from "../threads/shard-thread-messages.ts";
import { type AddGauge, agentGauges } from "./agent-metrics.ts";
import type { NodeRuntime } from "./node-runtime.ts";

interface PartitionRow {
  readonly partition: number;
  readonly commitSeq: number;
  readonly shipped: number;
  readonly published: number;
  readonly mailMessages: number;
  readonly actors: number;
  readonly mailBytes: number;
  readonly unshippedBytes: number;
  readonly deadLetters: number;
  readonly deadLettersDropped: number;
  readonly residentBytes: number;
  readonly passivated: number;
  readonly overlayBytes: number;
  readonly counters: Readonly<Record<string, number>> | null;
}

const PARTITION_FIGURES = [
  "commitSeq",
  "shipped",
  "published",
  "mailMessages",
  "mailBytes",
  "unshippedBytes",
  "actors",
  "residentBytes",
  "passivated",
  "overlayBytes",
  "deadLetters",
  "deadLettersDropped",
] as const;
/** Pairs of kind and event that are told apart: kinds of messages come from the wire. */
const EVENT_LABELS_MAX = 500;

/** Pressure shows this long after the last request that was shed. */
const SHEDDING_MS = 5_000;

/** Everything the node measures, in Prometheus' text format. Labels are bounded: routes are patterns, partitions and shards are few. */
export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: "chorus_http_requests_total",
    help: "Requests answered, by route, status and outcome.",
    labelNames: ["route", "status", "outcome"],
    registers: [this.#registry],
  });
  readonly #buckets = new Map<string, { buckets: number[]; sumMs: number; count: number }>();
  readonly #events = new Counter({
    name: "chorus_events_total",
    help: "Events of the runtime, as published on chorus.events.",
    labelNames: ["kind", "event"],
    registers: [this.#registry],
  });
  readonly #duration = new Histogram({
    name: "chorus_admin_duration_seconds",
    help: "Time to answer an admin request.",
    labelNames: ["route"],
    buckets: LATENCY_BOUNDS_MS.map((ms) => ms / 1_000),
    registers: [this.#registry],
  });

  readonly #labels = new Set<string>();
  #shedAtMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: NodeRuntime) {
    collectDefaultMetrics({ register: this.#registry });
    const gauge: AddGauge = (name, help, labelNames, collect) => {
      const made: Gauge = new Gauge({
        name,
        help,
        labelNames,
        registers: [this.#registry],
        collect: () => collect(made),
      });
    };
    gauge("chorus_store", "Figures of the store thread.", ["figure"], async (made) => {
      for (const [figure, value] of Object.entries((await runtime.store.figures()) ?? {}))
        made.set({ figure }, value as number);
    });
    gauge(
      "chorus_partition",
      "Figures of each partition: commits, shipped and published, waiting mail, counters.",
      ["partition", "figure"],
      async (made) => {
        for (const row of await partitionRows(runtime)) {
          const partition = String(row.partition);
          for (const figure of PARTITION_FIGURES) made.set({ partition, figure }, row[figure]);
          for (const [figure, value] of Object.entries(row.counters ?? {})) made.set({ partition, figure }, value);
        }
      },
    );
    agentGauges(gauge, async (question) =>
      (await ofShards<unknown[]>(runtime, question)).flatMap(({ answer }) => answer),
    );
    gauge("chorus_jobs", "Jobs beside the actors: threads, running and waiting.", ["figure"], (made) => {
      const { threads, running, waiting } = runtime.jobs.view();
      for (const [figure, value] of Object.entries({ threads, running, waiting })) made.set({ figure }, value);
      return Promise.resolve();
    });
    gauge(
      "chorus_jobs_ended_total",
      "Jobs that ended since the node started, by what came of them.",
      ["job", "outcome"],
      (made) => {
        for (const { name, outcome, count } of runtime.jobs.view().ended) made.set({ job: name, outcome }, count);
        return Promise.resolve();
      },
    );
    gauge("chorus_shard_restarts", "Times a shard thread was replaced.", ["shard"], (made) => {
      for (let shard = 0; shard < runtime.shards; shard++)
        made.set({ shard: String(shard) }, runtime.pool.restartsOf(shard));
      return Promise.resolve();
    });
    gauge("chorus_shard", "What waits in each shard, and what it turned away.", ["shard", "figure"], async (made) => {
      for (const { shard, answer } of await ofShards<ShardLoad>(runtime, { about: "load" }))
        for (const [figure, value] of Object.entries(answer))
          made.set({ shard: String(shard), figure }, value as number);
    });
    gauge("chorus_daemon", "What waits in the daemon, and what it let go.", ["figure"], (made) => {
      made.set({ figure: "asksWaiting" }, runtime.asker.waiting);
      made.set({ figure: "lateAnswersDropped" }, runtime.asker.lateDropped);
      return Promise.resolve();
    });
    gauge("chorus_catalog_version", "Version of the catalog each shard serves.", ["shard"], (made) => {
      runtime.feed.servedVersions.forEach((version, shard) => made.set({ shard: String(shard) }, version));
      return Promise.resolve();
    });
  }

  /** Whether a gateway shed a request within the last seconds. */
  get shedding(): boolean {
    return performance.now() - this.#shedAtMs < SHEDDING_MS;
  }

  /** Adds what a gateway counted. */
  add(tallies: readonly RequestTally[]): void {
    for (const { route, status, outcome, count, sumMs, buckets } of tallies) {
      if (status === 429 || outcome === "nbr-508") this.#shedAtMs = performance.now();
      this.#requests.inc({ route, status: String(status), outcome }, count);
      const sum = this.#buckets.get(route) ?? {
        buckets: new Array<number>(buckets.length).fill(0),
        sumMs: 0,
        count: 0,
      };
      sum.buckets = sum.buckets.map((value, index) => value + (buckets[index] ?? 0));
      sum.sumMs += sumMs;
      sum.count += count;
      this.#buckets.set(route, sum);
    }
  }

  event(kind: string, event: string): void {
    const label = `${kind}.${event}`;
    if (!this.#labels.has(label) && this.#labels.size >= EVENT_LABELS_MAX) {
      this.#events.inc({ kind: "other", event: "other" });
      return;
    }
    this.#labels.add(label);
    this.#events.inc({ kind, event });
  }

  adminRequest(route: string, durationMs: number): void {
    this.#duration.observe({ route }, durationMs / 1_000);
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${this.#latencyText()}`;
  }

  /** The gateways' histograms arrive as counts, which prom-client's own class cannot take over. */
  #latencyText(): string {
    const name = "chorus_http_duration_seconds";
    const lines = [`# HELP ${name} Time to answer a request, by route.`, `# TYPE ${name} histogram`];
    for (const [route, { buckets, sumMs, count }] of this.#buckets) {
      const label = `route="${route.replaceAll('"', "")}"`;
      let cumulative = 0;
      LATENCY_BOUNDS_MS.forEach((bound, index) => {
        cumulative += buckets[index] ?? 0;
        lines.push(`${name}_bucket{${label},le="${bound / 1_000}"} ${cumulative}`);
      });
      lines.push(
        `${name}_bucket{${label},le="+Inf"} ${count}`,
        `${name}_sum{${label}} ${sumMs / 1_000}`,
        `${name}_count{${label}} ${count}`,
      );
    }
    return `${lines.join("\n")}\n`;
  }
}

const partitionRows = async (runtime: NodeRuntime) =>
  (await ofShards<PartitionRow[]>(runtime, { about: "partitions" })).flatMap(({ answer }) => answer);

/** What each shard answers; one that is being replaced is left out. */
async function ofShards<Answer>(
  runtime: NodeRuntime,
  question: InspectQuestion,
): Promise<{ readonly shard: number; readonly answer: Answer }[]> {
  const shards = Array.from({ length: runtime.shards }, (_, shard) => shard);
  const answers = await Promise.allSettled(shards.map((shard) => runtime.pool.inspect(shard, question)));
  return answers.flatMap((answer, shard) =>
    answer.status === "fulfilled" ? [{ shard, answer: answer.value as Answer }] : [],
  );
}
