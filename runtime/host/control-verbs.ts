import { z } from "zod";
import { asPartition, Id } from "../../protocols/ids.ts";
import { creativeLearner } from "../../protocols/messages/creative-learner.ts";
import { parseLetterName } from "../core/dead-letter.ts";
import { SUPERVISOR_KIND, type SupervisorAct, type SupervisorAnswer } from "../core/partition-supervisor.ts";
import type { AuditLog } from "../nats/audit-log.ts";
import type { ServiceAnswer } from "../nats/inspect-service.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { Inspection } from "./inspection.ts";
import type { PortAsker } from "./port-asker.ts";
import type { ShardPool } from "./shard-pool.ts";
import type { TapDesk } from "./tap-desk.ts";

const Partition = z.int().min(0).max(65_535);
/** An actor (`partition` where its key does not say it), or all of a kind. */
const Target = z
  .strictObject({ kind: Id, key: Id.optional(), partition: Partition.optional() })
  .refine(({ key, partition }) => key !== undefined || partition === undefined, {
    error: "a partition needs a key beside the kind",
    path: ["partition"],
  });
const Mail = z.strictObject({ partition: Partition });
const PauseTarget = z.union([Target, Mail], { error: "must be {kind, key?, partition?} or {partition}" });
const Letter = z.strictObject({
  letter: z.string().refine((text) => parseLetterName(text) !== undefined, "must be a dead letter's name, as 3-17-0"),
});
const TAP_FOR_MS = { least: 100, most: 300_000, standard: 30_000 };
const TAP_COUNT = { most: 1_000, standard: 100 };
/** Begins a tap of one actor's messages. */
const TapStart = z.strictObject({
  kind: Id,
  key: Id,
  partition: Partition.optional(),
  count: z.int().min(1).max(TAP_COUNT.most).default(TAP_COUNT.standard),
  forMs: z.int().min(TAP_FOR_MS.least).max(TAP_FOR_MS.most).default(TAP_FOR_MS.standard),
  payloads: z.boolean().default(false),
});
/** What came of a tap, after a place in it. */
const TapRead = z.strictObject({ tap: z.string().max(32), after: z.int().min(0).default(0) });
const Tap = z.union([TapStart, TapRead], {
  error: "must be {kind, key, partition?, count?, forMs?, payloads?} or {tap, after?}",
});
const Nothing = z.strictObject({});
const VerifyCheckpoint = z.strictObject({ name: z.string().min(1).max(200) });

/** How long an act may wait for its commit. */
const ACT_MS = 5_000;

export interface ControlVerbsParts {
  readonly inspection: Pick<Inspection, "actor" | "homeOf" | "partition" | "deadLetter">;
  readonly pool: Pick<ShardPool, "control" | "shardOf">;
  readonly asker: Pick<PortAsker, "ask" | "partitions">;
  readonly audit: AuditLog;
  readonly checkpoints: Pick<Checkpointer, "list" | "create" | "verify">;
  readonly taps: Pick<TapDesk, "open" | "forget" | "page">;
  /** Begins a clean stop, a moment later. */
  readonly drain: () => void;
}

/** A verb of `chorus.control.…`: what it takes, and what it does. */
export interface ControlVerb {
  readonly verb: string;
  readonly schema: z.ZodType;
  run(body: unknown, who: string): Promise<ServiceAnswer>;
}

const ok = (value: unknown): ServiceAnswer => ({ ok: true, value });
const refused = (status: number, reason: string): ServiceAnswer => ({ ok: false, status, reason });

/** A learner as `inspect learners` names it: `creative.` and the campaign. */
const Learner = { learner: z.string().regex(/^creative\.[A-Za-z0-9_-]{1,64}$/, "must be creative.CAMPAIGN") };
const Freeze = z.strictObject({ ...Learner, frozen: z.boolean().default(true) });
const Reset = z.strictObject(Learner);

