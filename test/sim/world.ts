import { createHash, type Hash } from "node:crypto";
import { decode } from "../../protocols/codec.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import type { Clock } from "../../runtime/core/ports.ts";
import type { ShardSettings } from "../../runtime/core/shard-settings.ts";
import type { FaultPoint } from "../support/fault-points.ts";
import { MemoryBroker } from "../support/memory-broker.ts";
import { MemoryNode } from "../support/memory-node.ts";
import type { NodeWorld, RequestFate, Tampering } from "../support/node-world.ts";
import { ObservedStore } from "../support/observed-store.ts";
import { Wires } from "../support/wires.ts";
import { NO_FAULTS, settingsOf, type Faults } from "./faults.ts";
import { History } from "./history.ts";
import { OutsideFates } from "./outside-fates.ts";
import { LogWitness, Violation } from "./log-witness.ts";
import { programme, workloadRegistry, type Operation } from "./workload.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly operations?: number;
  /** What the client does, instead of drawing so many operations. */
  readonly programme?: readonly Operation[];
  readonly faults?: Faults;
  readonly tampering?: Tampering & {
    readonly fenceless?: boolean;
    readonly registry?: (registry: typeof workloadRegistry) => typeof workloadRegistry;
  };
  readonly replicated?: boolean;
  /** In place of those that the seed gives. */
  readonly settings?: Partial<ShardSettings>;
  /** Called when a fault point is reached; true kills the node there. */
  readonly kill?: (point: FaultPoint) => boolean;
}

const PARTITIONS = 8;
const SHARDS = 2;
const FAULTY_STEPS_MAX = 2_500;
const DRAIN_STEPS_MAX = 8_000;

/** Small enough that folds take several slices and rounds meet commits. */
const POLICY = { unfoldedBytesMax: 6_000, foldAfterMs: 120, idleMs: 40, busyMs: 10, slicePuts: 1, slicePutsMax: 3 };

/** Thrown out of a step: the node is dead from here on. */
class Killed extends Error {}

class SimClock implements Clock {
  elapsedMs = 0;
  wallOffsetMs = 0;
  nowMs(): number {
    return 1_700_000_000_000 + Math.floor(this.elapsedMs) + this.wallOffsetMs;
  }
  monotonicMs(): number {
    return this.elapsedMs;
  }
}

/** A whole node, its broker and its client under one driver, which owns time and chance: one seed, one history. */
export class World {
  readonly clock = new SimClock();
  readonly witness = new LogWitness();
  readonly broker = new MemoryBroker(this.witness);
  readonly store = new ObservedStore();
  readonly history: History;
  /** How often each fault point was reached. */
  readonly reached = new Map<FaultPoint, number>();
  readonly partitions = PARTITIONS;
  steps = 0;
  node: MemoryNode;
  readonly #options: WorldOptions;
  readonly #wires = new Wires();
  readonly #random: () => number;
  readonly #digest: Hash = createHash("sha256");
  readonly #late: (() => void)[] = [];
  readonly #outside: OutsideFates;
  #faults: Faults;
  #outageUntilMs = 0;
  #lives = 0;
  #refuseNext = false;
  /** Why a partition was last refused. */
  #refusal = "none";

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = randomStream(options.seed);
    this.#outside = new OutsideFates(this.#random);
    this.#faults = options.faults ?? NO_FAULTS;
    this.broker.fences = options.tampering?.fenceless !== true;
    const operations = options.programme ?? programme(options.operations ?? 40, this.#random);
    this.history = new History(operations, PARTITIONS);
    this.node = this.#boot();
  }

  /** The same for two runs of one seed. */
  get hash(): string {
    return this.#digest.copy().digest("hex");
  }

  /** One thing happens. */
  step(): void {
    this.steps++;
    try {
      this.#fault();
      this.#move(this.#moves());
    } catch (error) {
      if (error instanceof Violation) throw error;
      if (!(error instanceof Killed) && !isStoreClosed(error)) throw error;
      this.crash();
    }
  }

  /** The process dies and is started again. */
  crash(): void {
    this.#note("crash");
    this.node.crash();
    this.history.lost(() => true);
    this.node = this.#boot();
  }

  /** The broker is away for so long. */
  outage(ms: number): void {
    this.#outageUntilMs = this.clock.elapsedMs + ms;
  }

  /** The newest state of an actor that the logs hold. */
  logged(kind: string, key: string): unknown {
    const bytes = this.witness.replay(partitionOf(key, PARTITIONS)).states.get([kind, key, ""].join("\0"));
    return bytes === undefined ? undefined : decode(decodeStatePart(bytes).body);
  }

