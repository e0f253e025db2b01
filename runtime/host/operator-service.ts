import { z } from "zod";
import { instantMs } from "../../protocols/campaign/instant.ts";
import { Id, ID_PATTERN } from "../../protocols/ids.ts";
import type { AuditLog } from "../nats/audit-log.ts";
import type { ServiceAnswer, ServiceEndpoint } from "../nats/inspect-service.ts";
import type { Inspection } from "./inspection.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { JobsPool } from "./jobs-pool.ts";
import type { ShardPool } from "./shard-pool.ts";
import type { WhyNot } from "./why-not.ts";

const Restart = z.strictObject({ kind: Id, key: Id, partition: z.int().min(0).optional() });
const AcceptGap = z.strictObject({ partition: z.int().min(0) });
const Checkpoint = z.strictObject({});
const Instant = z.string().transform((text, context) => {
  const ms = instantMs(text);
  if (ms === null) context.addIssue({ code: "custom", message: "must be an instant of RFC 3339" });
  return ms ?? z.NEVER;
});
const WhyNotTimes = z.strictObject({ since: Instant.optional(), until: Instant.optional() });
const VerifyCheckpoint = z.strictObject({ name: z.string().min(1).max(200) });

/** Verbs of interfaces.md 6 that later releases bring: refused by name, so that a script learns it from the answer. */
const LATER_VERBS = ["pause", "resume", "retry", "drop", "drain", "freeze", "reset"] as const;

export interface OperatorServiceParts {
  readonly inspection: Inspection;
  readonly pool: Pick<ShardPool, "control" | "shardOf">;
  readonly audit: AuditLog;
  readonly checkpoints: Pick<Checkpointer, "list" | "create" | "verify">;
  readonly jobs: Pick<JobsPool, "view">;
  readonly whyNot: Pick<WhyNot, "of">;
}

/** What operators can ask and do, in the same words over NATS (`chorus.inspect.…`, `chorus.control.…`) and admin HTTP. */
export class OperatorService {
  readonly #inspection: Inspection;
  readonly #pool: OperatorServiceParts["pool"];
  readonly #audit: AuditLog;
  readonly #checkpoints: OperatorServiceParts["checkpoints"];
  readonly #jobs: OperatorServiceParts["jobs"];
  readonly #whyNot: OperatorServiceParts["whyNot"];

  constructor(parts: OperatorServiceParts) {
    this.#inspection = parts.inspection;
    this.#pool = parts.pool;
    this.#audit = parts.audit;
    this.#checkpoints = parts.checkpoints;
    this.#jobs = parts.jobs;
    this.#whyNot = parts.whyNot;
  }