/** All verbs of interfaces.md 6; each act is written to the audit log before it is done, and answered when it is durable. */
export function controlVerbs(parts: ControlVerbsParts): ControlVerb[] {
  const acts = new Acts(parts);
  return [
    verbOf("pause", PauseTarget, (wanted, who) => acts.suspend("pause", wanted, who)),
    verbOf("resume", PauseTarget, (wanted, who) => acts.suspend("resume", wanted, who)),
    verbOf("restart", Target, (wanted, who) => acts.restart(wanted, who)),
    verbOf("retry", Letter, ({ letter }, who) => acts.letter("retry", letter, who)),
    verbOf("drop", Letter, ({ letter }, who) => acts.letter("drop", letter, who)),
    verbOf("tap", Tap, (wanted, who) => acts.tap(wanted, who)),
    verbOf("drain", Nothing, (_wanted, who) => acts.drain(who)),
    verbOf("accept-gap", Mail, ({ partition }, who) => acts.acceptGap(partition, who)),
    verbOf("checkpoint", Nothing, (_wanted, who) => acts.checkpoint(who)),
    verbOf("verify-checkpoint", VerifyCheckpoint, ({ name }) => acts.verify(name)),
    verbOf("freeze", Freeze, ({ learner, frozen }, who) =>
      acts.learner(learner, frozen ? "freeze" : "unfreeze", "Freeze", { frozen }, who),
    ),
    verbOf("reset", Reset, ({ learner }, who) => acts.learner(learner, "reset", "Reset", {}, who)),
  ];
}

function verbOf<T>(
  verb: string,
  schema: z.ZodType<T>,
  act: (wanted: T, who: string) => Promise<ServiceAnswer>,
): ControlVerb {
  return { verb, schema, run: (body, who) => checked(schema, body, (wanted) => act(wanted, who)) };
}

/** Does what is wanted, or says what is wrong with each field of it. */
export async function checked<T>(
  schema: z.ZodType<T>,
  body: unknown,
  work: (wanted: T) => Promise<ServiceAnswer>,
): Promise<ServiceAnswer> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return work(parsed.data);
  const rules = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return refused(400, rules.join("; "));
}

class Acts {
  readonly #parts: ControlVerbsParts;

  constructor(parts: ControlVerbsParts) {
    this.#parts = parts;
  }

