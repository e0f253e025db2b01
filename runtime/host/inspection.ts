import type { Settings } from "../../config/schema.ts";
import { readDecisionId } from "../../protocols/decision-id.ts";
import { Fault } from "../../protocols/errors.ts";
import { partitionOf } from "../../protocols/ids.ts";
import { LEARNER_TOPICS } from "../../protocols/messages/creative-learner.ts";
import { delivery } from "../../protocols/messages/delivery.ts";
import { job } from "../../protocols/messages/job.ts";
import { wallet, walletPartition } from "../../protocols/messages/wallet.ts";
import { plainJson } from "../../protocols/plain-json.ts";
import { parseLetterName } from "../core/dead-letter.ts";
import { handlerViews, type HandlerSample, type HandlerView } from "../core/handler-times.ts";
import type { ActorRow, ActorView, NamedLetter, PartitionView } from "../core/inspection.ts";
import type { ShardSupervision } from "../core/supervision-view.ts";
import { THREAD_STRATEGY } from "../core/thread-supervisor.ts";
import { type ConnectionState, watchConnection } from "../nats/connection-state.ts";
import type { InspectQuestion } from "../threads/shard-thread-messages.ts";
import type { NatsHost } from "./nats-host.ts";
import type { NodeRuntime } from "./node-runtime.ts";

export type { ActorRow, ActorView, HandlerView, NamedLetter };

/** Rows of a list; `truncated` in the answer says that there are more. */
const ROWS_MAX = 1_000;
const DEAD_LETTERS_MAX = 100;
/** A dead letter's payload is shown up to this many characters of JSON. */
const PAYLOAD_CHARS_MAX = 4_096;
/** The same, of one that is shown whole. */
const WHOLE_PAYLOAD_CHARS_MAX = 262_144;
/** Rows of each list in a shard's branch of the supervision tree. */
const TROUBLED_MAX = 200;

/** A partition, and the node that owns it. */
export type OwnedPartition = PartitionView & { readonly owner: string };

/** The tree node → shard → kind → actor (D11). */
export interface SupervisionView {
  readonly node: string;
  /** How threads are supervised. */
  readonly strategy: unknown;
  /** What threads died in, and how often. */
  readonly suspects: readonly unknown[];
  readonly shards: readonly (ShardBranch & Partial<ShardSupervision>)[];
}

export interface ShardBranch {
  readonly id: number;
  readonly partitions: readonly number[];
  readonly restarts: number;
  /** Deaths that count against the budget. */
  readonly recent: number;
  readonly lastDeath: unknown;
}

export interface InspectionOptions {
  readonly runtime: NodeRuntime;
  readonly settings: Settings;
  readonly nats: NatsHost;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly version: string;
  /** Default: never. */
  readonly draining?: () => boolean;
  /** Whether the node sheds load; default: never. */
  readonly shedding?: () => boolean;
}

export interface ShardSummary {
  readonly id: number;
  readonly partitions: readonly number[];
  /** Resident ones. */
  readonly actors: number;
  /** Messages of mail that arrived and are not applied. */
  readonly lagEnvelopes: number;
  readonly restarts: number;
}

/** The answer of `chorus status` and `chorus.inspect.node` (interfaces.md, "Answers, by example"). */
export interface NodeView {
  readonly node: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly state: "starting" | "serving" | "draining";
  /** Why it does not serve; null when it does. */
  readonly reason: string | null;
  readonly shards: readonly ShardSummary[];
  /** null while the store does not answer. */
  readonly store: { readonly unfoldedBytes: number; readonly flushMsP99: number } | null;
  /** `syncAlways` is null for a server of others, whose settings this node does not read. */
  readonly nats: { readonly connected: boolean; readonly syncAlways: boolean | null; readonly serverVersion: string };
  readonly pressure: "none" | "shedding";
  readonly catalog: { readonly version: number; readonly servedVersions: readonly number[] };
}

interface Listed<Row> {
  readonly rows: readonly Row[];
  readonly truncated: boolean;
}

