import type { Partition } from "../../protocols/ids.ts";
import { asPartition } from "../../protocols/ids.ts";
import type { AnyActor } from "../../runtime/actor/define.ts";
import { NO_ATTEMPT_LOG } from "../../runtime/core/attempt.ts";
import { Committer } from "../../runtime/core/committer.ts";
import type { FoldPolicy } from "../../runtime/core/fold-round.ts";
import type { FromStore, StateReader, ToStore } from "../../runtime/core/ports.ts";
import { ShardCore } from "../../runtime/core/shard-core.ts";
import type { ShardSettings } from "../../runtime/core/shard-settings.ts";
import type { Ask, ShardAction, ShardEvent } from "../../runtime/core/shard-messages.ts";
import { BrokerRequests } from "./broker-requests.ts";
import type { NodeWorld } from "./node-world.ts";
import type { MemoryStateReader } from "./memory-store.ts";
import type { ObservedStore } from "./observed-store.ts";
import { openSealer } from "./testkit.ts";

export interface NodeOptions {
  readonly partitions: number;
  readonly shards: number;
  readonly registry: ReadonlyMap<string, AnyActor>;
  readonly settings: ShardSettings;
  readonly policy: FoldPolicy;
}

interface Consumer {
  nextSequence: number;
  paused: boolean;
}

interface Shard {
  readonly index: number;
  readonly life: string;
  readonly core: ShardCore;
  readonly reader: MemoryStateReader;
  readonly consumers: Map<Partition, Consumer>;
  readonly requests: BrokerRequests;
  /** Events came since its last turn. */
  stirred: boolean;
  /** A commit of it was acknowledged. */
  committed: boolean;
}

/** One life of a node's process: shards and store in memory, driven step by step. The file outlives it. */
export class MemoryNode {
  readonly #world: NodeWorld;
  readonly #options: NodeOptions;
  readonly #store: ObservedStore;
  readonly #name: string;
  readonly #assignment: readonly number[];
  readonly #shards: Shard[] = [];
  readonly committer: Committer;
  #commitsWaiting = 0;
  #lives = 0;

  /** @param assignment the shard of each partition. */
  constructor(
    world: NodeWorld,
    options: NodeOptions,
    store: ObservedStore,
    name: string,
    assignment: readonly number[],
  ) {
    this.#world = world;
    this.#options = options;
    this.#store = store;
    this.#name = name;
    this.#assignment = assignment;
    this.committer = new Committer(store, world.clock, options.policy);
    for (let index = 0; index < options.shards; index++) this.#start(index);
  }

  get shards(): readonly { readonly core: ShardCore; readonly index: number }[] {
    return this.#shards;
  }

  slotOf(partition: Partition) {
    return this.#shardOf(partition).core.slots.get(partition);
  }

  /** The shard that runs a partition. */
  shardOf(partition: Partition): number {
    return this.#assignment[partition] ?? 0;
  }

  isOpen(partition: Partition): boolean {
    return this.slotOf(partition)?.core != null;
  }

  ask(ask: Ask): void {
    const shard = this.#shardOf(ask.partition);
    this.#world.wires.post(`${this.#name}/asks/${shard.life}`, "ask", () => this.#on(shard, { type: "ask", ask }));
  }

