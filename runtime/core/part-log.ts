import type { PartTable } from "../actor/state.ts";

/** Stands for a deleted or absent part inside the runtime; agents see undefined. */
export const ABSENT = Symbol("absent part");
export type PartValue = unknown;

/** Where a table finds what it did not change itself. */
export interface PartSource {
  read(name: string): PartValue;
  names(prefix: string): string[];
}

interface Change {
  readonly index: number;
  readonly value: PartValue;
  readonly previous: Change | undefined;
}

interface SharedLog {
  readonly names: string[];
  readonly latest: Map<string, Change>;
}

/**
 * A persistent view of an actor's parts: `with` appends to a log that later views share, so a handler that changes n parts costs O(n).
 * An older view still sees what it saw. Owned by one envelope; its changes reach the activation only when that envelope succeeds.
 */
export class PartView implements PartTable<Record<string, unknown>> {
  readonly #source: PartSource;
  readonly #log: SharedLog;
  readonly #length: number;

  constructor(source: PartSource, log: SharedLog = { names: [], latest: new Map() }, length = 0) {
    this.#source = source;
    this.#log = log;
    this.#length = length;
  }

  get(name: string): unknown {
    const value = this.read(name);
    return value === ABSENT ? undefined : value;
  }

  read(name: string): PartValue {
    let change = this.#log.latest.get(name);
    while (change !== undefined && change.index >= this.#length) change = change.previous;
    return change === undefined ? this.#source.read(name) : change.value;
  }

  with(name: string, value: unknown): PartView {
    return this.#append(name, value);
  }

  without(name: string): PartView {
    return this.#append(name, ABSENT);
  }

  names(prefix = ""): string[] {
    const names = new Set(this.#source.names(prefix));
    for (const [name, value] of this.changes()) {
      if (!name.startsWith(prefix)) continue;
      if (value === ABSENT) names.delete(name);
      else names.add(name);
    }
    return [...names].sort();
  }

  /** The last change of each part, in the order of their first change. */
  changes(): Map<string, PartValue> {
    const changes = new Map<string, PartValue>();
    for (let index = 0; index < this.#length; index++) {
      const name = this.#log.names[index];
      if (name !== undefined && !changes.has(name)) changes.set(name, this.read(name));
    }
    return changes;
  }

  #append(name: string, value: PartValue): PartView {
    const log = this.#log.names.length === this.#length ? this.#log : this.#copy();
    log.latest.set(name, { index: this.#length, value, previous: log.latest.get(name) });
    log.names.push(name);
    return new PartView(this.#source, log, this.#length + 1);
  }

  #copy(): SharedLog {
    const log: SharedLog = { names: [], latest: new Map() };
    for (let index = 0; index < this.#length; index++) {
      const name = this.#log.names[index] ?? "";
      let change = this.#log.latest.get(name);
      while (change !== undefined && change.index > index) change = change.previous;
      log.latest.set(name, { index, value: change?.value, previous: log.latest.get(name) });
      log.names.push(name);
    }
    return log;
  }
}
