import { decodeBounded, encode } from "./codec.ts";
import { Fault } from "./errors.ts";
import { asPartition, type ActorId, type Partition } from "./ids.ts";

export const ENVELOPES_PER_MESSAGE_MAX = 4_096;

/** One message to one actor. The payload is plain data that msgpack carries. */
export interface Envelope {
  readonly kind: string;
  readonly key: string;
  readonly type: string;
  readonly payload: unknown;
}

/**
 * Who sent a run: a partition (gapless sequences, D4), a producer named in config (durable sequences of its own), or
 * `ingress`: a gateway that could not reach the owner; its envelopes carry no sequence and their receiver dedupes by event key.
 */
export type Sender = Partition | string;
export const INGRESS = "ingress";

/** Consecutive envelopes of one sender to one partition; envelope i has sequence `first + i`. Sequences start at 1. */
export interface Run {
  readonly sender: Sender;
  readonly receiver: Partition;
  readonly first: number;
  readonly envelopes: readonly Envelope[];
}

/** Mail as published to `chorus.p.<p>.in`: runs of envelopes from all partitions of one publishing thread (D3). */
export interface MailMessage {
  readonly runs: readonly Run[];
}

const VERSION = 1;

export function envelopeTo(to: ActorId, type: string, payload: unknown): Envelope {
  return { kind: to.kind, key: to.key, type, payload };
}

/** @throws Fault CODEC_INVALID when the message holds what msgpack cannot carry. */
export function encodeMail(message: MailMessage): Uint8Array {
  return encode([
    VERSION,
    message.runs.map((run) => [
      run.sender,
      run.receiver,
      run.first,
      run.envelopes.map((e) => [e.kind, e.key, e.type, e.payload]),
    ]),
  ]);
}

/** Reads mail from the bus. @throws Fault CODEC_INVALID or CODEC_LIMIT; the message is then a dead letter as a whole. */
export function decodeMail(bytes: Uint8Array): MailMessage {
  const value = decodeBounded(bytes);
  if (!Array.isArray(value) || value[0] !== VERSION || !Array.isArray(value[1])) {
    throw new Fault("CODEC_INVALID", `mail must be [${VERSION}, runs]`);
  }
  let count = 0;
  const runs = value[1].map((run: unknown): Run => {
    if (!Array.isArray(run) || run.length !== 4 || !Array.isArray(run[3]))
      throw new Fault("CODEC_INVALID", "a run must be [sender, receiver, first, envelopes]");
    const [sender, receiver, first, envelopes] = run as [unknown, unknown, unknown, unknown[]];
    if (!isSender(sender)) throw new Fault("CODEC_INVALID", "a run's sender must be a partition or a producer's name");
    if (!isCount(receiver) || !isCount(first))
      throw new Fault("CODEC_INVALID", "a run's receiver and first sequence must be whole numbers");
    count += envelopes.length;
    if (count > ENVELOPES_PER_MESSAGE_MAX)
      throw new Fault("CODEC_LIMIT", `more than ${ENVELOPES_PER_MESSAGE_MAX} envelopes in a message`);
    return { sender, receiver: asPartition(receiver), first, envelopes: envelopes.map(readEnvelope) };
  });
  return { runs };
}

function readEnvelope(value: unknown): Envelope {
  if (
    !Array.isArray(value) ||
    value.length !== 4 ||
    typeof value[0] !== "string" ||
    typeof value[1] !== "string" ||
    typeof value[2] !== "string"
  ) {
    throw new Fault("CODEC_INVALID", "an envelope must be [kind, key, type, payload]");
  }
  return { kind: value[0], key: value[1], type: value[2], payload: value[3] as unknown };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isSender(value: unknown): value is Sender {
  return isCount(value) || (typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value));
}