  /** What can happen inside the node now, by name. */
  moves(): string[] {
    const moves: string[] = [];
    if (this.committer.hasWork()) moves.push("store");
    for (const shard of this.#shards) {
      if (shard.stirred || shard.core.hasWork() || shard.core.sleepMs() <= 0) moves.push(`turn/${shard.index}`);
      if (this.#world.broker.down) continue;
      for (const [partition, { nextSequence, paused }] of shard.consumers) {
        if (!paused && this.#world.broker.mailFrom(partition, nextSequence) !== undefined)
          moves.push(`mail/${partition}`);
      }
    }
    return moves;
  }

  move(name: string): void {
    const [kind, number] = name.split("/");
    if (kind === "store") return this.#storeTurn();
    if (kind === "mail") return this.#deliverMail(asPartition(Number(number)));
    const shard = this.#shards[Number(number)];
    if (shard === undefined) return;
    shard.stirred = false;
    for (const action of shard.core.turn()) this.#perform(shard, action);
  }

  /** Milliseconds until something happens by itself; Infinity = nothing will. */
  sleepMs(): number {
    return Math.min(
      this.committer.dueInMs() ?? Infinity,
      ...this.#shards.map(({ core }) => (core.hasWork() ? 0 : core.sleepMs())),
    );
  }

  /** Asks for markers at the tails of the logs (ADR 0008). */
  markLogs(): void {
    for (const shard of this.#shards) this.#on(shard, { type: "mark-logs" });
  }

  /** A message that arrived is delivered again: a consumer that was made anew. */
  redeliver(partition: Partition, sequence: number): void {
    const shard = this.#shardOf(partition);
    const mail = this.#world.broker.mailFrom(partition, sequence);
    const consumer = shard.consumers.get(partition);
    if (mail === undefined || consumer === undefined || mail.sequence >= consumer.nextSequence) return;
    this.#on(shard, { type: "mail", partition, sequence: mail.sequence, bytes: mail.bytes });
  }

  /** The thread dies; the process goes on. What it had posted to the store may have arrived or not. */
  crashShard(index: number, arrived: (count: number) => number): void {
    const shard = this.#shards[index];
    if (shard === undefined) return;
    const { wires } = this.#world;
    const posted = wires.cut(`${this.#name}/to-store/${shard.life}`);
    for (const parcel of posted.slice(0, arrived(posted.length))) parcel.deliver();
    shard.reader.close();
    for (const kind of ["asks", "replies", "from-store", "broker", "outside"])
      this.#orphan(wires.cut(`${this.#name}/${kind}/${shard.life}`));
    this.#start(index);
  }

  /** The process dies. Only the file and what the broker stored stay; requests under way may still arrive. */
  crash(): void {
    this.#orphan(this.#world.wires.cut(`${this.#name}/`));
    this.#store.crash();
  }

  #orphan(parcels: readonly { readonly orphan: (() => void) | null }[]): void {
    for (const { orphan } of parcels) if (orphan !== null) this.#world.late(orphan);
  }

  #start(index: number): void {
    const { registry, settings, partitions } = this.#options;
    const reader = this.#store.reader();
    const { clock } = this.#world;
    const environment = {
      partitions,
      registry,
      settings,
      clock,
      reader: this.#readerOf(reader, () => shard.committed),
      sealer: openSealer,
      attempts: NO_ATTEMPT_LOG,
    };
    const life = `${index}.${++this.#lives}.`;
    const channel = `${this.#name}/broker/${life}`;
    const shard: Shard = {
      index,
      life,
      requests: new BrokerRequests(this.#world, channel, (event) => this.#on(shard, event)),
      core: new ShardCore(environment),
      reader,
      consumers: new Map(),
      stirred: false,
      committed: false,
    };
    this.#shards[index] = shard;
    for (let partition = 0; partition < partitions; partition++) {
      if (this.#assignment[partition] === index)
        this.#on(shard, { type: "open", partition: asPartition(partition), deadly: [] });
    }
  }

  #readerOf(reader: MemoryStateReader, committed: () => boolean): StateReader {
    const { neverRefreshes, opensBeforeFold } = this.#world.tampering;
    if (neverRefreshes !== true && opensBeforeFold !== true) return reader;
    return {
      read: (...of) => reader.read(...of),
      parts: (...of) => reader.parts(...of),
      keys: (...of) => reader.keys(...of),
      timers: (...of) => reader.timers(...of),
      refresh: () => {
        if (neverRefreshes !== true && committed()) reader.refresh();
      },
    };
  }

  #on(shard: Shard, event: ShardEvent): void {
    shard.stirred = true;
    shard.core.on(event);
  }

  #shardOf(partition: Partition): Shard {
    const shard = this.#shards[this.shardOf(partition)];
    if (shard === undefined) throw new Error(`partition ${partition} has no shard`);
    return shard;
  }