  /** A shard's thread dies and is replaced; the process goes on. */
  crashShard(index: number): void {
    this.#note(`crash of shard ${index}`);
    const mine = (partition: number): boolean => this.#assignment[partition] === index;
    this.history.lost(mine);
    this.node.crashShard(index, (count) => Math.floor(this.#random() * (count + 1)));
  }

  /** These agents outside answer nothing until faults stop. */
  outsideHangs(...subjects: readonly string[]): void {
    for (const subject of subjects) this.#outside.hang(subject);
  }

  /** Works the client's programme off under faults, as far as it comes. */
  run(stepsMax = FAULTY_STEPS_MAX): void {
    while (!this.history.finished && this.steps < stepsMax) this.step();
  }

  /** Faults stop; the rest of the programme is worked off, and everything that was promised must come about (liveness). */
  drain(): void {
    this.#faults = NO_FAULTS;
    this.#outageUntilMs = 0;
    for (let left = DRAIN_STEPS_MAX; !this.#quiet(); left--) {
      if (left === 0) throw new Violation(this.#stuck("the node does not come to rest"));
      this.step();
    }
  }

  #assignment: readonly number[] = [];

  #boot(): MemoryNode {
    const turned = Math.floor(this.#random() * SHARDS);
    this.#assignment = Array.from({ length: PARTITIONS }, (_, partition) => (partition + turned) % SHARDS);
    const world: NodeWorld = {
      wires: this.#wires,
      broker: this.broker,
      clock: this.clock,
      tampering: this.#tampering(),
      fate: () => this.#fate(),
      late: (apply) => void this.#late.push(apply),
      outside: (subject, question, waitMs) =>
        this.#outside.of(subject, question, waitMs, this.#faults.outside, this.clock.elapsedMs),
      reached: (point) => this.#reached(point),
      replied: (replies) => {
        for (const reply of replies) this.#digest.update(JSON.stringify(reply));
        this.history.replied(replies, (call) => {
          if (this.#options.replicated === true) this.witness.answered(call, PARTITIONS);
        });
      },
      event: (event, details) => {
        this.#note(event);
        if (event === "refused") this.#refusal = String(details["message"]);
      },
    };
    const { seed, replicated } = this.#options;
    const settings = { ...settingsOf(seed), replicated: replicated === true, ...this.#options.settings };
    const registry = this.#options.tampering?.registry?.(workloadRegistry) ?? workloadRegistry;
    const options = { partitions: PARTITIONS, shards: SHARDS, registry, settings, policy: POLICY };
    return new MemoryNode(world, options, this.store, `node${++this.#lives}`, this.#assignment);
  }

  /** A refusal of the store is brought about as it would come: by a record that was damaged on its way. */
  #tampering(): Tampering {
    return {
      ...this.#options.tampering,
      toStore: (original) => {
        const message = this.#options.tampering?.toStore?.(original) ?? original;
        if (message.type !== "commit" || !this.#refuseNext) return message;
        this.#refuseNext = false;
        const [first, ...rest] = message.records;
        if (first === undefined) return message;
        this.#note("refusal");
        const bytes = Uint8Array.from(first.bytes, (byte, index) => (index === 9 ? byte ^ 1 : byte));
        return { ...message, records: [{ ...first, bytes }, ...rest] };
      },
    };
  }

  #reached(point: FaultPoint): void {
    this.#note(point);
    this.reached.set(point, (this.reached.get(point) ?? 0) + 1);
    if (this.#options.kill?.(point) === true) throw new Killed(point);
  }

  #note(what: string): void {
    this.#digest.update(what);
  }

  #moves(): string[] {
    this.broker.down = this.clock.elapsedMs < this.#outageUntilMs;
    const moves = this.node.moves();
    for (const channel of this.#wires.busy(this.clock.elapsedMs)) moves.push(`>${channel}`);
    if (this.history.ready(this.node)) moves.push("client");
    if (this.#late.length > 0 && !this.broker.down) moves.push("late");
    return moves;
  }

  #move(moves: readonly string[]): void {
    const drawn = this.#random();
    const move = drawn < 0.03 ? undefined : moves[Math.floor(this.#random() * moves.length)];
    if (move === undefined) return this.#pass(moves.length === 0);
    this.#digest.update(move);
    this.#boundsHold();
    if (move === "client") return this.history.send(this.node, this.broker, this.clock.nowMs());
    if (move === "late") return this.#arriveLate();
    if (!move.startsWith(">")) return this.node.move(move);
    this.#wires.take(move.slice(1))?.deliver();
  }

  /** W2: what waits for agents outside is bounded at every moment. */
  #boundsHold(): void {
    const { outsideRequestsMax, outsideBytesMax } = settingsOf(this.#options.seed);
    for (const { core, index } of this.node.shards) {
      const { waiting, requests, requestBytes } = core.outside;
      if (requests > outsideRequestsMax || requestBytes > outsideBytesMax || waiting > outsideRequestsMax)
        throw new Violation(`shard ${index} has ${waiting} asks, ${requests} questions, ${requestBytes} bytes outside`);
    }
  }

  #arriveLate(): void {
    const [apply] = this.#late.splice(Math.floor(this.#random() * this.#late.length), 1);
    apply?.();
  }

  /** Time passes: a little, or, when nothing else can happen, until something does. */
  #pass(idle: boolean): void {
    const untilOutageEnds = this.broker.down ? this.#outageUntilMs - this.clock.elapsedMs : Infinity;
    const untilParcelMs = this.#wires.nextMs() - this.clock.elapsedMs;
    const sleepMs = Math.min(1_000, this.node.sleepMs(), untilOutageEnds, untilParcelMs);
    const passedMs = idle ? Math.max(1, sleepMs) : 1 + Math.floor(this.#random() * 5);
    this.clock.elapsedMs += passedMs;
    this.#digest.update(`+${passedMs}`);
  }

  #fate(): RequestFate {
    const { requestLost, answerLost, requestLate } = this.#faults;
    const draw = this.#random();
    if (draw < requestLost) return "lost";
    if (draw < requestLost + answerLost) return "answer lost";
    return draw < requestLost + answerLost + requestLate ? "late" : "arrives";
  }

  #fault(): void {
    const faults = this.#faults;
    if (faults === NO_FAULTS) return;
    if (this.#random() < faults.crash) throw new Killed("at random");
    if (this.#random() < faults.crashShard) this.crashShard(Math.floor(this.#random() * SHARDS));
    if (this.#random() < faults.diskFails) this.store.failAt(1, this.#random() < 0.5 ? "before" : "after");
    if (this.#random() < faults.outage) this.#outageUntilMs = this.clock.elapsedMs + this.#random() * 1_500;
    if (this.#random() < faults.clockBack) this.clock.wallOffsetMs -= Math.floor(this.#random() * 2_000);
    if (this.#random() < faults.refusal) this.#refuseNext = true;
    if (this.#random() < faults.keeping) this.node.markLogs();
    if (this.#random() < faults.keeping) this.broker.purgeMail(PARTITIONS);
    if (this.#random() < faults.redelivery) {
      const partition = asPartition(Math.floor(this.#random() * PARTITIONS));
      this.node.redeliver(partition, Math.floor(this.#random() * (this.broker.lastMail(partition) + 1)));
    }
  }

  #quiet(): boolean {
    if (!this.history.finished || this.#late.length > 0 || this.#wires.nextMs() < Infinity) return false;
    if (this.store.scan("records", Uint8Array.of(0), new Uint8Array(9).fill(0xff), 1).length > 0) return false;
    for (let number = 0; number < PARTITIONS; number++) {
      if (!this.#partitionQuiet(number)) return false;
    }
    if (this.node.shards.some(({ core }) => core.outside.waiting > 0)) return false;
    return this.node.committer.finished;
  }

  #partitionQuiet(number: number): boolean {
    const partition = asPartition(number);
    const { core, outputs } = this.node.slotOf(partition) ?? {};
    if (core == null || outputs == null) return false;
    const { commitSeq } = core;
    if (outputs.pendingCommits > 0 || outputs.published !== commitSeq || outputs.shipped !== commitSeq) return false;
    if (core.intake.queue.length > 0 || (core.intake.position?.sequence ?? 0) < this.broker.lastMail(partition))
      return false;
    return this.witness.replay(partition).timers.size === 0;
  }

  #stuck(what: string): string {
    const partitions = Array.from({ length: PARTITIONS }, (_, number) => {
      const partition = asPartition(number);
      const slot = this.node.slotOf(partition);
      if (slot?.core == null || slot.outputs === null) return `${number}: ${slot?.opening?.current.step ?? "closed"}`;
      const { core, outputs } = slot;
      const { commitSeq } = core;
      const { gap, position, queue: mail } = core.intake;
      const timers = this.witness.replay(partition).timers.size;
      return `${number}: commit ${commitSeq}, shipped ${outputs.shipped}, published ${outputs.published}, mail ${position?.sequence}/${this.broker.lastMail(partition)} (${mail.length} wait), timers ${timers}, gap ${JSON.stringify(gap)}`;
    });
    const { awaited, finished } = this.history;
    const kept = this.node.committer.figures.keptGroups;
    return `${what}: awaited ${awaited}, finished ${finished}, groups ${kept}, late ${this.#late.length}, last refusal: ${this.#refusal}, wires ${this.#wires.busy(Infinity).join()}\n${partitions.join("\n")}`;
  }
}

function isStoreClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "STORE_CLOSED";
}
