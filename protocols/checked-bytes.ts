import { crc32 } from "node:zlib";
import { decode, encode } from "./codec.ts";
import { Fault } from "./errors.ts";

const HEADER_BYTES = 6;

/** Wraps a plain value for a place that does not notice flipped bits: CRC-32 (4, over the rest) · version (2) · msgpack. */
export function encodeChecked(version: number, value: unknown): Uint8Array {
  const body = encode(value);
  const bytes = new Uint8Array(HEADER_BYTES + body.byteLength);
  bytes.set(body, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, version);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

/**
 * Reads what `encodeChecked` wrote. Byte strings inside are views of `bytes`.
 * @param what names the value in errors, for instance "group 17".
 * @throws Fault RECORD_CORRUPT when the checksum fails, STATE_TOO_NEW when a later release wrote it.
 */
export function decodeChecked(version: number, bytes: Uint8Array, what: string): unknown {
  if (bytes.byteLength < HEADER_BYTES)
    throw new Fault("RECORD_CORRUPT", `${what}: ${bytes.byteLength} bytes are too short`, { details: { what } });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== crc32(bytes.subarray(4)))
    throw new Fault("RECORD_CORRUPT", `${what}: the checksum does not match the bytes`, { details: { what } });
  const written = view.getUint16(4);
  if (written !== version)
    throw new Fault("STATE_TOO_NEW", `${what} has version ${written}, this release reads ${version}`, {
      details: { what },
    });
  return decode(bytes.subarray(HEADER_BYTES));
}
