import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from "lmdb";
import type { Table } from "../core/ports.ts";

/** What a table is once open: keys and values are bytes as they are. */
export type Bytes = Database<Uint8Array, Uint8Array>;

/** The node's file, open in this thread. Threads of one process share one mapping of it. */
export interface Environment {
  readonly tables: Readonly<Record<Table, Bytes>>;
  /** Ends this thread's read snapshot: the next read sees the newest commit. */
  refresh(): void;
  /** Closes this thread's use of the file; the last one closes the file. */
  close(): Promise<void>;
}

export type Access = "write" | "read";

/** One read slot a thread, and the tools' beside: far above what a node starts. */
const READERS_MAX = 512;
/** Virtual address space, not disk: the file grows as it is written, and the mapping need not move under readers for long. */
const MAP_BYTES = 16 * 1024 ** 3;

/**
 * Opens the node's file. The store thread opens it for writing before any other thread opens it for reading, because a reader takes the
 * tables over from the writer's mapping and never starts a write transaction: a thread that dies inside one hangs the process
 * (facts/faults.md 2a).
 * @param file names the file itself; a file named `<file>-lock` appears beside it.
 * @throws Error of lmdb when the file cannot be opened or is none of ours.
 */
export function openEnvironment(file: string, access: Access): Environment {
  const options: RootDatabaseOptionsWithPath & { readonly safeRestore: boolean } = {
    path: file,
    noSubdir: true,
    readOnly: access === "read",
    encoding: "binary",
    keyEncoding: "binary",
    cache: false,
    compression: false,
    maxDbs: 8,
    maxReaders: READERS_MAX,
    mapSize: MAP_BYTES,
    // Both from facts/faults.md 2a.2 and 2a.3: a commit is acknowledged after its fsync and only then visible; a file that lost writes
    // under the same boot id is opened at the last state that was whole.
    overlappingSync: false,
    safeRestore: true,
    noSync: false,
    noMetaSync: false,
    // Read-ahead stays on, the default: folds and scans go in key order, and LMDB advises against it only for files beyond memory.
  };
  const root = open<Uint8Array, Uint8Array>(options);
  const table = (name: Table): Bytes => openTable(root, name);
  const tables = {
    records: table("records"),
    state: table("state"),
    timers: table("timers"),
    partitions: table("partitions"),
  };
  return { tables, refresh: () => root.resetReadTxn(), close: () => root.close() };
}

function openTable(root: RootDatabase<Uint8Array, Uint8Array>, name: Table): Bytes {
  const table = root.openDB<Uint8Array, Uint8Array>({
    name,
    encoding: "binary",
    keyEncoding: "binary",
    cache: false,
  }) as Bytes | undefined; // undefined when there is no such table, whatever the types say
  if (table === undefined) throw new Error(`the file has no table ${name}: its writer must open it first`);
  return table;
}