/** What operators can look at, as plain JSON. Nothing here runs an actor or changes anything; all lists are bounded. */
export class Inspection {
  readonly #options: InspectionOptions;
  readonly #connection: ConnectionState;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#connection = watchConnection(options.nats.connection.connection);
  }

  async node(): Promise<NodeView> {
    const { runtime, settings, nats, startedAtMs, version, draining, shedding } = this.#options;
    const [shards, store] = await Promise.all([this.#shards(), runtime.store.figures()]);
    const reason = runtime.unready;
    return {
      node: settings.node,
      version,
      uptimeMs: Date.now() - startedAtMs,
      state: draining?.() === true ? "draining" : reason === null ? "serving" : "starting",
      reason,
      shards: shards.map(({ id, partitions, actors, lagEnvelopes, restarts }) => ({
        id,
        partitions,
        actors,
        lagEnvelopes,
        restarts,
      })),
      store: store === null ? null : { unfoldedBytes: store.unfoldedBytes, flushMsP99: store.flushMsP99 },
      nats: {
        connected: this.#connection.connected,
        // A managed server that does not sync every write is refused at its start.
        syncAlways: nats.managed ? true : null,
        serverVersion: nats.version,
      },
      pressure: shedding?.() === true ? "shedding" : "none",
      catalog: { version: runtime.feed.version, servedVersions: runtime.feed.servedVersions },
    };
  }

  /** The shards of `node()`, with the circuits of the agents they run (D12). */
  async shards(): Promise<unknown> {
    return { shards: await this.#shards() };
  }

  /** Resident actors, of one kind or of all. */
  async actors(kind: string | null): Promise<unknown> {
    const { rows, truncated } = await this.#list({ about: "actors", kind, limit: ROWS_MAX + 1 }, ROWS_MAX);
    return { actors: rows, truncated };
  }

  /**
   * One actor, resident or not; undefined when there is none. @param partition default: where its key lives.
   * @throws Fault NOT_OWNER while its partition is opened.
   */
  async actor(kind: string, key: string, partition?: number): Promise<ActorView | undefined> {
    const { runtime } = this.#options;
    const home = this.homeOf(kind, key, partition);
    if (home === undefined) return undefined;
    try {
      const question = { about: "actor", partition: home, kind, key } as const;
      const view = (await runtime.pool.inspect(runtime.pool.shardOf(home), question)) as ActorView | null;
      return view === null ? undefined : (plainJson(view) as ActorView);
    } catch (error) {
      if (error instanceof Fault && error.code === "HANDLER_UNKNOWN") return undefined;
      throw error;
    }
  }

  /** Where an actor lives, or would; undefined when no partition can be told. @param partition default: as its key says. */
  homeOf(kind: string, key: string, partition?: number): number | undefined {
    const { partitions } = this.#options.settings;
    const home = partition ?? homeOf(kind, key, partitions);
    return home === null || !Number.isInteger(home) || home < 0 || home >= partitions ? undefined : home;
  }

  async partitions(): Promise<{ readonly partitions: readonly OwnedPartition[] }> {
    const answers = await this.#each({ about: "partitions" });
    const views = answers.flatMap((answer) => (answer ?? []) as PartitionView[]);
    views.sort((one, other) => one.partition - other.partition);
    const owner = this.#options.settings.node;
    return { partitions: (plainJson(views) as PartitionView[]).map((view) => ({ ...view, owner })) };
  }

  /** undefined when it is not one of this node, or its shard is started anew. */
  async partition(number: number): Promise<OwnedPartition | undefined> {
    return (await this.partitions()).partitions.find((view) => view.partition === number);
  }

  /** Dead letters that wait for an operator, the oldest first. */
  async deadLetters(): Promise<unknown> {
    const question = { about: "dead-letters", limit: DEAD_LETTERS_MAX + 1 } as const;
    const { rows, truncated } = await this.#list<NamedLetter>(question, DEAD_LETTERS_MAX);
    const oldestFirst = [...rows].sort((one, other) => one.atMs - other.atMs);
    return { deadLetters: oldestFirst.map((letter) => shortened(letter, PAYLOAD_CHARS_MAX)), truncated };
  }

  /** One dead letter with its stack; undefined when there is none of that name. @throws Fault ASK_EXPIRED. */
  async deadLetter(name: string): Promise<NamedLetter | undefined> {
    const { runtime, settings } = this.#options;
    const wanted = parseLetterName(name);
    if (wanted === undefined || wanted.partition >= settings.partitions) return undefined;
    const question = { about: "dead-letter", ...wanted } as const;
    const found = await runtime.pool.inspect(runtime.pool.shardOf(wanted.partition), question);
    if (found === null) return undefined;
    return shortened(plainJson(found) as NamedLetter, WHOLE_PAYLOAD_CHARS_MAX);
  }

  /** Who supervises whom, and how each does. */
  async supervision(): Promise<SupervisionView> {
    const { runtime, settings } = this.#options;
    const branches = await this.#each({ about: "supervision", limit: TROUBLED_MAX });
    const shards = branches.map((branch, id) => ({
      id,
      partitions: runtime.pool.partitionsOf(id),
      ...runtime.pool.supervisionOf(id),
      ...(branch as ShardSupervision | null),
    }));
    const { suspects } = runtime.pool;
    return plainJson({ node: settings.node, strategy: THREAD_STRATEGY, suspects, shards }) as SupervisionView;
  }

  /** How long handlers take, the slowest first; since each shard's thread started. */
  async handlers(): Promise<{ readonly handlers: readonly HandlerView[] }> {
    const samples = (await this.#each({ about: "handlers" })).flatMap((answer) => (answer ?? []) as HandlerSample[]);
    return { handlers: handlerViews(samples) };
  }

  /** Timers that are set, the next due first. */
  async timers(): Promise<unknown> {
    const question = { about: "timers", limit: ROWS_MAX + 1 } as const;
    const { rows, truncated } = await this.#list<{ readonly dueMs: number }>(question, ROWS_MAX);
    return { timers: [...rows].sort((one, other) => one.dueMs - other.dueMs), truncated };
  }

  /** What learners have published last, as every shard draws from it. */
  learners(): Promise<unknown> {
    const found = this.#options.runtime.topics.under(LEARNER_TOPICS);
    return Promise.resolve({
      learners: found.slice(0, ROWS_MAX).map(({ topic, version, value }) => ({
        learner: topic.slice(LEARNER_TOPICS.length + 1),
        version,
        ...(value as object),
      })),
      truncated: found.length > ROWS_MAX,
    });
  }

  async #shards(): Promise<(ShardSummary & { readonly circuits: unknown })[]> {
    const { pool, shards } = this.#options.runtime;
    const [views, circuits] = await Promise.all([
      this.#each({ about: "partitions" }),
      this.#each({ about: "circuits" }),
    ]);
    return Array.from({ length: shards }, (_, id) => {
      const partitions = (views[id] ?? []) as readonly PartitionView[];
      return {
        id,
        partitions: pool.partitionsOf(id),
        actors: partitions.reduce((sum, view) => sum + view.actors, 0),
        lagEnvelopes: partitions.reduce((sum, view) => sum + view.mailMessages, 0),
        restarts: pool.restartsOf(id),
        circuits: plainJson(circuits[id] ?? null),
      };
    });
  }

  async #list<Row>(question: InspectQuestion, rowsMax: number): Promise<Listed<Row>> {
    const rows = (await this.#each(question)).flatMap((answer) => (answer ?? []) as Row[]);
    return { rows: plainJson(rows.slice(0, rowsMax)) as Row[], truncated: rows.length > rowsMax };
  }

  /** By shard; null for one that does not answer, because it is started anew. */
  async #each(question: InspectQuestion): Promise<unknown[]> {
    const { pool, shards } = this.#options.runtime;
    const asked = Array.from({ length: shards }, (_, shard) => pool.inspect(shard, question));
    return (await Promise.allSettled(asked)).map((answer) => (answer.status === "fulfilled" ? answer.value : null));
  }
}

/** Where an actor lives: pinned kinds say so in their key, the others hash it. */
function homeOf(kind: string, key: string, partitions: number): number | null {
  if (kind === delivery.name || kind === job.name) return readDecisionId(key)?.partition ?? null;
  if (kind === wallet.name) return walletPartition(key);
  return partitionOf(key, partitions);
}

function shortened(letter: NamedLetter, charsMax: number): NamedLetter {
  const text = JSON.stringify(letter.payload ?? null);
  return text.length <= charsMax ? letter : { ...letter, payload: `${text.slice(0, charsMax)}…` };
}
