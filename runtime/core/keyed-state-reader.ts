import type { Partition } from "../../protocols/ids.ts";
import type { StateReader, Table, TimerRow } from "./ports.ts";
import { afterPrefix, decodeStateKey, decodeTimerKey, stateKey, statePath, timersFrom } from "./store-keys.ts";

/** A consistent view of the node's file, as old as the last `refresh`. */
export interface Snapshot {
  /** Bytes owned by the caller. */
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** Keys with from ≤ key < to, in order, at most `limit`. */
  keys(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Iterable<Uint8Array>;
  refresh(): void;
}

/** Keys read one after the other before an actor with many parts is skipped by a seek. */
const STEPS_BEFORE_SEEK = 8;

/** Answers the questions of a shard from any snapshot of the file: the meaning of keys is here, the bytes' origin is not (D8). */
export class KeyedStateReader implements StateReader {
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  read(partition: Partition, generation: number, kind: string, key: string, part: string): Uint8Array | undefined {
    return this.#snapshot.get("state", stateKey(partition, generation, statePath(kind, key, part)));
  }

  parts(partition: Partition, generation: number, kind: string, key: string, prefix: string): string[] {
    const from = stateKey(partition, generation, statePath(kind, key, prefix));
    const names: string[] = [];
    for (const found of this.#snapshot.keys("state", from, afterPrefix(from), Infinity))
      names.push(decodeStateKey(found).part);
    return names;
  }

  keys(partition: Partition, generation: number, kind: string, after: string, limit: number): string[] {
    const end = afterPrefix(stateKey(partition, generation, `${kind}\0`));
    let from = stateKey(partition, generation, after === "" ? `${kind}\0` : `${kind}\0${after}\x01`);
    const found: string[] = [];
    while (found.length < limit) {
      const last = this.#distinctKeys(from, end, limit, found);
      if (last === undefined) break;
      from = stateKey(partition, generation, `${kind}\0${last}\x01`);
    }
    return found;
  }

  timers(partition: Partition, generation: number, fromMs: number, untilMs: number, limit: number): TimerRow[] {
    const from = timersFrom(partition, generation, fromMs);
    const to = timersFrom(partition, generation, untilMs + 1);
    return Array.from(this.#snapshot.keys("timers", from, to, limit), decodeTimerKey);
  }

  refresh(): void {
    this.#snapshot.refresh();
  }

  /** @returns the key at which to seek on, or undefined when the range was read to its end or enough was found. */
  #distinctKeys(from: Uint8Array, end: Uint8Array, limit: number, found: string[]): string | undefined {
    let last: string | undefined;
    let steps = 0;
    for (const bytes of this.#snapshot.keys("state", from, end, Infinity)) {
      const { key } = decodeStateKey(bytes);
      if (key !== last) {
        found.push(key);
        if (found.length >= limit) return undefined;
        last = key;
        steps = 0;
      } else if (++steps >= STEPS_BEFORE_SEEK) {
        return key;
      }
    }
    return undefined;
  }
}
