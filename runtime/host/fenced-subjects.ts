import { encode, encodeArrayOf } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import {
  decisionsSubject,
  deadLettersSubject,
  HEADERS,
  logSubject,
  MSGPACK,
  topicSubject,
} from "../../protocols/subjects.ts";
import type { AppendOutcome, SubjectTail } from "../core/fenced-append.ts";
import type { FencedSubject, ShardAction } from "../core/shard-messages.ts";
import type { FencedSubject as FencedStream } from "../nats/fenced-subject.ts";

/** The four streams a shard writes by compare-and-set. */
export interface FencedStreams {
  readonly log: FencedStream;
  readonly decisions: FencedStream;
  readonly deadLetters: FencedStream;
  readonly topics: FencedStream;
}

const TYPES = {
  log: "commit-records",
  decisions: "decision-rows",
  "dead-letters": "dead-letters",
  topic: "topic",
} as const;

/** Carries a shard's fenced appends and tail reads to NATS; outcomes are values, trouble is `unknown` or a null tail. */
export class FencedSubjects {
  readonly #streams: FencedStreams;

  constructor(streams: FencedStreams) {
    this.#streams = streams;
  }

  async append(action: Extract<ShardAction, { type: "append" }>): Promise<AppendOutcome> {
    const { subject, rows, epoch, first, last, expectedSequence } = action;
    const headers = {
      [HEADERS.contentType]: MSGPACK,
      [HEADERS.type]: TYPES[subject.of],
      [HEADERS.count]: String(rows.length),
      [HEADERS.epoch]: String(epoch),
      [HEADERS.first]: String(first),
      [HEADERS.last]: String(last),
    };
    try {
      return await this.#stream(subject).append(nameOf(subject), bodyOf(subject, rows), headers, expectedSequence);
    } catch (error) {
      return { outcome: "unknown", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @returns null when the server does not tell. */
  async tail(subject: FencedSubject): Promise<SubjectTail | null> {
    try {
      const tail = await this.#stream(subject).tail(nameOf(subject));
      if (tail === null) return { sequence: 0, epoch: 0, last: 0 };
      return {
        sequence: tail.sequence,
        epoch: count(tail.headers, HEADERS.epoch),
        last: count(tail.headers, HEADERS.last),
      };
    } catch (error) {
      if (error instanceof Fault && error.code === "NATS_UNAVAILABLE") return null;
      throw error;
    }
  }

  #stream(subject: FencedSubject): FencedStream {
    switch (subject.of) {
      case "log":
        return this.#streams.log;
      case "decisions":
        return this.#streams.decisions;
      case "dead-letters":
        return this.#streams.deadLetters;
      case "topic":
        return this.#streams.topics;
    }
  }
}

function nameOf(subject: FencedSubject): string {
  switch (subject.of) {
    case "log":
      return logSubject(subject.partition);
    case "decisions":
      return decisionsSubject(subject.partition);
    case "dead-letters":
      return deadLettersSubject(subject.partition);
    case "topic":
      return topicSubject(subject.topic);
  }
}

/** Records carry their own checksum and travel as bytes; rows and topics are values an operator can read. */
function bodyOf(subject: FencedSubject, rows: readonly Uint8Array[]): Uint8Array {
  if (subject.of === "log") return encode(rows);
  if (subject.of === "topic") return rows[0] ?? encode(null);
  return encodeArrayOf(rows);
}

function count(headers: Readonly<Record<string, string>>, name: string): number {
  const value = Number(headers[name]);
  if (!Number.isSafeInteger(value)) {
    throw new Fault("STREAM_INCOMPATIBLE", `a message without a whole number in ${name}: its writer is not Chorus`, {
      details: { header: name },
    });
  }
  return value;
}
