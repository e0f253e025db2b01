import { decodeChecked, encodeChecked } from "./checked-bytes.ts";
import { Fault } from "./errors.ts";

/*
 * The file of one partition's checkpoint (D6): frames, each a checked value behind its length, so that a flipped bit, a missing frame and
 * a file cut short are all noticed. First the row the partition had when reading began, then its entries, then what was counted.
 */

/** Tables of the store that hold a partition's state. */
export type CheckpointTable = "state" | "timers";

export interface CheckpointEntry {
  readonly table: CheckpointTable;
  /** The store's key without partition and generation. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type CheckpointFrame =
  | { readonly type: "row"; readonly row: Uint8Array }
  | { readonly type: "entries"; readonly entries: readonly CheckpointEntry[] }
  /** @property commitSeq up to which entries may already say what happened: the log must reach it (D6). */
  | { readonly type: "end"; readonly entries: number; readonly commitSeq: number };

const VERSION = 1;
const LENGTH_BYTES = 4;
/** A frame holds a few entries, each at most a message's part of a record (D2). */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;
const TABLES: readonly CheckpointTable[] = ["state", "timers"];

type RawFrame =
  ["row", Uint8Array] | ["entries", [table: number, key: Uint8Array, value: Uint8Array][]] | ["end", number, number];

export function encodeFrame(frame: CheckpointFrame): Uint8Array {
  const body = encodeChecked(VERSION, rawOf(frame));
  const bytes = new Uint8Array(LENGTH_BYTES + body.byteLength);
  new DataView(bytes.buffer).setUint32(0, body.byteLength);
  bytes.set(body, LENGTH_BYTES);
  return bytes;
}

function rawOf(frame: CheckpointFrame): RawFrame {
  switch (frame.type) {
    case "row":
      return ["row", frame.row];
    case "entries":
      return ["entries", frame.entries.map(({ table, key, value }) => [TABLES.indexOf(table), key, value])];
    case "end":
      return ["end", frame.entries, frame.commitSeq];
  }
}

/** Cuts a stream of bytes into frames, however it arrives. */
export class FrameReader {
  readonly #what: string;
  #held: Uint8Array = new Uint8Array(0);

  /** @param what names the checkpoint in errors. */
  constructor(what: string) {
    this.#what = what;
  }

  /** @throws Fault RECORD_CORRUPT or STATE_TOO_NEW, naming the checkpoint. */
  *take(bytes: Uint8Array): Generator<CheckpointFrame> {
    this.#held = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    for (;;) {
      const held = this.#held;
      if (held.byteLength < LENGTH_BYTES) return;
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0);
      if (length > FRAME_BYTES_MAX) throw this.#corrupt(`a frame of ${length} bytes`);
      if (held.byteLength < LENGTH_BYTES + length) return;
      yield this.#frame(held.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      this.#held = held.subarray(LENGTH_BYTES + length);
    }
  }

  /** Nothing may be left over. @throws Fault RECORD_CORRUPT. */
  end(): void {
    if (this.#held.byteLength > 0) throw this.#corrupt("it ends inside a frame");
  }

  #frame(bytes: Uint8Array): CheckpointFrame {
    const raw = decodeChecked(VERSION, bytes, this.#what) as RawFrame;
    switch (raw[0]) {
      case "row":
        return { type: "row", row: raw[1] };
      case "end":
        return { type: "end", entries: raw[1], commitSeq: raw[2] };
      case "entries":
        return {
          type: "entries",
          entries: raw[1].map(([table, key, value]) => ({ table: tableOf(table), key, value })),
        };
    }
  }

  #corrupt(why: string): Fault {
    return new Fault("RECORD_CORRUPT", `${this.#what}: ${why}`, { details: { what: this.#what } });
  }
}

function tableOf(number: number): CheckpointTable {
  const table = TABLES[number];
  if (table === undefined) throw new Fault("STATE_TOO_NEW", `a checkpoint's table ${number} is not known here`);
  return table;
}
