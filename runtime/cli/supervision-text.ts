import type { HandlerView, NamedLetter } from "../host/inspection.ts";
import { durationText, table } from "./table.ts";

/*
 * What supervision knows, for people: as `chorus inspect` prints it.
 */

interface Branch {
  readonly id: number;
  readonly restarts: number;
  readonly recent: number;
  readonly lastDeath: { readonly atMs: number; readonly cause: string; readonly suspect: Suspect | null } | null;
  readonly kinds?: readonly {
    readonly kind: string;
    readonly strategy: {
      readonly directive: string;
      readonly siblings: string;
      readonly maxRestarts: number;
      readonly withinMs: number;
      readonly then: string;
    };
    readonly actors: number;
    readonly failures: number;
    readonly restarts: number;
    readonly stops: number;
    readonly troubled: readonly {
      readonly key: string;
      readonly partition: number;
      readonly condition: string;
      readonly mailbox: number;
      readonly lastError: string | null;
    }[];
  }[];
  readonly stopped?: readonly { readonly kind: string; readonly key: string; readonly message: string }[];
  readonly suspensions?: readonly {
    readonly partition: number;
    readonly kind: string | null;
    readonly key: string | null;
    readonly state: string;
    readonly reason: string;
  }[];
}

interface Suspect {
  readonly of: string;
  readonly partition: number;
  readonly kind: string;
  readonly key: string;
  readonly name: string;
  readonly sequence: number;
  readonly index: number;
  readonly deaths: number;
  readonly cause: string;
}

/** The tree node → shard → kind → actor, indented; actors only where they need somebody. */
export function showSupervision(answer: unknown): string {
  const { node, shards, suspects } = answer as {
    readonly node: string;
    readonly shards: readonly Branch[];
    readonly suspects: readonly Suspect[];
  };
  const lines = [node];
  for (const shard of shards) lines.push(...shardLines(shard, Date.now()));
  for (const suspect of suspects) lines.push(`  died in ${placeText(suspect)}: ${suspect.deaths} × ${suspect.cause}`);
  return lines.join("\n");
}

function shardLines({ id, restarts, recent, lastDeath, kinds, stopped, suspensions }: Branch, nowMs: number): string[] {
  const last =
    lastDeath === null
      ? ""
      : `, last ${durationText(nowMs - lastDeath.atMs)} ago: ${lastDeath.cause}` +
        (lastDeath.suspect === null ? "" : ` in ${placeText(lastDeath.suspect)}`);
  const lines = [`  shard ${id}: ${restarts} restarts, ${recent} within a minute${last}`];
  if (kinds === undefined) return [...lines, "    is being started"];
  for (const { kind, strategy, actors, failures, restarts: times, stops, troubled } of kinds) {
    const { directive, siblings, maxRestarts, withinMs, then } = strategy;
    const rule = `${directive}, ${siblings}, ${maxRestarts} in ${durationText(withinMs)}, then ${then}`;
    lines.push(`    ${kind}: ${actors} actors, ${failures} failures, ${times} restarts, ${stops} stops (${rule})`);
    for (const { key, partition, condition, mailbox, lastError } of troubled)
      lines.push(`      ${key}@${partition} ${condition}, ${mailbox} wait: ${lastError ?? "no failure lately"}`);
  }
  for (const { kind, key, message } of stopped ?? []) lines.push(`    stopped: ${kind} ${key}: ${message}`);
  for (const { partition, kind, key, state, reason } of suspensions ?? []) {
    const what = kind === null ? "mail" : key === null ? `kind ${kind}` : `${kind} ${key}`;
    lines.push(`    ${state} in partition ${partition}: ${what}, ${reason}`);
  }
  return lines;
}

function placeText({ of, partition, kind, key, name, sequence, index }: Suspect): string {
  if (of === "mail") return `mail ${sequence}, envelope ${index}, of partition ${partition}`;
  return `${of} ${name} of ${kind} ${key}@${partition}`;
}

export function showHandlers(answer: unknown): string {
  const { handlers } = answer as { readonly handlers: readonly HandlerView[] };
  const rows = handlers.map((one) => [
    `${one.kind}.${one.message}`,
    one.count,
    one.failed,
    one.meanMicros,
    one.p50Micros,
    one.p99Micros,
    one.maxMicros,
  ]);
  return table(["HANDLER", "COUNT", "FAILED", "MEAN µs", "P50 µs", "P99 µs", "MAX µs"], rows);
}

export function showDeadLetters(answer: unknown): string {
  const { deadLetters, truncated } = answer as {
    readonly deadLetters: readonly NamedLetter[];
    readonly truncated: boolean;
  };
  if (deadLetters.length === 0) return "no dead letters";
  const rows = deadLetters.map((one) => [
    one.letter,
    new Date(one.atMs).toISOString(),
    `${one.kind} ${one.key}`,
    one.type,
    one.code,
    one.reason,
    one.attempts,
  ]);
  const text = table(["LETTER", "AT", "ACTOR", "TYPE", "CODE", "REASON", "TRIES"], rows);
  return truncated ? `${text}\nthere are more; these are the first` : text;
}

export function showDeadLetter(answer: unknown): string {
  const { payload, stack, ...letter } = answer as NamedLetter;
  const lines = Object.entries(letter).map(
    ([name, value]) => `${name.padEnd(12)} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [...lines, "payload", JSON.stringify(payload, null, 2), "stack", stack ?? "none"].join("\n");
}
