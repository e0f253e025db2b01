import { asPartition, type Partition } from "../../protocols/ids.ts";
import type { TimerRow } from "./ports.ts";

/*
 * Keys of the node's file. Byte order is the order of the values they encode, so that a scan reads a partition, a kind, an actor or a
 * span of time, and a fold writes in the order of the tree (D7). Text is UTF-8 between NULs; a NUL inside is refused by `isPath`.
 */

const RECORD_KEY_BYTES = 8;
const PARTITION_KEY_BYTES = 2;
/** u16 partition · u32 generation: what every key of a partition's state and timers begins with. */
const SPACE_BYTES = 6;
const DUE_BYTES = 8;
const DUE_DIGITS = 16;
const TWO_32 = 2 ** 32;

/** UTF-16 units of a path: three UTF-8 bytes each stay below LMDB's 1,978 bytes a key. */
const PATH_UNITS_MAX = 600;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** Keys of the store's log. @param sequence 1 to 2^53 − 1. */
export function recordKey(sequence: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_KEY_BYTES);
  writeUint64(bytes, 0, sequence);
  return bytes;
}

export function decodeRecordKey(key: Uint8Array): number {
  return readUint64(key, 0);
}

export function partitionKey(partition: Partition): Uint8Array {
  const bytes = new Uint8Array(PARTITION_KEY_BYTES);
  bytes[0] = partition >>> 8;
  bytes[1] = partition;
  return bytes;
}

export function decodePartitionKey(key: Uint8Array): Partition {
  return asPartition((byteAt(key, 0) << 8) | byteAt(key, 1));
}

/** An actor's part within its partition: `kind NUL key NUL part`. Paths sort as their keys do, but for surrogates. */
export function statePath(kind: string, key: string, part: string): string {
  return `${kind}\0${key}\0${part}`;
}

/** A timer within its partition: the due time in digits, then `kind NUL key NUL name`. */
export function timerPath(timer: TimerRow): string {
  return `${String(timer.dueMs).padStart(DUE_DIGITS, "0")}\0${timer.kind}\0${timer.key}\0${timer.name}`;
}

/** Whether a path made of `texts` texts names one key only: no NUL inside them, well-formed, short enough. */
export function isPath(path: string, texts: number): boolean {
  if (path.length > PATH_UNITS_MAX || !path.isWellFormed()) return false;
  let separators = 0;
  for (let at = path.indexOf("\0"); at >= 0; at = path.indexOf("\0", at + 1)) separators++;
  return separators === texts - 1;
}

/** What every key of a partition's state and timers begins with. */
export function spaceKey(partition: Partition, generation: number): Uint8Array {
  const key = new Uint8Array(SPACE_BYTES);
  writeSpace(key, partition, generation);
  return key;
}

export function stateKey(partition: Partition, generation: number, path: string): Uint8Array {
  const key = withText(SPACE_BYTES, path);
  writeSpace(key, partition, generation);
  return key;
}

/** @param path from `timerPath`. */
export function timerKey(partition: Partition, generation: number, path: string): Uint8Array {
  const key = withText(SPACE_BYTES + DUE_BYTES, path.slice(DUE_DIGITS + 1));
  writeSpace(key, partition, generation);
  writeUint64(key, SPACE_BYTES, Number(path.slice(0, DUE_DIGITS)));
  return key;
}

/** The first key of timers due at `dueMs` or later. */
export function timersFrom(partition: Partition, generation: number, dueMs: number): Uint8Array {
  const key = new Uint8Array(SPACE_BYTES + DUE_BYTES);
  writeSpace(key, partition, generation);
  writeUint64(key, SPACE_BYTES, dueMs);
  return key;
}

export interface StateKey {
  readonly partition: Partition;
  readonly generation: number;
  readonly kind: string;
  readonly key: string;
  readonly part: string;
}

export function decodeStateKey(bytes: Uint8Array): StateKey {
  const [kind = "", key = "", part = ""] = text.decode(bytes.subarray(SPACE_BYTES)).split("\0");
  return { partition: decodePartitionKey(bytes), generation: readUint32(bytes, PARTITION_KEY_BYTES), kind, key, part };
}

export function decodeTimerKey(bytes: Uint8Array): TimerRow {
  const [kind = "", key = "", name = ""] = text.decode(bytes.subarray(SPACE_BYTES + DUE_BYTES)).split("\0");
  return { dueMs: readUint64(bytes, SPACE_BYTES), kind, key, name };
}

/** The smallest key above every key that begins with `prefix`; `prefix` must hold a byte below 255. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  let length = prefix.byteLength;
  while (length > 1 && prefix[length - 1] === 0xff) length--;
  const bound = prefix.slice(0, length);
  bound[length - 1] = byteAt(bound, length - 1) + 1;
  return bound;
}

function withText(prefixBytes: number, value: string): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + value.length);
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit > 0x7f) return withLongText(prefixBytes, value);
    bytes[prefixBytes + index] = unit;
  }
  return bytes;
}

function withLongText(prefixBytes: number, value: string): Uint8Array {
  const encoded = utf8.encode(value);
  const bytes = new Uint8Array(prefixBytes + encoded.byteLength);
  bytes.set(encoded, prefixBytes);
  return bytes;
}

function writeSpace(bytes: Uint8Array, partition: Partition, generation: number): void {
  bytes[0] = partition >>> 8;
  bytes[1] = partition;
  writeUint32(bytes, PARTITION_KEY_BYTES, generation);
}

function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32(bytes, offset, Math.floor(value / TWO_32));
  writeUint32(bytes, offset + 4, value % TWO_32);
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function readUint64(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset) * TWO_32 + readUint32(bytes, offset + 4);
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const high = (byteAt(bytes, offset) << 24) | (byteAt(bytes, offset + 1) << 16);
  return (high | (byteAt(bytes, offset + 2) << 8) | byteAt(bytes, offset + 3)) >>> 0;
}

function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}
