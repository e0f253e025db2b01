import { decode } from "../../protocols/codec.ts";
import type { WireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import type { Activation } from "./activation.ts";
import { DEAD_LETTER_KIND, type DeadLetter } from "./dead-letter.ts";
import { ABSENT } from "./part-log.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { StateReader } from "./ports.ts";
import type { SlotState } from "./partition-slot.ts";

/** One actor as an operator sees it (interfaces.md, answers by example). */
export interface ActorView {
  readonly kind: string;
  readonly key: string;
  readonly partition: number;
  readonly shard: number;
  readonly version: number;
  readonly resident: boolean;
  readonly bytes: number;
  readonly mailbox: number;
  readonly restarts: number;
  readonly lastError: string | null;
  readonly stopped: unknown;
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
  readonly gap: unknown;
  readonly counters: unknown;
}

/** Parts of a table shown to an operator; an answer has to fit one message. */
const PARTS_SHOWN_MAX = 200;

/** Shows an actor without running anything; null when it does not exist. */
export function viewActor(core: PartitionCore, shard: number, kind: string, key: string): ActorView | null {
  const resident = core.residency.get(kind, key) !== undefined;
  const activation = core.activate(kind, key);
  const state = stateView(activation);
  const { header } = activation;
  if (!resident) core.residency.remove(activation);
  if (state === undefined && header.stopped === null && header.stash.length === 0) return null;
  return {
    kind,
    key,
    partition: core.partition,
    shard,
    version: activation.version,
    resident,
    bytes: activation.bytes,
    mailbox: header.stash.length,
    restarts: activation.restarts,
    lastError: activation.lastError,
    stopped: header.stopped,
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
    gap: core?.intake.gap ?? null,
    counters: core?.counters ?? null,
  };
}

/** Resident actors of a shard, at most `limit`; of one kind if given. */
export function listActors(slots: Iterable<SlotState>, shard: number, kind: string | null, limit: number): unknown[] {
  const rows: unknown[] = [];
  for (const { core } of slots) {
    if (core === null) continue;
    for (const activation of core.residency.values()) {
      if (rows.length >= limit) return rows;
      if (kind !== null && activation.id.kind !== kind) continue;
      const { id, version, bytes, restarts, lastError } = activation;
      rows.push({ kind: id.kind, key: id.key, partition: id.partition, shard, version, bytes, restarts, lastError });
    }
  }
  return rows;
}

/** Dead letters kept as rows of the shard's partitions, at most `limit`. */
export function listDeadLetters(slots: Iterable<SlotState>, reader: StateReader, limit: number): DeadLetter[] {
  const letters: DeadLetter[] = [];
  for (const { core } of slots) {
    if (core === null) continue;
    const stored = reader.keys(core.partition, core.generation, DEAD_LETTER_KIND, "", limit);
    for (const key of new Set([...stored, ...core.overlay.newKeys(DEAD_LETTER_KIND)])) {
      if (letters.length >= limit) return letters;
      const bytes = core.read(DEAD_LETTER_KIND, key, "");
      if (bytes !== undefined) letters.push(decode(decodeStatePart(bytes).body) as DeadLetter);
    }
  }
  return letters;
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
