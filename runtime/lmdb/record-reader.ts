import type { RecordReader } from "../core/checkpoint.ts";
import type { Entry, Table } from "../core/ports.ts";
import { type Environment, openEnvironment } from "./environment.ts";

/** Reads the node's file beside its writer, in the thread that made it; the store thread must have opened the file before. */
export class LmdbRecordReader implements RecordReader {
  readonly #environment: Environment;

  constructor(file: string) {
    this.#environment = openEnvironment(file, "read");
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#environment.tables[table].getBinary(key);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Entry[] {
    const range = this.#environment.tables[table].getRange({ start: from, end: to, limit });
    return Array.from(range, ({ key, value }) => ({ key, value }));
  }

  refresh(): void {
    this.#environment.refresh();
  }

  close(): Promise<void> {
    return this.#environment.close();
  }
}
