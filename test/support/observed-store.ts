import type { Put } from "../../runtime/core/ports.ts";
import { MemoryStore } from "./memory-store.ts";

/** A memory store that remembers what its last transaction was about. */
export class ObservedStore extends MemoryStore {
  folded = false;
  finishedFold = false;
  deleted = false;
  committed = false;

  override transaction(puts: readonly Put[]): void {
    super.transaction(puts);
    this.committed = puts.some(({ table, value }) => table === "records" && value !== null);
    this.deleted = puts.some(({ table, value }) => table === "records" && value === null);
    this.folded = puts.some(({ table }) => table === "state" || table === "timers");
    this.finishedFold = this.folded && puts.some(({ table }) => table === "partitions");
  }
}
