import type { CommitRecord } from "../../protocols/commit-record.ts";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { JobOrder } from "../../protocols/messages/job.ts";
import type { Heard } from "../actor/transient.ts";
import type { PendingReply } from "./open-record.ts";
import { type ParkedAsks, queueFull } from "./parked-asks.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { PartitionOutputs } from "./partition-outputs.ts";
import type { Clock, PartitionRecord, Progress, ToStore } from "./ports.ts";
import type { Ask } from "./shard-messages.ts";

export interface GroupSettings {
  readonly groupMs: number;
  readonly groupEnvelopesMax: number;
  readonly groupsInFlightMax: number;
}

/** A record sent to the store and what its flush will let out. */
export interface CommittedEntry {
  readonly record: CommitRecord;
  readonly incarnation: number;
  readonly bytes: Uint8Array;
  readonly replies: readonly PendingReply[];
  readonly orders: readonly JobOrder[];
  readonly ackSequence: number;
}

export interface ClosedGroup {
  /** Answers of questions that changed nothing and wait for no earlier record of their partition. */
  readonly replies: readonly PendingReply[];
  readonly message: Exclude<ToStore, { type: "open" }> | null;
}

/** Envelopes looked at between two looks at the clock, and so the least share of each kind of work. */
const SLICE = 32;
const PROGRESS_MS = 200;

/**
 * Runs groups and keeps those the store has not answered (D1, D2). G1: a reply never leaves before every record that was made before
 * it in its partition is flushed (under `replicated`: in the log), also when its own envelope changed nothing: what it read is then durable.
 */
export class GroupCommitter {
  readonly #clock: Clock;
  readonly #settings: GroupSettings;
  readonly #parked: ParkedAsks;
  readonly #inFlight = new Map<number, CommittedEntry[]>();
  /** Newest group in flight that holds a record of the partition. */
  readonly #newest = new Map<Partition, CommittedEntry[]>();
  readonly #told = new Map<Partition, Progress>();
  #unrun: PendingReply[] = [];
  #group = 0;
  #toldAtMs = 0;

  constructor(clock: Clock, settings: GroupSettings, parked: ParkedAsks) {
    this.#clock = clock;
    this.#settings = settings;
    this.#parked = parked;
  }

  get roomForAnother(): boolean {
    return this.#inFlight.size < this.#settings.groupsInFlightMax;
  }

