import { crc32 } from "node:zlib";
import { Fault } from "./errors.ts";

/** Personal data is written only sealed: {keyId, nonce, ciphertext} with the part's own name as associated data (D9, privacy.md). */
export interface Sealer {
  seal(plain: Uint8Array, associated: string): Uint8Array;
  /** @throws Fault STATE_CORRUPT when the bytes were altered or belong to another part. */
  open(sealed: Uint8Array, associated: string): Uint8Array;
}

/** One part of an actor's state as stored: which schema wrote it, whether it is sealed, and its msgpack. */
export interface StatePart {
  readonly schemaVersion: number;
  readonly sealed: boolean;
  readonly body: Uint8Array;
}

const HEADER_BYTES = 8;

/** Part bytes: CRC-32 (4, over the rest) · format (1) · sealed (1) · schema version (2) · body. */
export function encodeStatePart(part: StatePart): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + part.body.byteLength);
  bytes.set(part.body, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, 1);
  view.setUint8(5, part.sealed ? 1 : 0);
  view.setUint16(6, part.schemaVersion);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

/** @throws Fault STATE_CORRUPT when the checksum fails, STATE_TOO_NEW for a format of a later release. */
export function decodeStatePart(bytes: Uint8Array): StatePart {
  if (bytes.byteLength < HEADER_BYTES)
    throw new Fault("STATE_CORRUPT", `a state part of ${bytes.byteLength} bytes is too short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== crc32(bytes.subarray(4)))
    throw new Fault("STATE_CORRUPT", "a state part's checksum does not match its bytes");
  if (view.getUint8(4) !== 1)
    throw new Fault("STATE_TOO_NEW", `a state part of format ${view.getUint8(4)}, this release reads 1`);
  return { schemaVersion: view.getUint16(6), sealed: view.getUint8(5) === 1, body: bytes.subarray(HEADER_BYTES) };
}
