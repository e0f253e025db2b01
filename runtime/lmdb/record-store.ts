import { Fault } from "../../protocols/errors.ts";
import type { Entry, Put, RecordStore, Table } from "../core/ports.ts";
import { type Environment, openEnvironment } from "./environment.ts";

/** The file as its one writer sees it. Only the store thread may have one (reliability.md 1.1). */
export class LmdbRecordStore implements RecordStore {
  readonly #environment: Environment;

  /** @param file is made when it is not there. */
  constructor(file: string) {
    this.#environment = openEnvironment(file, "write");
  }

  transaction(puts: readonly Put[]): void {
    const { tables } = this.#environment;
    try {
      // In braces: a returned promise would leave the commit for later (facts/runtime.md 4).
      tables.records.transactionSync(() => {
        for (const { table, key, value } of puts) {
          if (value === null) tables[table].removeSync(key);
          else tables[table].putSync(key, value);
        }
      });
    } catch (cause) {
      throw new Fault("STORE_CLOSED", "the node's file refused a transaction", { cause });
    }
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#environment.tables[table].getBinary(key);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Entry[] {
    const range = this.#environment.tables[table].getRange({ start: from, end: to, limit });
    return Array.from(range, ({ key, value }) => ({ key, value }));
  }

  close(): Promise<void> {
    return this.#environment.close();
  }
}
