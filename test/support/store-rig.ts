import { asPartition } from "../../protocols/ids.ts";
import { Committer, type Sent } from "../../runtime/core/committer.ts";
import { FOLD_POLICY, type FoldPolicy } from "../../runtime/core/fold-round.ts";
import type { FromStore, Opening, PartitionRecord, RecordStore } from "../../runtime/core/ports.ts";
import { ManualClock } from "./manual-clock.ts";

type Answer<Type extends FromStore["type"]> = Extract<FromStore, { type: Type }>;

/** A committer with its clock, driven by hand; `restart` is a new process over the same file. */
export class StoreRig {
  readonly clock = new ManualClock();
  readonly store: RecordStore;
  readonly #policy: FoldPolicy;
  committer: Committer;
  #requests = 0;

  constructor(store: RecordStore, policy: Partial<FoldPolicy> = {}) {
    this.store = store;
    this.#policy = { ...FOLD_POLICY, ...policy };
    this.committer = new Committer(store, this.clock, this.#policy);
  }

  restart(): void {
    this.committer = new Committer(this.store, this.clock, this.#policy);
  }

  open(partition: number, shard = 0): Opening {
    const request = ++this.#requests;
    this.committer.receive(shard, { type: "open", request, partition: asPartition(partition) });
    return only(answers(this.committer.turn(), "opened")).opening;
  }

  commit(group: number, records: readonly PartitionRecord[], shard = 0): void {
    this.committer.receive(shard, { type: "commit", group, records, progress: [] });
  }

  /** Says that a partition's records were shipped and their outputs acknowledged. */
  progress(partition: number, incarnation: number, shipped: number, published = shipped): void {
    const news = { partition: asPartition(partition), incarnation, shipped, published };
    this.committer.receive(0, { type: "progress", progress: [news] });
  }

  turn(): Sent[] {
    return this.committer.turn();
  }

  /** Turns until nothing is left to fold or delete. */
  finish(): Sent[] {
    const sent: Sent[] = [];
    while (!this.committer.finished) sent.push(...this.committer.turn({ finish: true }));
    return sent;
  }
}

export function answers<Type extends FromStore["type"]>(sent: readonly Sent[], type: Type): Answer<Type>[] {
  return sent.map(({ message }) => message).filter((message): message is Answer<Type> => message.type === type);
}

export function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined || items.length !== 1) throw new Error(`expected one item, found ${items.length}`);
  return first;
}