  /**
   * @param words `["actor", "listener", KEY]` and the like; a key may end with `@PARTITION` where it is not the key's own.
   * @returns undefined when there is no such thing. @throws Fault of the shard that was asked.
   */
  async inspect(words: readonly string[]): Promise<unknown> {
    const [about, kind, key, ...more] = words;
    if (more.length > 0 || words.some((word) => word === "")) return undefined;
    if (about === "actor") return kind === undefined || key === undefined ? undefined : this.#actor(kind, key);
    if (about === "actors") return key === undefined ? this.#inspection.actors(kind ?? null) : undefined;
    if (kind !== undefined) return undefined;
    switch (about) {
      case "node":
        return this.#inspection.node();
      case "shards":
        return this.#inspection.shards();
      case "partitions":
        return this.#inspection.partitions();
      case "dead-letters":
        return this.#inspection.deadLetters();
      case "timers":
        return this.#inspection.timers();
      case "checkpoints":
        return { checkpoints: await this.#checkpoints.list() };
      case "jobs":
        return this.#jobs.view();
      case "learners":
        return this.#inspection.learners();
      default:
        return undefined;
    }
  }

  /**
   * Does what an operator wants, and writes it to the audit log first.
   * @param who as it stands in the audit log. @throws Fault of the shard, or NATS_UNAVAILABLE when it cannot be audited.
   */
  async control(verb: string, body: unknown, who: string): Promise<ServiceAnswer> {
    if (verb === "restart") return checked(Restart, body, (wanted) => this.#restart(wanted, who));
    if (verb === "accept-gap") return checked(AcceptGap, body, (wanted) => this.#acceptGap(wanted, who));
    if (verb === "checkpoint") return checked(Checkpoint, body, () => this.#checkpoint(who));
    if (verb === "verify-checkpoint") return checked(VerifyCheckpoint, body, ({ name }) => this.#verify(name));
    if ((LATER_VERBS as readonly string[]).includes(verb))
      return { ok: false, status: 501, reason: `${verb} comes with a later release` };
    return { ok: false, status: 404, reason: `there is no verb ${verb}` };
  }

  /** The endpoints of the NATS service. */
  endpoints(): ServiceEndpoint[] {
    return [
      ...INSPECT_ENDPOINTS.map(({ name, words, response }) => ({
        name,
        subject: `chorus.inspect.${words}`,
        metadata: { request_schema: '{"type":"null"}', response_schema: response },
        answer: async (tokens: readonly string[]): Promise<ServiceAnswer> => {
          const value = await this.inspect(tokens.slice(2));
          return value === undefined
            ? { ok: false, status: 404, reason: "there is no such thing" }
            : { ok: true, value };
        },
      })),
      {
        name: "why-not",
        subject: "chorus.inspect.why-not.*",
        metadata: { request_schema: WHY_NOT_REQUEST, response_schema: shape("campaignId", "complete", "days") },
        answer: (tokens, body) => checked(WhyNotTimes, body, (times) => this.#whyNotOf(tokens[3] ?? "", times)),
      },
      ...CONTROL_ENDPOINTS.map(({ verb, request }) => ({
        name: verb,
        subject: `chorus.control.${verb}`,
        metadata: { request_schema: request, response_schema: '{"type":"object"}' },
        answer: (_tokens: readonly string[], body: unknown) => this.control(verb, body, "nats"),
      })),
    ];
  }

  async #whyNotOf(campaignId: string, { since, until }: z.infer<typeof WhyNotTimes>): Promise<ServiceAnswer> {
    const found = await this.#whyNot.of(campaignId, { sinceMs: since, untilMs: until });
    return found === null
      ? { ok: false, status: 404, reason: `there is no campaign ${campaignId}` }
      : { ok: true, value: found };
  }

  async #actor(kind: string, keyAndPartition: string): Promise<unknown> {
    const [key = "", partition, ...more] = keyAndPartition.split("@");
    if (more.length > 0 || !ID_PATTERN.test(kind) || !ID_PATTERN.test(key)) return undefined;
    if (partition !== undefined && !/^\d{1,5}$/.test(partition)) return undefined;
    return this.#inspection.actor(kind, key, partition === undefined ? undefined : Number(partition));
  }

  async #restart({ kind, key, partition }: z.infer<typeof Restart>, who: string): Promise<ServiceAnswer> {
    const actor = await this.#inspection.actor(kind, key, partition);
    if (actor === undefined) return { ok: false, status: 404, reason: `there is no actor ${kind} ${key}` };
    if (actor.stopped === null) return { ok: false, status: 409, reason: `the actor ${kind} ${key} is not stopped` };
    const { shard, partition: home } = actor;
    await this.#audited(who, "restart", `${kind}/${key}`);
    return { ok: true, value: await this.#pool.control(shard, { verb: "restart", partition: home, kind, key }) };
  }

  async #acceptGap({ partition }: z.infer<typeof AcceptGap>, who: string): Promise<ServiceAnswer> {
    const view = await this.#inspection.partition(partition);
    if (view === undefined) return { ok: false, status: 404, reason: `there is no partition ${partition} here` };
    if (view.gap === null) return { ok: false, status: 409, reason: `partition ${partition} has no gap` };
    await this.#audited(who, "accept-gap", String(partition));
    return {
      ok: true,
      value: await this.#pool.control(this.#pool.shardOf(partition), { verb: "accept-gap", partition }),
    };
  }

  async #checkpoint(who: string): Promise<ServiceAnswer> {
    await this.#audited(who, "checkpoint", "all");
    return { ok: true, value: { checkpoints: await this.#checkpoints.create() } };
  }

  async #verify(name: string): Promise<ServiceAnswer> {
    const found = await this.#checkpoints.verify(name);
    if (found === null) return { ok: false, status: 404, reason: `there is no checkpoint ${name}` };
    return { ok: true, value: { name, ...found } };
  }

  #audited(who: string, verb: string, id: string): Promise<void> {
    return this.#audit.append({ at: new Date().toISOString(), who, verb, id, version: null });
  }
}

async function checked<T>(
  schema: z.ZodType<T>,
  body: unknown,
  work: (wanted: T) => Promise<ServiceAnswer>,
): Promise<ServiceAnswer> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return work(parsed.data);
  const rules = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return { ok: false, status: 400, reason: rules.join("; ") };
}

const shape = (...required: readonly string[]): string => JSON.stringify({ type: "object", required });

const INSPECT_ENDPOINTS = [
  {
    name: "node",
    words: "node",
    response: shape("node", "version", "uptimeMs", "state", "shards", "store", "nats", "pressure"),
  },
  { name: "shards", words: "shards", response: shape("shards") },
  { name: "actors", words: "actors", response: shape("actors", "truncated") },
  { name: "actors-of-kind", words: "actors.*", response: shape("actors", "truncated") },
  {
    name: "actor",
    words: "actor.*.*",
    response: shape(
      "kind",
      "key",
      "partition",
      "shard",
      "version",
      "resident",
      "bytes",
      "mailbox",
      "restarts",
      "lastError",
      "state",
    ),
  },
  { name: "partitions", words: "partitions", response: shape("partitions") },
  { name: "dead-letters", words: "dead-letters", response: shape("deadLetters", "truncated") },
  { name: "timers", words: "timers", response: shape("timers", "truncated") },
  { name: "checkpoints", words: "checkpoints", response: shape("checkpoints") },
  { name: "jobs", words: "jobs", response: shape("threads", "running", "waiting", "jobs", "ended") },
  { name: "learners", words: "learners", response: shape("learners") },
];

/** Both are instants of RFC 3339. */
const WHY_NOT_REQUEST = JSON.stringify({
  type: "object",
  properties: { since: { type: "string" }, until: { type: "string" } },
  additionalProperties: false,
});

const schemaText = (schema: z.ZodType): string => JSON.stringify(z.toJSONSchema(schema));

const CONTROL_ENDPOINTS = [
  { verb: "restart", request: schemaText(Restart) },
  { verb: "accept-gap", request: schemaText(AcceptGap) },
  { verb: "checkpoint", request: schemaText(Checkpoint) },
  { verb: "verify-checkpoint", request: schemaText(VerifyCheckpoint) },
  ...LATER_VERBS.map((verb) => ({ verb, request: '{"type":"object"}' })),
];
