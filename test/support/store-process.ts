import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import type { FromStore, Opening, ToStore } from "../../runtime/core/ports.ts";
import { LmdbStateReader } from "../../runtime/lmdb/state-reader.ts";
import type { FromStoreWorker, StoreWorkerData } from "../../runtime/threads/store-messages.ts";
import { partitionRecord } from "./records.ts";

/*
 * Run as a process of its own: a store thread, and two shards that commit as fast as they are answered, until somebody kills it.
 * Prints a line for each acknowledged record, and `stale …` when a reader misses what was said to be folded.
 */

/** Record n of a partition sets key `k${n % KEYS}` to n. */
export const KEYS = 7;
const PARTITIONS_A_SHARD = 2;
/** Groups a shard keeps in flight, so that the store always finds several waiting. */
const IN_FLIGHT = 4;

export const keyOf = (commitSeq: number): string => `k${commitSeq % KEYS}`;

export function valueOf(commitSeq: number): Uint8Array {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setFloat64(0, commitSeq);
  return value;
}

export const commitSeqOf = (value: Uint8Array): number => Buffer.from(value).readDoubleBE(0);

class Shard {
  readonly #port: MessagePort;
  readonly #reader: LmdbStateReader;
  readonly #owned = new Map<Partition, { incarnation: number; generation: number; commitSeq: number }>();
  readonly #groups = new Map<number, { partition: Partition; commitSeq: number }[]>();
  #group = 0;

  constructor(port: MessagePort, file: string, first: number) {
    this.#port = port;
    this.#reader = new LmdbStateReader(file);
    port.on("message", (message: FromStore) => this.#on(message));
    for (let id = first; id < first + PARTITIONS_A_SHARD; id++)
      this.#send({ type: "open", request: id, partition: asPartition(id) });
  }

  #on(message: FromStore): void {
    if (message.type === "opened") this.#opened(message.opening);
    if (message.type === "committed") this.#committed(message.group, message.refused.length);
    if (message.type === "folded")
      for (const { partition, commitSeq } of message.folded) this.#read(partition, commitSeq);
  }

  #opened({ partition, incarnation, generation, commitSeq }: Opening): void {
    this.#owned.set(partition, { incarnation, generation, commitSeq });
    if (this.#owned.size === PARTITIONS_A_SHARD) for (let count = 0; count < IN_FLIGHT; count++) this.#commit();
  }

  #commit(): void {
    const group = ++this.#group;
    const records = Array.from(this.#owned, ([partition, owned]) => {
      const commitSeq = ++owned.commitSeq;
      const states = [{ kind: "counter", key: keyOf(commitSeq), part: "", bytes: valueOf(commitSeq) }];
      return partitionRecord(partition, owned.incarnation, commitSeq, { states });
    });
    this.#groups.set(group, records);
    const progress = Array.from(this.#owned, ([partition, { incarnation, commitSeq }]) => {
      const delivered = Math.max(0, commitSeq - 20);
      return { partition, incarnation, shipped: delivered, published: delivered };
    });
    this.#send({ type: "commit", group, records, progress });
  }

  #committed(group: number, refused: number): void {
    if (refused > 0) process.stdout.write("refused\n");
    const acknowledged = (this.#groups.get(group) ?? []).map((r) => `${r.partition} ${r.commitSeq}\n`);
    this.#groups.delete(group);
    process.stdout.write(acknowledged.join(""));
    this.#commit();
  }

  #read(partition: Partition, commitSeq: number): void {
    this.#reader.refresh();
    const generation = this.#owned.get(partition)?.generation ?? 0;
    const value = this.#reader.read(partition, generation, "counter", keyOf(commitSeq), "");
    if (value === undefined || commitSeqOf(value) < commitSeq) process.stdout.write(`stale ${partition}\n`);
    else process.stdout.write(`read ${partition}\n`);
  }

  #send(message: ToStore): void {
    this.#port.postMessage(message);
  }
}

const [, , file] = process.argv;
if (import.meta.main && file !== undefined) {
  const policy = { unfoldedBytesMax: 20_000, foldAfterMs: 20, idleMs: 5, busyMs: 2, slicePuts: 2, slicePutsMax: 5 };
  const workerData: StoreWorkerData = { file, policy };
  const worker = new Worker(new URL("../../runtime/host/store-worker.ts", import.meta.url), { workerData });
  worker.on("message", (message: FromStoreWorker) => {
    if (message.type !== "ready") throw new Error(JSON.stringify(message));
    for (let shard = 0; shard < 2; shard++) {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ type: "attach", shard, port: port2 }, [port2]);
      new Shard(port1, file, shard * PARTITIONS_A_SHARD);
    }
  });
}
