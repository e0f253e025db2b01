import { z } from "zod";
import { instantMs } from "../../protocols/campaign/instant.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { ServiceAnswer, ServiceEndpoint } from "../nats/inspect-service.ts";
import { checked, controlVerbs, type ControlVerb, type ControlVerbsParts } from "./control-verbs.ts";
import type { Inspection } from "./inspection.ts";
import type { JobsPool } from "./jobs-pool.ts";
import type { WhyNot } from "./why-not.ts";

const Instant = z.string().transform((text, context) => {
  const ms = instantMs(text);
  if (ms === null) context.addIssue({ code: "custom", message: "must be an instant of RFC 3339" });
  return ms ?? z.NEVER;
});
const WhyNotTimes = z.strictObject({ since: Instant.optional(), until: Instant.optional() });

export interface OperatorServiceParts extends Omit<ControlVerbsParts, "inspection"> {
  readonly inspection: Inspection;
  readonly jobs: Pick<JobsPool, "view">;
  readonly whyNot: Pick<WhyNot, "of">;
}

/** What operators can ask and do, in the same words over NATS (`chorus.inspect.…`, `chorus.control.…`) and admin HTTP. */
export class OperatorService {
  readonly #inspection: Inspection;
  readonly #verbs: readonly ControlVerb[];
  readonly #checkpoints: OperatorServiceParts["checkpoints"];
  readonly #jobs: OperatorServiceParts["jobs"];
  readonly #whyNot: OperatorServiceParts["whyNot"];

  constructor(parts: OperatorServiceParts) {
    this.#inspection = parts.inspection;
    this.#verbs = controlVerbs(parts);
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
    if (about === "dead-letter")
      return kind === undefined || key !== undefined ? undefined : this.#inspection.deadLetter(kind);
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
      case "supervision":
        return this.#inspection.supervision();
      case "handlers":
        return this.#inspection.handlers();
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
    const known = this.#verbs.find((one) => one.verb === verb);
    if (known === undefined) return { ok: false, status: 404, reason: `there is no verb ${verb}` };
    return known.run(body, who);
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
      ...this.#verbs.map(({ verb, schema }) => ({
        name: verb,
        subject: `chorus.control.${verb}`,
        metadata: {
          request_schema: JSON.stringify({ type: "object", ...z.toJSONSchema(schema) }),
          response_schema: '{"type":"object"}',
        },
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
  { name: "dead-letter", words: "dead-letter.*", response: shape("letter", "kind", "key", "type", "code", "reason") },
  { name: "supervision", words: "supervision", response: shape("node", "strategy", "suspects", "shards") },
  { name: "handlers", words: "handlers", response: shape("handlers") },
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
