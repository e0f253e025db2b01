import { crc32 } from "node:zlib";
import { decode, encode } from "./codec.ts";
import type { Envelope, Sender } from "./envelope.ts";
import { Fault } from "./errors.ts";
import { asPartition, type Partition } from "./ids.ts";

/** How far a partition has applied its mail (D2). */
export interface MailPosition {
  /** `NAME@created` of the stream: a sequence alone is no watermark (reliability.md 1.4). */
  readonly stream: string;
  /** Sequence of the message being applied; 0 before the first. */
  readonly sequence: number;
  /** Envelopes of that message already applied: a message delivered again is resumed there. */
  readonly index: number;
}

/** A part of an actor's state, or its deletion when `bytes` is null. The bytes are a sealed, checksummed part (state-part.ts). */
export interface StateChange {
  readonly kind: string;
  readonly key: string;
  readonly part: string;
  readonly bytes: Uint8Array | null;
}

export interface TimerChange {
  readonly dueMs: number;
  readonly kind: string;
  readonly key: string;
  readonly name: string;
  /** false removes the row. */
  readonly set: boolean;
}

/** Envelopes of this commit to one other partition, with the sequence of the first (D4). */
export interface OutboxRun {
  readonly to: Partition;
  readonly first: number;
  readonly envelopes: readonly Envelope[];
}

/** A value published as the last of its subject; a lower or equal version than the subject's tail is skipped (D5). */
export interface TopicOutput {
  readonly topic: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** What one group changed in one partition (D2). Everything that must survive is here and nowhere else. */
export interface CommitRecord {
  readonly partition: Partition;
  readonly epoch: number;
  readonly commitSeq: number;
  /** Where mail stands after this record; null while no mail was applied yet. */
  readonly position: MailPosition | null;
  /** Senders whose last applied sequence changed. */
  readonly received: readonly (readonly [sender: Sender, sequence: number])[];
  /** Receivers whose last assigned sequence changed. */
  readonly sent: readonly (readonly [to: Partition, sequence: number])[];
  readonly states: readonly StateChange[];
  readonly timers: readonly TimerChange[];
  readonly outbox: readonly OutboxRun[];
  /** Encoded rows for `chorus.decisions.<p>`. */
  readonly decisions: readonly Uint8Array[];
  /** Encoded copies for `chorus.dlq.<p>`. */
  readonly deadLetters: readonly Uint8Array[];
  readonly topics: readonly TopicOutput[];
  /** (topic, version) of the snapshots that handlers of this group read. */
  readonly snapshots: readonly (readonly [topic: string, version: number])[];
  /** commitSeq up to which this partition's outputs were acknowledged when the record was made. */
  readonly published: number;
  /** `fx.nowMs` of the group; it never goes back, also after takeover (D10). */
  readonly nowMs: number;
}

const VERSION = 1;
const HEADER_BYTES = 6;

/** Record bytes: CRC-32 (4, over the rest) · version (2) · msgpack. LMDB and JetStream do not notice flipped bits. */
export function encodeRecord(record: CommitRecord): Uint8Array {
  const body = encode([
    record.partition,
    record.epoch,
    record.commitSeq,
    record.position === null ? null : [record.position.stream, record.position.sequence, record.position.index],
    record.received,
    record.sent,
    record.states.map((s) => [s.kind, s.key, s.part, s.bytes]),
    record.timers.map((t) => [t.dueMs, t.kind, t.key, t.name, t.set]),
    record.outbox.map((o) => [o.to, o.first, o.envelopes.map((e) => [e.kind, e.key, e.type, e.payload])]),
    record.decisions,
    record.deadLetters,
    record.topics.map((t) => [t.topic, t.version, t.bytes]),
    record.snapshots,
    record.published,
    record.nowMs,
  ]);
  const bytes = new Uint8Array(HEADER_BYTES + body.byteLength);
  bytes.set(body, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, VERSION);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

type RawRecord = [
  number,
  number,
  number,
  [string, number, number] | null,
  [Sender, number][],
  [number, number][],
  [string, string, string, Uint8Array | null][],
  [number, string, string, string, boolean][],
  [number, number, [string, string, string, unknown][]][],
  Uint8Array[],
  Uint8Array[],
  [string, number, Uint8Array][],
  [string, number][],
  number,
  number,
];

/** @throws Fault RECORD_CORRUPT when the checksum fails, STATE_TOO_NEW when a later release wrote the record. */
export function decodeRecord(bytes: Uint8Array): CommitRecord {
  if (bytes.byteLength < HEADER_BYTES)
    throw new Fault("RECORD_CORRUPT", `a record of ${bytes.byteLength} bytes is too short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== crc32(bytes.subarray(4)))
    throw new Fault("RECORD_CORRUPT", "a record's checksum does not match its bytes");
  const version = view.getUint16(4);
  if (version !== VERSION)
    throw new Fault("STATE_TOO_NEW", `a record of version ${version}, this release reads ${VERSION}`);
  const raw = decode(bytes.subarray(HEADER_BYTES)) as RawRecord;
  return {
    partition: asPartition(raw[0]),
    epoch: raw[1],
    commitSeq: raw[2],
    position: raw[3] === null ? null : { stream: raw[3][0], sequence: raw[3][1], index: raw[3][2] },
    received: raw[4],
    sent: raw[5].map(([to, sequence]) => [asPartition(to), sequence] as const),
    states: raw[6].map(([kind, key, part, value]) => ({ kind, key, part, bytes: value })),
    timers: raw[7].map(([dueMs, kind, key, name, set]) => ({ dueMs, kind, key, name, set })),
    outbox: raw[8].map(([to, first, envelopes]) => ({
      to: asPartition(to),
      first,
      envelopes: envelopes.map(([kind, key, type, payload]) => ({ kind, key, type, payload })),
    })),
    decisions: raw[9],
    deadLetters: raw[10],
    topics: raw[11].map(([topic, topicVersion, value]) => ({ topic, version: topicVersion, bytes: value })),
    snapshots: raw[12],
    published: raw[13],
    nowMs: raw[14],
  };
}