  #deliverMail(partition: Partition): void {
    const shard = this.#shardOf(partition);
    const consumer = shard.consumers.get(partition);
    const mail = consumer && this.#world.broker.mailFrom(partition, consumer.nextSequence);
    if (consumer === undefined || mail === undefined) return;
    consumer.nextSequence = mail.sequence + 1;
    const bytes = this.#world.tampering.mail?.(mail.bytes) ?? mail.bytes;
    this.#on(shard, { type: "mail", partition, sequence: mail.sequence, bytes });
  }

  #storeTurn(): void {
    const { reached } = this.#world;
    const store = this.#store;
    if (this.#commitsWaiting > 0) reached("before flush");
    this.#commitsWaiting = 0;
    store.committed = store.folded = store.finishedFold = store.deleted = false;
    const sent = this.committer.turn();
    if (store.committed) reached("after flush, before reply");
    if (store.folded && !store.finishedFold) reached("during a fold");
    if (store.finishedFold && this.committer.figures.keptGroups > 0) reached("after a fold, before deletion");
    if (store.deleted) reached("after deletion");
    for (const { to, message } of sent) this.#fromStore(to, message);
  }

  /** An answer goes to whoever holds the shard's number now, as the store thread's ports do. */
  #fromStore(to: number, message: FromStore): void {
    const shard = this.#shards[to];
    if (shard === undefined) return;
    const { tampering, wires, reached } = this.#world;
    if (tampering.answersBeforeFlush === true && message.type === "committed") return;
    const event =
      message.type === "opened" && tampering.opening !== undefined
        ? { ...message, opening: tampering.opening(message.opening) }
        : message;
    wires.post(`${this.#name}/from-store/${shard.life}`, `store ${message.type}`, () => {
      if (message.type === "committed") shard.committed = true;
      this.#on(shard, { type: "store", message: event });
      if (message.type === "opened") reached("opening: the store answered");
    });
  }

  #toStore(shard: Shard, original: ToStore): void {
    const { tampering, wires, reached } = this.#world;
    const message = tampering.toStore?.(original) ?? original;
    wires.post(`${this.#name}/to-store/${shard.life}`, `to store ${message.type}`, () => {
      if (message.type === "open") reached("opening: before the store ends the old incarnation");
      if (message.type === "commit") this.#commitsWaiting++;
      this.committer.receive(shard.index, message);
    });
    if (tampering.answersBeforeFlush === true && message.type === "commit") {
      const { group } = message;
      wires.post(`${this.#name}/from-store/${shard.life}`, "store committed", () =>
        this.#on(shard, { type: "store", message: { type: "committed", group, refused: [] } }),
      );
    }
  }

  /** Each answer has a channel of its own: nothing keeps them in order. */
  #askOutside(shard: Shard, { request, subject, bytes, waitMs }: Extract<ShardAction, { type: "request" }>): void {
    const { clock, outside, tampering, wires } = this.#world;
    outside(subject, bytes, waitMs).forEach(({ afterMs, outcome }, copy) => {
      const heard = { type: "heard", request: tampering.heardBy?.(request) ?? request, outcome } as const;
      const channel = `${this.#name}/outside/${shard.life}/${request}.${copy}`;
      const dueMs = clock.monotonicMs() + afterMs;
      wires.post(channel, "from outside", () => this.#on(shard, heard), null, dueMs);
    });
  }

  #perform(shard: Shard, action: ShardAction): void {
    const { broker, reached, replied, wires } = this.#world;
    switch (action.type) {
      case "to-store":
        return this.#toStore(shard, action.message);
      case "replies":
        return wires.post(`${this.#name}/replies/${shard.life}`, "replies", () => {
          replied(action.replies);
          for (const { core, outputs } of shard.core.slots.values())
            if (core !== null && (outputs?.unshippedBytes ?? 0) > 0) reached("after reply, before append");
        });
      case "append":
        return shard.requests.append(action);
      case "read-tail":
        return shard.requests.readTail(action.subject, action.tag);
      case "publish-mail":
        return shard.requests.publishMail(action.receiver, action.bytes);
      case "consume":
        shard.consumers.set(action.partition, { nextSequence: action.startSequence, paused: false });
        broker.startConsumer(action.partition, action.startSequence);
        return;
      case "stop-consuming":
        shard.consumers.delete(action.partition);
        return;
      case "flow": {
        const consumer = shard.consumers.get(action.partition);
        if (consumer !== undefined) consumer.paused = action.paused;
        return;
      }
      case "ack":
        reached("after outputs, before the input's acknowledgement");
        return wires.post(`${this.#name}/broker/${shard.life}/ack/${action.partition}`, "ack", () => {
          broker.ack(action.partition, action.sequence);
          reached("after the input's acknowledgement");
        });
      case "request":
        return this.#askOutside(shard, action);
      case "job":
        throw new Error("no actor of this world starts jobs");
      case "tapped":
        return this.#world.event("tapped", {});
      case "event":
        return this.#world.event(action.event, action.details);
      case "partition-state":
        if (action.fault !== null) this.#world.event("refused", { ...action.fault });
    }
  }
}
