import { decode } from "../../protocols/codec.ts";
import type { WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import type { Activation } from "./activation.ts";
import { DEAD_LETTER_KIND, letterName, type DeadLetter } from "./dead-letter.ts";
import { ABSENT } from "./part-log.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { StateReader } from "./ports.ts";
import type { SlotState } from "./partition-slot.ts";
import type { Suspension } from "./suspensions.ts";

/** running; retrying: envelopes wait behind one that failed; paused, stopped: until an operator acts; unreadable: its state is refused. */
export type ActorCondition = "running" | "retrying" | "paused" | "stopped" | "unreadable";

/** A resident actor in a list. */
export type ActorRow = Omit<ActorView, "resident" | "stopped" | "suspended" | "timers" | "state">;

/** One actor as an operator sees it (interfaces.md, answers by example). */
export interface ActorView {
  readonly kind: string;
  readonly key: string;
  readonly partition: number;
  readonly shard: number;
  readonly version: number;
  readonly resident: boolean;
  readonly bytes: number;
  /** Envelopes that wait in its stash. */
  readonly mailbox: number;
  readonly restarts: number;
  readonly lastError: string | null;
  readonly condition: ActorCondition;
  /** Milliseconds since it became resident, and since it was last used; null while it is not resident. */
  readonly ageMs: number | null;
  readonly idleMs: number | null;
  readonly stopped: unknown;
  /** Why it or its kind is paused or stopped as a whole; null when it is not. */
  readonly suspended: Suspension | null;
  readonly timers: Readonly<Record<string, number>>;
  readonly state: unknown;
}

export interface PartitionView {
  readonly partition: number;
  readonly shard: number;
  readonly state: "opening" | "open" | "refused";
  /** Why it is refused, else null. */
  readonly fault: WireFault | null;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly shipped: number;
  readonly published: number;
  readonly position: unknown;
  readonly actors: number;
  readonly mailMessages: number;
  readonly mailBytes: number;
  /** An operator paused its mail. */
  readonly mailPaused: boolean;
  /** Commits that the log lacks, and those of which some output is not acknowledged. */
  readonly unshippedCommits: number;
  readonly unshippedBytes: number;
  readonly unpublishedCommits: number;
  readonly deadLetters: number;
  /** Dead letters that left for newer ones. */
  readonly deadLettersDropped: number;
  readonly residentBytes: number;
  readonly passivated: number;
  readonly overlayBytes: number;
  readonly gap: unknown;
  readonly counters: unknown;
}

/** Parts of a table shown to an operator; an answer has to fit one message. */
const PARTS_SHOWN_MAX = 200;

/** Shows an actor without running anything; null when it does not exist. */
export function viewActor(
  core: PartitionCore,
  shard: number,
  { kind, key }: { readonly kind: string; readonly key: string },
  nowMs: number,
): ActorView | null {
  const resident = core.residency.get(kind, key) !== undefined;
  const activation = core.activate(kind, key);
  const state = stateView(activation);
  const { header } = activation;
  if (!resident) core.residency.remove(activation);
  if (state === undefined && header.stopped === null && header.stash.length === 0) return null;
  return {
    ...rowOf(core, shard, activation, nowMs),
    ...(resident ? {} : { ageMs: null, idleMs: null }),
    resident,
    stopped: header.stopped,
    suspended: core.suspensions.of(kind, key) ?? null,
    timers: header.timers,
    state: state ?? null,
  };
}

/** Single states as they are; tables as {core, parts} where they have a core, else {parts}. */
function stateView(activation: Activation): unknown {
  const { definition } = activation;
  if (definition.parts === undefined) {
    const value = activation.read("");
    if (value === ABSENT) return undefined;
    return definition.inspect === undefined ? value : definition.inspect(value as never);
  }
  const names = activation.names("");
  if (names.length === 0) return undefined;
  const parts: Record<string, unknown> = {};
  let core: unknown;
  if (names.length > PARTS_SHOWN_MAX) parts["…"] = `${names.length - PARTS_SHOWN_MAX} more parts`;
  for (const name of names.slice(0, PARTS_SHOWN_MAX)) {
    if (name === "core") core = activation.read(name);
    else parts[name] = activation.read(name);
  }
  return core === undefined ? { parts } : { core, parts };
}

export function viewPartition(slot: SlotState, shard: number): PartitionView {
  const { core, outputs } = slot;
  return {
    partition: slot.partition,
    shard,
    state: slot.opening !== null ? "opening" : core !== null ? "open" : "refused",
    fault: slot.fault,
    epoch: core?.epoch ?? 0,
    commitSeq: core?.commitSeq ?? 0,
    shipped: outputs?.shipped ?? 0,
    published: outputs?.published ?? 0,
    position: core?.intake.position ?? null,
    actors: core?.residency.size ?? 0,
    mailMessages: core?.intake.queue.length ?? 0,
    mailBytes: core?.intake.queue.bytes ?? 0,
    mailPaused: core?.intake.paused ?? false,
    unshippedCommits: (core?.commitSeq ?? 0) - (outputs?.shipped ?? 0),
    unshippedBytes: outputs?.unshippedBytes ?? 0,
    unpublishedCommits: (core?.commitSeq ?? 0) - (outputs?.published ?? 0),
    deadLetters: core?.letters.size ?? 0,
    deadLettersDropped: core?.letters.dropped ?? 0,
    residentBytes: core?.residency.bytes ?? 0,
    passivated: core?.residency.passivated ?? 0,
    overlayBytes: core?.overlay.bytes ?? 0,
    gap: core?.intake.gap ?? null,
    counters: core?.counters ?? null,
  };
}

/** Resident actors of a shard, at most `limit`; of one kind if given. */
export function listActors(
  slots: Iterable<SlotState>,
  shard: number,
  { kind, limit }: { readonly kind: string | null; readonly limit: number },
  nowMs: number,
): ActorRow[] {
  const rows: ActorRow[] = [];
  for (const { core } of slots) {
    if (core === null) continue;
    for (const activation of core.residency.values()) {
      if (rows.length >= limit) return rows;
      if (kind === null || activation.id.kind === kind) rows.push(rowOf(core, shard, activation, nowMs));
    }
  }
  return rows;
}

function rowOf(core: PartitionCore, shard: number, activation: Activation, nowMs: number): ActorRow {
  const { id, version, bytes, restarts, lastError, sinceMs, lastUsedMs } = activation;
  return {
    kind: id.kind,
    key: id.key,
    partition: id.partition,
    shard,
    version,
    bytes,
    restarts,
    lastError,
    ...conditionOf(core, activation),
    ageMs: Math.max(0, nowMs - sinceMs),
    idleMs: Math.max(0, nowMs - lastUsedMs),
  };
}

/** How an actor does. Reads its header, which may be what is damaged. */
export function conditionOf(
  core: PartitionCore,
  activation: Activation,
): { readonly condition: ActorCondition; readonly mailbox: number } {
  try {
    const { stopped, stash } = activation.header;
    const mailbox = stash.length;
    const { kind, key } = activation.id;
    const suspension = core.suspensions.of(kind, key);
    if (stopped !== null) return { condition: "stopped", mailbox };
    if (suspension !== undefined) return { condition: suspension.state, mailbox };
    return { condition: mailbox > 0 ? "retrying" : "running", mailbox };
  } catch {
    // Whoever sends it a message gets the fault itself.
    return { condition: "unreadable", mailbox: 0 };
  }
}

/** A dead letter with the name operators use. */
export interface NamedLetter extends DeadLetter {
  readonly letter: string;
}

/** Dead letters kept as rows of the shard's partitions, oldest first in each, at most `limit`; without their stacks. */
export function listDeadLetters(slots: Iterable<SlotState>, limit: number): NamedLetter[] {
  const letters: NamedLetter[] = [];
  for (const { core } of slots) {
    if (core === null) continue;
    for (const id of core.letters.ids) {
      if (letters.length >= limit) return letters;
      const letter = viewDeadLetter(core, id);
      if (letter !== null) letters.push({ ...letter, stack: null });
    }
  }
  return letters;
}

/** One dead letter whole; null when there is none of that id. */
export function viewDeadLetter(core: PartitionCore, id: string): NamedLetter | null {
  const bytes = core.read(DEAD_LETTER_KIND, id, "");
  if (bytes === undefined) return null;
  return { letter: letterName(core.partition, id), ...(decode(decodeStatePart(bytes).body) as DeadLetter) };
}

export function listTimers(slots: Iterable<SlotState>, reader: StateReader, limit: number): unknown[] {
  const rows: unknown[] = [];
  for (const { core } of slots) {
    if (core === null) continue;
    const left = limit - rows.length;
    if (left <= 0) break;
    const due = reader.timers(core.partition, core.generation, 0, Number.MAX_SAFE_INTEGER, left);
    for (const row of due) rows.push({ ...row, partition: core.partition });
  }
  return rows;
}

export function coreOf(slots: ReadonlyMap<Partition, SlotState>, partition: number): PartitionCore | null {
  return slots.get(partition as Partition)?.core ?? null;
}
