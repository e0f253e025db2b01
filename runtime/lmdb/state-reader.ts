import type { Table } from "../core/ports.ts";
import { KeyedStateReader, type Snapshot } from "../core/keyed-state-reader.ts";
import { type Environment, openEnvironment } from "./environment.ts";

/** A shard's view of the file: never writes, so that the thread may be terminated at any moment (facts/faults.md 2a.4). */
class LmdbSnapshot implements Snapshot {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#environment.tables[table].getBinary(key);
  }

  keys(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Iterable<Uint8Array> {
    return this.#environment.tables[table].getKeys({ start: from, end: to, limit });
  }

  refresh(): void {
    this.#environment.refresh();
  }
}

/** Reads the node's file in the thread that made it; the store thread must have opened the file before. */
export class LmdbStateReader extends KeyedStateReader {
  readonly #environment: Environment;

  constructor(file: string) {
    const environment = openEnvironment(file, "read");
    super(new LmdbSnapshot(environment));
    this.#environment = environment;
  }

  close(): Promise<void> {
    return this.#environment.close();
  }
}