  /** Asks that got no run and whose answer waits for the next group. */
  get unrun(): number {
    return this.#unrun.length;
  }

  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  /** Runs asks, due timers and mail in turns of a slice, until nothing is left or the group is cut (D1). */
  run(cores: readonly PartitionCore[], asks: Ask[], coreOf: (ask: Ask) => PartitionCore | null): void {
    const startMs = this.#clock.monotonicMs();
    let envelopes = 0;
    let worked = true;
    let next = 0;
    while (worked) {
      worked = false;
      // Those that waited for agents outside were there before, and each lets the next of its actor on.
      const resumed = this.#resume(asks, next, coreOf);
      const before = next;
      for (let ask = asks[next]; ask !== undefined && next < before + SLICE; ask = asks[next]) {
        const core = coreOf(ask);
        if (core?.hasRoom() === false) break;
        this.#runAsk(ask, core);
        next++;
      }
      const taken = next - before + resumed;
      envelopes += taken;
      worked ||= taken > 0;
      for (const core of cores) {
        const done = core.fireTimers(SLICE) + core.intake.apply(SLICE);
        envelopes += done;
        worked ||= done > 0;
      }
      if (envelopes >= this.#settings.groupEnvelopesMax) break;
      if (this.#clock.monotonicMs() - startMs >= this.#settings.groupMs) break;
      if (cores.some((core) => !core.hasRoom())) break;
    }
    asks.splice(0, next);
  }

  /** Closes the group: one message to the store with a record for each partition it changed. */
  close(cores: readonly PartitionCore[], outputsOf: (core: PartitionCore) => PartitionOutputs | null): ClosedGroup {
    const entries: CommittedEntry[] = [];
    const records: PartitionRecord[] = [];
    const replies = this.#unrun;
    this.#unrun = [];
    for (const core of cores) {
      const outputs = outputsOf(core);
      const result = core.close(outputs?.published ?? 0);
      if (result === null) continue;
      if (result.closed === null) {
        if (!this.#hold(core.partition, outputs, result.open.replies)) replies.push(...result.open.replies);
        continue;
      }
      const { record, bytes } = result.closed;
      const entry: CommittedEntry = {
        record,
        incarnation: core.incarnation,
        bytes,
        replies: [...result.closed.replies],
        orders: result.closed.orders,
        ackSequence: core.intake.finishedSequence,
      };
      entries.push(entry);
      records.push({
        partition: core.partition,
        incarnation: core.incarnation,
        epoch: core.epoch,
        commitSeq: record.commitSeq,
        bytes,
      });
    }
    const progress = this.#progress(cores, outputsOf, records.length > 0);
    if (records.length === 0 && progress.length === 0) return { replies, message: null };
    if (records.length === 0) return { replies, message: { type: "progress", progress } };
    const group = ++this.#group;
    this.#inFlight.set(group, entries);
    for (const entry of entries) this.#newest.set(entry.record.partition, entries);
    return { replies, message: { type: "commit", group, records, progress } };
  }

  /** The store's answer for a group. */
  committed(group: number): readonly CommittedEntry[] {
    const entries = this.#inFlight.get(group) ?? [];
    this.#inFlight.delete(group);
    for (const entry of entries) {
      if (this.#newest.get(entry.record.partition) === entries) this.#newest.delete(entry.record.partition);
    }
    return entries;
  }

  /** When the store has to be told of progress that no commit carries, on the monotonic clock. */
  wakeAtMs(
    slots: Iterable<{ readonly core: PartitionCore | null; readonly outputs: PartitionOutputs | null }>,
  ): number {
    for (const { core, outputs } of slots) {
      if (core !== null && outputs !== null && !this.#isTold(core, outputs)) return this.#toldAtMs + PROGRESS_MS;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Takes back the answers of a partition that is dropped; its records in flight are ignored by their incarnation. */
  drop(partition: Partition): PendingReply[] {
    const replies: PendingReply[] = [];
    for (const entries of this.#inFlight.values()) {
      for (const entry of entries) if (entry.record.partition === partition) replies.push(...entry.replies);
    }
    this.#newest.delete(partition);
    this.#told.delete(partition);
    return replies;
  }

  /** Runs the second turns of at most a slice of asks; what waited behind them goes to place `at` of the others. @returns how many. */
  #resume(asks: Ask[], at: number, coreOf: (ask: Ask) => PartitionCore | null): number {
    let resumed = 0;
    for (let next = this.#parked.next(); next !== undefined && resumed < SLICE; next = this.#parked.next()) {
      const core = coreOf(next.ask);
      if (core?.hasRoom() === false) break;
      const waited = this.#parked.release();
      this.#runAsk(next.ask, core, next.heard);
      asks.splice(at, 0, ...waited);
      resumed++;
    }
    return resumed;
  }

  /** @param heard given in an ask's second turn. */
  #runAsk(ask: Ask, core: PartitionCore | null, heard: readonly Heard[] | null = null): void {
    if (core === null || this.#clock.nowMs() > ask.deadlineMs) {
      const fault =
        core === null
          ? new Fault("NOT_OWNER", `partition ${ask.partition} was closed`)
          : new Fault("ASK_EXPIRED", "nobody waits for this ask any more");
      return this.#refuse(ask, fault);
    }
    if (heard === null) {
      const queued = this.#parked.queue(ask);
      if (queued === false) this.#refuse(ask, queueFull(ask));
      if (queued !== null) return;
    }
    const { route, id, kind, key, type, payload } = ask;
    const outcome = core.ask({ kind, key, type, payload }, heard);
    if ("questions" in outcome) {
      const known = this.#parked.park(ask, outcome.questions);
      if (known !== null) this.#runAsk(ask, core, known);
    } else if ("fault" in outcome) core.open().reply({ route, id, answer: null, fault: outcome.fault });
    else core.open().reply({ route, id, answer: outcome.answer, fault: null });
  }

  #refuse({ route, id }: Ask, fault: Fault): void {
    this.#unrun.push({ route, id, answer: null, fault: toWireFault(fault) });
  }

  /** Puts answers behind the newest record they may have read and that is not safe yet (G1). @returns false when there is none. */
  #hold(partition: Partition, outputs: PartitionOutputs | null, replies: readonly PendingReply[]): boolean {
    const entries = this.#newest.get(partition);
    const index = entries?.findIndex((entry) => entry.record.partition === partition) ?? -1;
    const entry = entries?.[index];
    if (entries === undefined || entry === undefined) return outputs?.hold(replies) ?? false;
    entries[index] = { ...entry, replies: [...entry.replies, ...replies] };
    return true;
  }

  #progress(
    cores: readonly PartitionCore[],
    outputsOf: (core: PartitionCore) => PartitionOutputs | null,
    always: boolean,
  ): Progress[] {
    const nowMs = this.#clock.monotonicMs();
    if (!always && nowMs < this.#toldAtMs + PROGRESS_MS) return [];
    this.#toldAtMs = nowMs;
    const progress: Progress[] = [];
    for (const core of cores) {
      const outputs = outputsOf(core);
      if (outputs === null) continue;
      if (this.#isTold(core, outputs)) continue;
      const { shipped, published } = outputs;
      const entry = { partition: core.partition, incarnation: core.incarnation, shipped, published };
      this.#told.set(core.partition, entry);
      progress.push(entry);
    }
    return progress;
  }

  #isTold({ partition, incarnation }: PartitionCore, { shipped, published }: PartitionOutputs): boolean {
    const told = this.#told.get(partition);
    return told?.incarnation === incarnation && told.shipped === shipped && told.published === published;
  }
}
