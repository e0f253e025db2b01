import { Fault } from "../../protocols/errors.ts";
import { KeyedStateReader, type Snapshot } from "../../runtime/core/keyed-state-reader.ts";
import type { Entry, Put, RecordStore, Table } from "../../runtime/core/ports.ts";

/** When an injected failure strikes: before the transaction reached the disk, or after, when only its answer is lost. */
export type FailurePoint = "before" | "after";

interface Version {
  readonly transaction: number;
  readonly value: Uint8Array | null;
}

/** One table: the versions of each key, oldest first, and the keys in order. */
class MemoryTable {
  readonly #versions = new Map<string, Version[]>();
  readonly #keys: string[] = [];

  write(key: string, version: Version, oldestRead: number): void {
    const versions = this.#versions.get(key);
    if (versions === undefined) {
      if (version.value === null) return;
      this.#versions.set(key, [version]);
      this.#keys.splice(this.#position(key), 0, key);
      return;
    }
    versions.push(version);
    while (versions[1] !== undefined && versions[1].transaction <= oldestRead) versions.shift();
    if (versions.length > 1 || version.value !== null) return;
    this.#versions.delete(key);
    this.#keys.splice(this.#position(key), 1);
  }

  read(key: string, transaction: number): Uint8Array | undefined {
    const version = this.#versions.get(key)?.findLast((v) => v.transaction <= transaction);
    return version?.value == null ? undefined : new Uint8Array(version.value);
  }

  *range(from: string, to: string, transaction: number): Generator<[string, Uint8Array]> {
    for (let index = this.#position(from); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? "";
      if (key >= to) return;
      const value = this.read(key, transaction);
      if (value !== undefined) yield [key, value];
    }
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The node's file in memory. What a transaction wrote is durable when it returns and visible to a reader when that reader refreshes.
 * `crash` is the loss of the process: readers and armed failures end, what is durable stays.
 */
export class MemoryStore implements RecordStore {
  readonly #tables: Record<Table, MemoryTable> = {
    records: new MemoryTable(),
    state: new MemoryTable(),
    timers: new MemoryTable(),
    partitions: new MemoryTable(),
  };
  readonly #readers = new Set<MemoryStateReader>();
  #transactions = 0;
  #failure: { readonly at: number; readonly point: FailurePoint } | null = null;
  #down = false;

  /** Transactions that became durable since the file was made. */
  get transactions(): number {
    return this.#transactions;
  }

  /** Arms a failure of the `count`-th transaction from now, 1 being the next. */
  failAt(count: number, point: FailurePoint): void {
    this.#failure = { at: this.#transactions + count, point };
  }

  crash(): void {
    this.#failure = null;
    this.#down = false;
    for (const reader of Array.from(this.#readers)) reader.close();
  }

  transaction(puts: readonly Put[]): void {
    if (this.#down) throw new Fault("STORE_CLOSED", "the memory store failed earlier");
    const failure = this.#failure?.at === this.#transactions + 1 ? this.#failure : null;
    if (failure?.point === "before") this.#fail();
    this.#transactions++;
    const oldestRead = Math.min(this.#transactions, ...Array.from(this.#readers, (reader) => reader.asOf));
    for (const { table, key, value } of puts) {
      const version = { transaction: this.#transactions, value: value === null ? null : new Uint8Array(value) };
      this.#tables[table].write(textOf(key), version, oldestRead);
    }
    if (failure !== null) this.#fail();
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.readAsOf(table, key, this.#transactions);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Entry[] {
    return Array.from(this.scanAsOf(table, from, to, limit, this.#transactions));
  }

  reader(): MemoryStateReader {
    const reader = new MemoryStateReader(new MemorySnapshot(this), (closed) => this.#readers.delete(closed));
    this.#readers.add(reader);
    return reader;
  }

  readAsOf(table: Table, key: Uint8Array, transaction: number): Uint8Array | undefined {
    return this.#tables[table].read(textOf(key), transaction);
  }

  *scanAsOf(table: Table, from: Uint8Array, to: Uint8Array, limit: number, transaction: number): Generator<Entry> {
    let left = limit;
    for (const [key, value] of this.#tables[table].range(textOf(from), textOf(to), transaction)) {
      if (left-- <= 0) return;
      yield { key: Buffer.from(key, "latin1"), value };
    }
  }

  #fail(): never {
    this.#down = true;
    throw new Fault("STORE_CLOSED", "injected failure of the disk");
  }
}

class MemorySnapshot implements Snapshot {
  readonly #store: MemoryStore;
  asOf: number;

  constructor(store: MemoryStore) {
    this.#store = store;
    this.asOf = store.transactions;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#store.readAsOf(table, key, this.asOf);
  }

  *keys(table: Table, from: Uint8Array, to: Uint8Array, limit: number): Generator<Uint8Array> {
    for (const { key } of this.#store.scanAsOf(table, from, to, limit, this.asOf)) yield key;
  }

  refresh(): void {
    this.asOf = this.#store.transactions;
  }
}

/** Sees the file as of its last refresh. An open reader keeps old versions: close it, or crash the store. */
export class MemoryStateReader extends KeyedStateReader {
  readonly #snapshot: MemorySnapshot;
  readonly #onClose: (reader: MemoryStateReader) => void;

  constructor(snapshot: MemorySnapshot, onClose: (reader: MemoryStateReader) => void) {
    super(snapshot);
    this.#snapshot = snapshot;
    this.#onClose = onClose;
  }

  get asOf(): number {
    return this.#snapshot.asOf;
  }

  close(): void {
    this.#onClose(this);
  }
}

/** Bytes as characters, which compare as the bytes do. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