  async suspend(act: "pause" | "resume", wanted: z.infer<typeof PauseTarget>, who: string): Promise<ServiceAnswer> {
    if (!("kind" in wanted)) {
      const { partition } = wanted;
      if (partition >= this.#parts.asker.partitions) return refused(404, `there is no partition ${partition}`);
      await this.#audited(who, act, `mail of partition ${partition}`);
      return answerOf(await this.#ask(partition, { act, kind: null, key: null }));
    }
    const { kind, key } = wanted;
    if (key === undefined) return this.#everywhere({ act, kind, key: null }, who);
    return this.#actor({ ...wanted, key }, who, { act, kind, key });
  }

  restart(wanted: z.infer<typeof Target>, who: string): Promise<ServiceAnswer> {
    const { kind, key } = wanted;
    if (key === undefined) return this.#everywhere({ act: "restart", kind, key: null }, who);
    return this.#actor({ ...wanted, key }, who, { act: "restart", kind, key });
  }

  async letter(act: "retry" | "drop", name: string, who: string): Promise<ServiceAnswer> {
    const letter = parseLetterName(name);
    if (letter === undefined || (await this.#parts.inspection.deadLetter(name)) === undefined)
      return refused(404, `there is no dead letter ${name}`);
    await this.#audited(who, act, name);
    return answerOf(await this.#ask(letter.partition, { act, id: letter.id }));
  }

  async tap(wanted: z.infer<typeof Tap>, who: string): Promise<ServiceAnswer> {
    const { inspection, taps, pool } = this.#parts;
    if ("tap" in wanted) {
      const page = taps.page(wanted.tap, wanted.after);
      return page === undefined ? refused(404, `there is no tap ${wanted.tap}`) : ok(page);
    }
    const { kind, key, count, forMs, payloads } = wanted;
    const partition = inspection.homeOf(kind, key, wanted.partition);
    if (partition === undefined) return refused(404, `there is no actor ${kind} ${key}`);
    await this.#audited(who, payloads ? "tap with payloads" : "tap", `${kind}/${key}`);
    const tap = taps.open({ kind, key }, forMs);
    const order = { tap, partition, kind, key, countMax: count, forMs, payloads };
    if ((await pool.control(pool.shardOf(partition), { verb: "tap", order })) === true)
      return ok({ tap, partition, count, forMs, payloads });
    taps.forget(tap);
    return refused(429, "this shard has as many taps as it takes: wait for one to end");
  }

  async drain(who: string): Promise<ServiceAnswer> {
    await this.#audited(who, "drain", "node");
    this.#parts.drain();
    return ok({ draining: true });
  }

  async acceptGap(partition: number, who: string): Promise<ServiceAnswer> {
    const view = await this.#parts.inspection.partition(partition);
    if (view === undefined) return refused(404, `there is no partition ${partition} here`);
    if (view.gap === null) return refused(409, `partition ${partition} has no gap`);
    await this.#audited(who, "accept-gap", String(partition));
    const { pool } = this.#parts;
    return ok(await pool.control(pool.shardOf(partition), { verb: "accept-gap", partition }));
  }

  async checkpoint(who: string): Promise<ServiceAnswer> {
    await this.#audited(who, "checkpoint", "all");
    return ok({ checkpoints: await this.#parts.checkpoints.create() });
  }

  async verify(name: string): Promise<ServiceAnswer> {
    const found = await this.#parts.checkpoints.verify(name);
    return found === null ? refused(404, `there is no checkpoint ${name}`) : ok({ name, ...found });
  }

  /** Answers what the learner publishes from now on. */
  async learner(name: string, act: string, type: string, payload: unknown, who: string): Promise<ServiceAnswer> {
    const to = { kind: creativeLearner.name, key: name.slice(name.indexOf(".") + 1) };
    if ((await this.#parts.inspection.actor(to.kind, to.key, undefined)) === undefined)
      return refused(404, `there is no learner ${name}`);
    await this.#audited(who, act, name);
    return ok(await this.#parts.asker.ask(to, type, payload, ACT_MS));
  }

  async #actor(
    { kind, key, partition }: { readonly kind: string; readonly key: string; readonly partition?: number | undefined },
    who: string,
    act: SupervisorAct,
  ): Promise<ServiceAnswer> {
    const actor = await this.#parts.inspection.actor(kind, key, partition);
    if (actor === undefined) return refused(404, `there is no actor ${kind} ${key}`);
    if (act.act === "restart" && actor.stopped === null) return refused(409, `the actor ${kind} ${key} is not stopped`);
    await this.#audited(who, act.act, `${kind}/${key}`);
    return answerOf(await this.#ask(actor.partition, act));
  }

  /** In every partition. It is done where any of them did it; what keeps the others is told. */
  async #everywhere(act: Exclude<SupervisorAct, { act: "retry" | "drop" }>, who: string): Promise<ServiceAnswer> {
    await this.#audited(who, act.act, act.kind ?? "");
    const partitions = Array.from({ length: this.#parts.asker.partitions }, (_, partition) => partition);
    const answers = await Promise.all(partitions.map((partition) => this.#ask(partition, act)));
    const done = partitions.filter((partition) => answers[partition]?.done === true);
    const no = answers.find((answer) => !answer.done);
    if (done.length === 0 && no !== undefined && !no.done) return refused(no.status, no.reason);
    return ok({ kind: act.kind, partitions: done, ...(no === undefined || no.done ? {} : { others: no.reason }) });
  }

  async #ask(partition: number, act: SupervisorAct): Promise<SupervisorAnswer> {
    const to = { kind: SUPERVISOR_KIND, key: String(partition), partition: asPartition(partition) };
    return (await this.#parts.asker.ask(to, act.act, act, ACT_MS)) as SupervisorAnswer;
  }

  #audited(who: string, verb: string, id: string): Promise<void> {
    return this.#parts.audit.append({ at: new Date().toISOString(), who, verb, id, version: null });
  }
}

function answerOf(answer: SupervisorAnswer): ServiceAnswer {
  if (!answer.done) return refused(answer.status, answer.reason);
  return ok(answer);
}
