import { decodeBounded } from "../../protocols/codec.ts";
import { type CommitRecord, decodeRecord } from "../../protocols/commit-record.ts";
import { decodeMail } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { plainJson } from "../../protocols/plain-json.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";

const MAIL_VERSION = 1;

/**
 * The content of any message of Chorus as plain JSON, told apart by its shape: mail, records of a partition's log, and values (decision
 * rows, dead letters, topics). What is JSON already stays as it is. Sealed state stays closed.
 * @throws Fault CODEC_INVALID or CODEC_LIMIT for what is neither.
 */
export function decodeMessage(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return null;
  const json = jsonOf(bytes);
  if (json !== undefined) return json;
  const value = decodeBounded(bytes);
  if (!Array.isArray(value)) return plainJson(value);
  if (value.length === 2 && value[0] === MAIL_VERSION && Array.isArray(value[1])) return plainJson(decodeMail(bytes));
  if (value.length > 0 && value.every((item) => item instanceof Uint8Array)) return value.map(recordView);
  return plainJson(value);
}

/** msgpack of Chorus is never what starts a JSON object or array: those bytes are small numbers in msgpack. */
function jsonOf(bytes: Uint8Array): unknown {
  if (bytes[0] !== 0x7b && bytes[0] !== 0x5b) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

function recordView(bytes: Uint8Array): unknown {
  try {
    return plainJson(shown(decodeRecord(bytes)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { fault: error.code, message: error.message, bytes: plainJson(bytes) };
  }
}

function shown(record: CommitRecord): unknown {
  return {
    ...record,
    states: record.states.map(({ bytes, ...state }) => ({ ...state, value: bytes === null ? null : partView(bytes) })),
    decisions: record.decisions.map((row) => decodeBounded(row)),
    deadLetters: record.deadLetters.map((letter) => decodeBounded(letter)),
    topics: record.topics.map(({ bytes, ...topic }) => ({ ...topic, value: decodeBounded(bytes) })),
  };
}

function partView(bytes: Uint8Array): unknown {
  const { sealed, schemaVersion, body } = decodeStatePart(bytes);
  return sealed ? { sealed: true, schemaVersion, bytes: body.byteLength } : decodeBounded(body);
}
