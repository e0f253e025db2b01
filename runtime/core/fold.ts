import type { CommitRecord } from "../../protocols/commit-record.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { Put } from "./ports.ts";
import { isPath, statePath, stateKey, timerKey, timerPath } from "./store-keys.ts";

/** A timer is its key; the value only has to be there. */
const TIMER_SET = Uint8Array.of(1);

/** What a record changes, by path, in the order of the record. */
export interface KeyedChanges {
  readonly states: readonly (readonly [path: string, bytes: Uint8Array | null])[];
  readonly timers: readonly (readonly [path: string, set: boolean])[];
}

/** @returns the changes, or the first text that cannot be a key: it would name another actor's, or none. */
export function keyChanges(record: CommitRecord): KeyedChanges | { readonly unfit: string } {
  const states: [string, Uint8Array | null][] = [];
  for (const change of record.states) {
    const path = statePath(change.kind, change.key, change.part);
    if (!isPath(path, 3)) return { unfit: path };
    states.push([path, change.bytes]);
  }
  const timers: [string, boolean][] = [];
  for (const timer of record.timers) {
    const path = timerPath(timer);
    if (!isPath(path, 4) || !Number.isSafeInteger(timer.dueMs) || timer.dueMs < 0) return { unfit: path };
    timers.push([path, timer.set]);
  }
  return { states, timers };
}

/** The newest value of each key that a partition's records changed since its last fold (D7: last write wins). */
export class Unfolded {
  readonly #states = new Map<string, Uint8Array | null>();
  readonly #timers = new Map<string, boolean>();
  #bytes = 0;

  /** Bytes of the records added: what a restart would have to fold again. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(changes: KeyedChanges, recordBytes: number): void {
    for (const [path, bytes] of changes.states) this.#states.set(path, bytes);
    for (const [path, set] of changes.timers) this.#timers.set(path, set);
    this.#bytes += recordBytes;
  }

  /** The rows to write, in the order of the tree: unsorted puts cost five times the throughput (facts/runtime.md 1). */
  freeze(partition: Partition, generation: number): FoldRun {
    return new FoldRun(partition, generation, this.#states, this.#timers, this.#bytes);
  }
}

/** One partition's part of a fold round: frozen rows, taken slice by slice. */
export class FoldRun {
  readonly bytes: number;
  readonly #partition: Partition;
  readonly #generation: number;
  readonly #states: ReadonlyMap<string, Uint8Array | null>;
  readonly #timers: ReadonlyMap<string, boolean>;
  readonly #statePaths: string[];
  readonly #timerPaths: string[];
  #taken = 0;

  constructor(
    partition: Partition,
    generation: number,
    states: ReadonlyMap<string, Uint8Array | null>,
    timers: ReadonlyMap<string, boolean>,
    bytes: number,
  ) {
    this.#partition = partition;
    this.#generation = generation;
    this.#states = states;
    this.#timers = timers;
    this.#statePaths = Array.from(states.keys()).sort();
    this.#timerPaths = Array.from(timers.keys()).sort();
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.#taken >= this.#statePaths.length + this.#timerPaths.length;
  }

  /** Appends at most `limit` rows. @returns how many. */
  take(limit: number, into: Put[]): number {
    const states = this.#statePaths.length;
    const end = Math.min(this.#taken + limit, states + this.#timerPaths.length);
    const from = this.#taken;
    for (; this.#taken < end; this.#taken++) {
      const statePath = this.#statePaths[this.#taken];
      if (statePath !== undefined) {
        const value = this.#states.get(statePath) ?? null;
        into.push({ table: "state", key: stateKey(this.#partition, this.#generation, statePath), value });
        continue;
      }
      const path = this.#timerPaths[this.#taken - states] ?? "";
      const value = this.#timers.get(path) === true ? TIMER_SET : null;
      into.push({ table: "timers", key: timerKey(this.#partition, this.#generation, path), value });
    }
    return end - from;
  }
}
