import type { MessagePort } from "node:worker_threads";
import { Fault, fromWireFault } from "../../protocols/errors.ts";
import { partitionOf, type Partition } from "../../protocols/ids.ts";
import { postPacked, readPacked, type WireAsk, type WireReply } from "../threads/ask-messages.ts";

export interface AskAddress {
  readonly kind: string;
  readonly key: string;
  /** Default: the partition the key hashes to. */
  readonly partition?: Partition;
}

interface Waiting {
  readonly shard: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
  readonly onLate: ((answer: unknown) => void) | undefined;
}

/** Answers that come after their deadline are remembered this long, so that what they hold can be given back (D5). */
const LATE_MS = 30_000;
const WAITING_MAX = 65_536;
/** Of those at most; what the oldest holds is then given back when its own time is up. */
const LATE_MAX = 65_536;

/**
 * Asks actors over ports, one to each shard; asks made in one turn of the event loop share a message. A1: an ask is answered once, by
 * its answer, its fault, or its deadline.
 */
export class PortAsker {
  readonly partitions: number;
  readonly #shardOf: (partition: Partition) => number;
  readonly #ports = new Map<number, MessagePort>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #late = new Map<number, (answer: unknown) => void>();
  #outgoing = new Map<number, WireAsk[]>();
  #scheduled = false;
  #id = 0;
  /** Asks whose late answer will be taken for nobody's, because there were too many. */
  lateDropped = 0;
  readonly #clockOffsetMs: number;

  /** @param clockOffsetMs added to the system's clock, as in the shards. */
  constructor(partitions: number, shardOf: (partition: Partition) => number, clockOffsetMs = 0) {
    this.#clockOffsetMs = clockOffsetMs;
    this.partitions = partitions;
    this.#shardOf = shardOf;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  attach(shard: number, port: MessagePort): void {
    this.#ports.get(shard)?.close();
    this.#ports.set(shard, port);
    port.on("message", (message: unknown) => {
      for (const reply of readPacked<WireReply>(message)) this.#settle(reply);
    });
    port.on("close", () => this.#detached(shard, port));
  }

  /**
   * Asks and waits. A tell may be asked too: its answer is null and says that it is durable.
   * @param timeoutMs after which ASK_EXPIRED is thrown; an answer that comes later goes to `onLate`.
   * @throws Fault of the actor, or NOT_OWNER, OVERLOADED, ASK_EXPIRED.
   */
  ask(
    to: AskAddress,
    type: string,
    payload: unknown,
    timeoutMs: number,
    onLate?: (answer: unknown) => void,
  ): Promise<unknown> {
    const partition = to.partition ?? partitionOf(to.key, this.partitions);
    const shard = this.#shardOf(partition);
    if (!this.#ports.has(shard)) return Promise.reject(new Fault("NOT_OWNER", `shard ${shard} is being started`));
    if (this.#waiting.size >= WAITING_MAX)
      return Promise.reject(new Fault("OVERLOADED", `${WAITING_MAX} asks wait for answers`));
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(id), timeoutMs);
      this.#waiting.set(id, { shard, resolve, reject, timer, onLate });
      this.#send(shard, {
        id,
        partition,
        kind: to.kind,
        key: to.key,
        type,
        payload,
        deadlineMs: Date.now() + this.#clockOffsetMs + timeoutMs,
      });
    });
  }

  /** Lets go of the ports; what waits is refused. */
  close(): void {
    for (const port of this.#ports.values()) port.close();
  }

  #send(shard: number, ask: WireAsk): void {
    const queue = this.#outgoing.get(shard);
    if (queue === undefined) this.#outgoing.set(shard, [ask]);
    else queue.push(ask);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const outgoing = this.#outgoing;
      this.#outgoing = new Map();
      for (const [to, asks] of outgoing) {
        const port = this.#ports.get(to);
        if (port !== undefined) postPacked(port, asks);
      }
    });
  }

  #settle({ id, answer, fault }: WireReply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      const late = this.#late.get(id);
      this.#late.delete(id);
      if (fault === null) late?.(answer);
      return;
    }
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (fault === null) waiting.resolve(answer);
    else waiting.reject(fromWireFault(fault));
  }

  #expire(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (waiting.onLate !== undefined) {
      this.#late.set(id, waiting.onLate);
      setTimeout(() => this.#late.delete(id), LATE_MS).unref();
      const [oldest] = this.#late.keys();
      if (this.#late.size > LATE_MAX && oldest !== undefined) {
        this.#late.delete(oldest);
        this.lateDropped++;
      }
    }
    waiting.reject(new Fault("ASK_EXPIRED", "the owner did not answer in time"));
  }

  #detached(shard: number, port: MessagePort): void {
    if (this.#ports.get(shard) !== port) return;
    this.#ports.delete(shard);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.shard !== shard) continue;
      this.#waiting.delete(id);
      clearTimeout(waiting.timer);
      waiting.reject(new Fault("NOT_OWNER", `shard ${shard} is being started anew`));
    }
  }
}
