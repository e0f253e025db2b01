import { addExtension, Packr, Unpackr } from "msgpackr";
import { Fault } from "./errors.ts";

/*
 * The one place that knows msgpack. Plain values only: no records, no extension types, integers beyond 32 bits as doubles.
 * Extension types 0 to 127 are refused by number where msgpackr would revive them (facts/faults.md 2d).
 */

/** Bounds for bytes that come from outside this process (reliability.md P10). */
export interface DecodeLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  readonly nodesMax: number;
}

/** `max_payload` is 8 MB; depth and count are far above any message of ours. */
const MESSAGE_LIMITS: DecodeLimits = { bytesMax: 8 * 1024 * 1024, depthMax: 32, nodesMax: 1_000_000 };

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  int64AsType: "number",
  variableMapSize: true,
});
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  int64AsType: "number",
});

class Revived {
  readonly type: number;
  constructor(type: number) {
    this.type = type;
  }
}

/** Replaces msgpackr's revivers (Set, RegExp, Error, typed arrays, BigInt) by a marker that `checkPlain` refuses. */
for (const type of [0x42, 0x62, 0x65, 0x69, 0x6e, 0x70, 0x73, 0x74, 0x78]) {
  addExtension({
    type,
    Class: class extends Revived {},
    read: () => new Revived(type),
    write: () => new Uint8Array(0),
    pack: () => Buffer.alloc(0),
    unpack: () => new Revived(type),
  });
}

/** @returns bytes owned by the caller. @throws Fault CODEC_INVALID for what msgpack cannot carry. */
export function encode(value: unknown): Uint8Array {
  try {
    return packr.pack(value);
  } catch (cause) {
    throw new Fault("CODEC_INVALID", "the value cannot be encoded as msgpack", { cause });
  }
}

/** Joins values that are encoded already into one msgpack array, without decoding them. */
export function encodeArrayOf(encoded: readonly Uint8Array[]): Uint8Array {
  const header =
    encoded.length < 16
      ? Uint8Array.of(0x90 | encoded.length)
      : encoded.length < 65_536
        ? Uint8Array.of(0xdc, encoded.length >> 8, encoded.length & 0xff)
        : undefined;
  if (header === undefined) throw new Fault("CODEC_LIMIT", `${encoded.length} values in one array`);
  return Buffer.concat([header, ...encoded]);
}

/** Decodes bytes this process wrote and whose checksum was checked. @throws Fault CODEC_INVALID. */
export function decode(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes);
  } catch (cause) {
    throw new Fault("CODEC_INVALID", "the bytes are not msgpack", { cause });
  }
}

/** Decodes bytes from the bus or another node. @throws Fault CODEC_LIMIT or CODEC_INVALID; never anything else. */
export function decodeBounded(bytes: Uint8Array, limits: DecodeLimits = MESSAGE_LIMITS): unknown {
  if (bytes.byteLength > limits.bytesMax) {
    throw new Fault("CODEC_LIMIT", `message of ${bytes.byteLength} bytes exceeds ${limits.bytesMax}`, {
      details: { rule: "bytesMax" },
    });
  }
  const value = decode(bytes);
  let nodes = 0;
  const walk = (node: unknown, depth: number): void => {
    if (++nodes > limits.nodesMax)
      throw new Fault("CODEC_LIMIT", `more than ${limits.nodesMax} values`, { details: { rule: "nodesMax" } });
    if (node === null || typeof node !== "object" || node instanceof Uint8Array) return checkScalar(node);
    if (depth >= limits.depthMax)
      throw new Fault("CODEC_LIMIT", `nested deeper than ${limits.depthMax}`, { details: { rule: "depthMax" } });
    if (Array.isArray(node)) {
      for (const item of node) walk(item, depth + 1);
      return;
    }
    if (Object.getPrototypeOf(node) !== Object.prototype)
      throw new Fault("CODEC_INVALID", "an extension type where a plain value belongs");
    for (const key in node) walk((node as Record<string, unknown>)[key], depth + 1);
  };
  walk(value, 0);
  return value;
}

function checkScalar(node: unknown): void {
  const type = typeof node;
  if (type === "bigint" || type === "function" || type === "symbol")
    throw new Fault("CODEC_INVALID", `a ${type} where a plain value belongs`);
}
