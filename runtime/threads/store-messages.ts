import type { MessagePort } from "node:worker_threads";
import type { WireFault } from "../../protocols/errors.ts";
import type { StoreFigures } from "../core/committer.ts";
import type { FoldPolicy } from "../core/fold-round.ts";

/*
 * The store thread's whole protocol with the daemon. With shards it speaks `ToStore` and `FromStore` (core/ports.ts) on the ports that
 * `attach` brings.
 */

/** `workerData` of the store thread. */
export interface StoreWorkerData {
  /** The node's LMDB file itself, not its folder. */
  readonly file: string;
  /** Default: `FOLD_POLICY`. */
  readonly policy?: FoldPolicy;
}

/** From the daemon. */
export type ToStoreWorker =
  /** The port is transferred; a shard that was replaced brings a new one under the same number, and the old one is closed. */
  | { readonly type: "attach"; readonly shard: number; readonly port: MessagePort }
  | { readonly type: "detach"; readonly shard: number }
  | { readonly type: "stats"; readonly request: number }
  /** Commits what has arrived, folds to the end if `fold`, closes the file, answers `closed`; the thread then ends by itself. After `failed` it only ends. */
  | { readonly type: "close"; readonly fold: boolean };

/** To the daemon. */
export type FromStoreWorker =
  /** The file is open and what the last process left in it is loaded: shards may open it for reading. */
  | { readonly type: "ready"; readonly figures: StoreFigures }
  | { readonly type: "stats"; readonly request: number; readonly figures: StoreFigures }
  | { readonly type: "closed"; readonly figures: StoreFigures }
  /** Nothing is answered any more: stop the daemon, start again from what is durable (reliability.md 1.5). */
  | { readonly type: "failed"; readonly fault: WireFault };
