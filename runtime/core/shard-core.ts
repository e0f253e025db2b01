import { Fault, fromWireFault, toWireFault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { CircuitBreaker } from "./circuit.ts";
import type { FencedAction, FencedAppend } from "./fenced-append.ts";
import { GroupCommitter } from "./group-committer.ts";
import { HandlerWatch } from "./handler-watch.ts";
import { LaneTable } from "./lane-table.ts";
import type { Suspect } from "./attempt.ts";
import { openSlot } from "./open-slot.ts";
import { type ParkedFigures, ParkedAsks } from "./parked-asks.ts";
import type { PartitionCore } from "./partition-core.ts";
import type { ShardEnvironment } from "./shard-settings.ts";
import { SUPERVISOR_KIND } from "./partition-supervisor.ts";
import { PartitionOpening } from "./partition-opening.ts";
import type { PendingReply } from "./open-record.ts";
import type { FromStore, Opening } from "./ports.ts";
import type { Ask, FencedSubject, ShardAction, ShardEvent } from "./shard-messages.ts";
import { Pressure, type ShardLoad } from "./pressure.ts";
import { SnapshotTable } from "./snapshot-table.ts";
import type { SlotState } from "./partition-slot.ts";

/** Resident actors looked at after a group, of one partition after another. */
const SWEPT_A_GROUP = 64;

/**
 * A shard as a pure machine: events in, actions out, no await (D19). Owns its partitions, their lanes and asks.
 * H1: actions come out in the order of D2: commit before replies, replies before log, log before outputs, outputs before the ack.
 */
export class ShardCore {
  readonly snapshots = new SnapshotTable();
  readonly circuits: CircuitBreaker;
  readonly watch: HandlerWatch;
  readonly #environment: ShardEnvironment;
  readonly #slots = new Map<Partition, SlotState>();
  readonly #lanes: LaneTable;
  readonly #asks: Ask[] = [];
  readonly #groups: GroupCommitter;
  readonly #pressure: Pressure;
  readonly #parked: ParkedAsks;
  #actions: ShardAction[] = [];
  /** Of the open partitions. */
  #cores: readonly PartitionCore[] = [];
  #swept = 0;
  #request = 0;
  shed = 0;

  constructor(environment: ShardEnvironment) {
    this.#environment = environment;
    this.watch = new HandlerWatch(environment.clock);
    this.circuits = new CircuitBreaker(environment.clock, this.snapshots);
    this.#lanes = new LaneTable(environment.clock, environment.settings.outputPaceMs);
    this.#pressure = new Pressure(this.#lanes, environment.settings.unshippedBytesMax);
    this.#parked = new ParkedAsks(environment.clock, this.circuits, environment.settings);
    this.#groups = new GroupCommitter(environment.clock, environment.settings, this.#parked);
  }

  /** All kinds of actors it can run. */
  get registry(): ShardEnvironment["registry"] {
    return this.#environment.registry;
  }

  get slots(): ReadonlyMap<Partition, SlotState> {
    return this.#slots;
  }

  /** Asks that wait for agents outside, the questions under way, and the asks that were refused because of them (D15). */
  get outside(): ParkedFigures {
    return this.#parked.figures;
  }

  on(event: ShardEvent): void {
    switch (event.type) {
      case "open":
        return this.#open(event.partition, event.deadly);
      case "ask":
        return this.#ask(event.ask);
      case "mail":
        return this.#mail(event.partition, event.sequence, event.bytes);
      case "store":
        return this.#fromStore(event.message);
      case "appended":
      case "tail":
        return this.#fenced(event);
      case "mail-published":
        for (const run of this.#lanes.published(event.receiver, event.stored)) {
          const slot = this.#slots.get(run.sender);
          if (slot?.core?.epoch === run.epoch) slot.outputs?.runStored(run.commitSeq);
        }
        return;
      case "snapshot":
        this.snapshots.put(event.topic, event.version, event.value);
        return;
      case "heard":
        return this.#parked.settled(event.request, event.outcome);
      case "accept-gap":
        return this.#slots.get(event.partition)?.core?.intake.acceptGap();
      case "mark-logs":
        for (const { outputs } of this.#slots.values()) outputs?.markLog();
        return;
    }
  }

  /** Nothing waits: no ask, no group in flight, every output of every commit acknowledged. */
  get quiet(): boolean {
    if (this.#asks.length > 0 || this.#parked.size > 0 || !this.#groups.idle) return false;
    for (const { outputs } of this.#slots.values()) if (outputs !== null && outputs.pendingCommits > 0) return false;
    return true;
  }

  /** Takes what is there and runs it in one group (D1), then lets out what is due. */
  turn(): ShardAction[] {
    this.#parked.expire();
    if (this.#groups.roomForAnother && this.#groupIsDue()) this.#runGroup();
    for (const slot of this.#slots.values()) this.#poll(slot);
    this.#actions.push(...this.#lanes.poll(), ...this.#parked.takeActions());
    for (const report of this.watch.taps.take(this.#environment.clock.monotonicMs()))
      this.#actions.push({ type: "tapped", report });
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Whether another turn would find work at once. */
  hasWork(): boolean {
    return this.#actions.length > 0 || (this.#groups.roomForAnother && this.#groupIsDue());
  }

  #groupIsDue(): boolean {
    if (this.#asks.length > 0 || this.#groups.unrun > 0 || this.#parked.next() !== undefined) return true;
    const nowMs = this.#environment.clock.nowMs();
    if (this.#pressure.workable(this.#slots.values(), nowMs).length > 0) return true;
    return this.#groups.wakeAtMs(this.#slots.values()) <= this.#environment.clock.monotonicMs();
  }

  /** Milliseconds until something comes due by itself; Infinity = nothing. */
  sleepMs(): number {
    const { clock } = this.#environment;
    const monotonicMs = clock.monotonicMs();
    const nowMs = clock.nowMs();
    let sleepMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.values())
      sleepMs = Math.min(sleepMs, this.#pressure.dueInMs(slot, monotonicMs, nowMs));
    sleepMs = Math.min(sleepMs, this.#lanes.wakeAtMs() - monotonicMs);
    sleepMs = Math.min(sleepMs, this.#parked.wakeAtMs() - monotonicMs);
    sleepMs = Math.min(sleepMs, this.#groups.wakeAtMs(this.#slots.values()) - monotonicMs);
    return Math.max(0, sleepMs);
  }

  #open(partition: Partition, deadly: readonly Suspect[]): void {
    const { clock, settings } = this.#environment;
    const opening = new PartitionOpening({
      partition,
      clock,
      paceMs: settings.logPaceMs,
      bytesMax: settings.logBytesMax,
    });
    const request = ++this.#request;
    this.#put({ partition, opening, request, deadly, core: null, outputs: null, fault: null });
    this.#lanes.dropSender(partition);
    this.#actions.push({ type: "partition-state", partition, state: "opening", fault: null });
    this.#actions.push({ type: "to-store", message: { type: "open", request, partition } });
  }

  /** The partition's state in memory can no longer be trusted: it is dropped and opened anew (D8). */
  #reopen(slot: SlotState, fault: Fault): void {
    this.#emit("partition", "reopening", { partition: slot.partition, code: fault.code, message: fault.message });
    this.#actions.push({ type: "stop-consuming", partition: slot.partition });
    this.#disown(slot, fault);
    this.#open(slot.partition, slot.deadly);
  }

  /** Whoever still waits for this partition hears that nobody knows what became of his ask; nobody is left waiting. */
  #disown(slot: SlotState, fault: Fault): void {
    const pending = [...this.#groups.drop(slot.partition), ...(slot.outputs?.heldReplies ?? [])];
    this.#answerAll(pending, fault);
    // Those that wait for agents outside have changed nothing (D15).
    const unowned = new Fault("NOT_OWNER", `partition ${slot.partition} was closed: ${fault.message}`);
    this.#answerAll(this.#parked.drop(slot.partition), unowned);
  }

  #answerAll(pending: readonly Pick<PendingReply, "route" | "id">[], fault: Fault): void {
    if (pending.length === 0) return;
    const wire = toWireFault(fault);
    this.#actions.push({
      type: "replies",
      replies: pending.map(({ route, id }) => ({ route, id, answer: null, fault: wire })),
    });
  }

  #ask(ask: Ask): void {
    const { settings } = this.#environment;
    const slot = this.#slots.get(ask.partition);
    if (slot?.core == null || slot.outputs === null) {
      return this.#refuse(ask, new Fault("NOT_OWNER", `partition ${ask.partition} is not open on this shard`));
    }
    const supervises = ask.kind === SUPERVISOR_KIND;
    if (!supervises && (this.#asks.length >= settings.asksMax || this.#pressure.holds(slot))) {
      this.shed++;
      return this.#refuse(ask, new Fault("OVERLOADED", "this shard sheds load"));
    }
    this.#asks.push(ask);
  }

  #refuse(ask: Ask, fault: Fault): void {
    this.#actions.push({
      type: "replies",
      replies: [{ route: ask.route, id: ask.id, answer: null, fault: toWireFault(fault) }],
    });
  }

  #mail(partition: Partition, sequence: number, bytes: Uint8Array): void {
    const core = this.#slots.get(partition)?.core;
    if (core == null) return;
    core.intake.queue.push(sequence, bytes);
    this.#flow(core);
  }

  #flow(core: PartitionCore): void {
    const flow = core.intake.queue.flow();
    if (flow !== null) this.#actions.push({ type: "flow", partition: core.partition, paused: flow === "pause" });
  }

  #fromStore(message: FromStore): void {
    switch (message.type) {
      case "opened":
        return this.#storeOpened(message.request, message.opening);
      case "open-failed": {
        const slot = this.#slots.get(message.partition);
        if (slot?.opening != null && slot.request === message.request)
          this.#refused(slot, fromWireFault(message.fault));
        return;
      }
      case "committed":
        return this.#committed(message.group, message.refused);
      case "folded":
        this.#environment.reader.refresh();
        for (const { partition, incarnation, commitSeq } of message.folded) {
          const core = this.#slots.get(partition)?.core;
          if (core?.incarnation === incarnation) core.folded(commitSeq);
        }
    }
  }

  #storeOpened(request: number, opening: Opening): void {
    const slot = this.#slots.get(opening.partition);
    if (slot === undefined) return;
    const incarnation = slot.core?.incarnation ?? slot.opening?.opening?.incarnation;
    if (incarnation !== undefined && opening.incarnation > incarnation) {
      // A request of this shard's dead predecessor overtook mine in the store: the incarnation I work with has ended (D8).
      return this.#reopen(slot, new Fault("COMMIT_FAILED", `partition ${slot.partition} was opened once more`));
    }
    if (slot.opening === null || slot.request !== request || incarnation !== undefined) return;
    this.#fencedAction({ of: "log", partition: slot.partition }, slot.opening.opened(opening), -slot.request);
  }

  #committed(
    group: number,
    refused: readonly { readonly partition: Partition; readonly fault: { code: string; message: string } }[],
  ): void {
    const faults = new Map(refused.map(({ partition, fault }) => [partition, fault]));
    for (const entry of this.#groups.committed(group)) {
      const slot = this.#slots.get(entry.record.partition);
      if (slot?.outputs == null || slot.core?.incarnation !== entry.incarnation) continue;
      const fault = faults.get(entry.record.partition);
      if (fault !== undefined) {
        const failed = new Fault("COMMIT_FAILED", fault.message);
        this.#answerAll(entry.replies, failed);
        this.#reopen(slot, failed);
        continue;
      }
      const held = this.#environment.settings.replicated;
      if (!held && entry.replies.length > 0) this.#actions.push({ type: "replies", replies: entry.replies });
      for (const order of entry.orders) this.#actions.push({ type: "job", partition: slot.partition, order });
      slot.outputs.flushed(entry.record, entry.bytes, entry.ackSequence, held ? entry.replies : []);
    }
  }

  #runGroup(): void {
    const { clock, settings } = this.#environment;
    const cores = this.#cores;
    const nowMs = clock.nowMs();
    const busy = this.#pressure.workable(this.#slots.values(), nowMs);
    this.#groups.run(busy, this.#asks, (ask) => this.#slots.get(ask.partition)?.core ?? null);
    const closed = this.#groups.close(cores, (core) => this.#slots.get(core.partition)?.outputs ?? null);
    if (closed.replies.length > 0) this.#actions.push({ type: "replies", replies: closed.replies });
    if (closed.message !== null) this.#actions.push({ type: "to-store", message: closed.message });
    for (const core of busy) this.#flow(core);
    this.#swept = (this.#swept + 1) % Math.max(1, cores.length);
    cores[this.#swept]?.residency.sweep(SWEPT_A_GROUP, nowMs, this.#residentPressed, settings.passivateAfterMs);
  }

  /** What waits in this shard, and what was turned away. */
  get load(): ShardLoad {
    return {
      asksWaiting: this.#asks.length,
      asksShed: this.shed,
      laneBytes: this.#lanes.bytes,
      pressedPartitions: [...this.#slots.values()].filter((slot) => this.#pressure.holds(slot)).length,
      taps: this.watch.taps.size,
    };
  }

  get #residentPressed(): boolean {
    let bytes = 0;
    for (const core of this.#cores) bytes += core.residency.bytes;
    return bytes > this.#environment.settings.residentBytesMax;
  }

  #put(slot: SlotState): void {
    this.#slots.set(slot.partition, slot);
    this.#cores = [...this.#slots.values()].flatMap(({ core }) => (core === null ? [] : [core]));
  }

  #poll(slot: SlotState): void {
    if (slot.opening !== null) return this.#pollOpening(slot, slot.opening);
    const { outputs, core } = slot;
    if (outputs === null || core === null || outputs.resting) return;
    const { replies, ackSequence } = outputs.advance();
    if (replies.length > 0) this.#actions.push({ type: "replies", replies });
    if (ackSequence > 0) this.#actions.push({ type: "ack", partition: slot.partition, sequence: ackSequence });
    for (const { subject, append } of outputs.subjects) this.#fencedAction(subject, append.poll(), core.epoch);
    if (outputs.lost)
      this.#refused(slot, new Fault("EPOCH_LOST", `partition ${slot.partition} belongs to another owner now`));
  }

  #pollOpening(slot: SlotState, opening: PartitionOpening): void {
    const subject: FencedSubject = { of: "log", partition: slot.partition };
    const action = opening.poll();
    const { current } = opening;
    if (current.step === "refused") return this.#refused(slot, current.fault);
    if (current.step === "done" && opening.opening !== null) return this.#opened(slot, opening.opening, current);
    this.#fencedAction(subject, action, -slot.request);
  }

  #opened(slot: SlotState, opening: Opening, done: { readonly epoch: number; readonly log: FencedAppend }): void {
    this.#environment.reader.refresh();
    const opened = openSlot(this.#environment, {
      opening,
      done,
      deadly: slot.deadly,
      circuits: this.circuits,
      snapshots: this.snapshots,
      watch: this.watch,
      emit: (kind, event, details) => this.#emit(kind, event, details),
      lane: (receiver) => this.#lanes.to(receiver),
    });
    if (opened instanceof Fault) return this.#refused(slot, opened);
    const { core, outputs } = opened;
    this.#put({ ...slot, opening: null, deadly: [], core, outputs });
    this.#actions.push({
      type: "consume",
      partition: slot.partition,
      startSequence: Math.max(1, core.intake.position?.sequence ?? 1),
    });
    this.#actions.push({ type: "partition-state", partition: slot.partition, state: "open", fault: null });
    this.#emit("partition", "opened", { partition: slot.partition, epoch: done.epoch, commitSeq: core.commitSeq });
  }

  #refused(slot: SlotState, fault: Fault): void {
    this.#disown(slot, fault);
    this.#put({ ...slot, opening: null, core: null, outputs: null, fault: toWireFault(fault) });
    this.#actions.push({ type: "stop-consuming", partition: slot.partition });
    this.#actions.push({
      type: "partition-state",
      partition: slot.partition,
      state: "refused",
      fault: toWireFault(fault),
    });
    this.#emit("partition", "refused", { partition: slot.partition, code: fault.code, message: fault.message });
  }

  #fenced(event: Extract<ShardEvent, { type: "appended" | "tail" }>): void {
    const slot = this.#slots.get(event.subject.partition);
    if (slot === undefined) return;
    if (slot.opening !== null) {
      if (event.tag !== -slot.request) return;
      const action = event.type === "tail" ? slot.opening.tailRead(event.tail) : slot.opening.appended(event.outcome);
      return this.#fencedAction(event.subject, action, -slot.request);
    }
    if (slot.core?.epoch !== event.tag) return;
    const append = slot.outputs?.appender(event.subject);
    if (append === undefined) return;
    if (event.type === "tail") append.tailRead(event.tail);
    else this.#fencedAction(event.subject, append.appended(event.outcome), event.tag);
  }

  /** @param tag what the answer has to carry: the epoch, or minus the open request while opening. */
  #fencedAction(subject: FencedSubject, action: FencedAction | null, tag: number): void {
    if (action === null) return;
    if (action.type === "read-tail") this.#actions.push({ type: "read-tail", subject, tag });
    else this.#actions.push({ ...action, subject, tag });
  }

  #emit(kind: string, event: string, details: Record<string, unknown>): void {
    this.#actions.push({ type: "event", kind, event, details });
  }
}
