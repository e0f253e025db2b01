import { join } from "node:path";
import { openEnvironment } from "../../../runtime/lmdb/environment.ts";

/** Writes records as the store thread does: LMDB opened with the node's own settings, one value a transaction, flushed on return. */
export class RecordFile {
  readonly #records;
  #next = 0;

  /** @param folder takes the file. */
  constructor(folder: string) {
    this.#records = openEnvironment(join(folder, "floor-store"), "write").tables.records;
  }

  /** Durable when it returns. */
  flush(value: Uint8Array): void {
    const key = Buffer.alloc(8);
    key.writeBigUInt64BE(BigInt(this.#next++));
    // In braces: a returned promise would leave the commit for later (facts/runtime.md 4).
    this.#records.transactionSync(() => {
      this.#records.putSync(key, value);
    });
  }
}
