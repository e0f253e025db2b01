import { jetstream, jetstreamManager, JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../../protocols/errors.ts";
import {
  fromHeaders,
  PUBLISH_TIMEOUT_MS,
  refuseTooLarge,
  stored,
  type Stored,
  toHeaders,
  unknown,
  type Unknown,
} from "./publish-outcome.ts";

/** Another writer's message is the subject's last one: refused, and certainly not stored. */
export interface Fenced {
  readonly outcome: "fenced";
}

export interface Tail {
  /** Sequence in the stream. */
  readonly sequence: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

/**
 * The subjects of one stream that are written by compare-and-set: partition logs, topics, decisions (D5).
 * F1 of two writers that expect the same tail, at most one is stored. F2 `tail` asks the stream's leader, never a
 * replica that may lag.
 */
export interface FencedSubject {
  /**
   * Appends if the subject's last message still has this sequence; 0 means that there is none. Waits up to 1 s.
   * After `unknown` it may still be stored later: read the tail, and send again with the same expectation.
   * @throws Fault `ENVELOPE_TOO_LARGE` for more than the server takes in one message.
   */
  append(
    subject: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>>,
    expectedLastSubjectSequence: number,
  ): Promise<Stored | Fenced | Unknown>;

  /**
   * Reads the subject's last message; null when there is none.
   * @throws Fault `NATS_UNAVAILABLE` when the leader does not answer in 1 s.
   */
  tail(subject: string): Promise<Tail | null>;
}

/** @param stream the stream that stores these subjects. */
export async function openFencedSubject(connection: NatsConnection, stream: string): Promise<FencedSubject> {
  const js = jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS });
  const jsm = await jetstreamManager(connection, { timeout: PUBLISH_TIMEOUT_MS, checkAPI: false });
  return {
    async append(subject, bytes, headers, expectedLastSubjectSequence) {
      refuseTooLarge(connection, subject, bytes, headers);
      const expect = { streamName: stream, lastSubjectSequence: expectedLastSubjectSequence };
      try {
        return stored(await js.publish(subject, bytes, { headers: toHeaders(headers), expect }));
      } catch (error) {
        return isFence(error) ? { outcome: "fenced" } : unknown(error);
      }
    },
    async tail(subject) {
      try {
        const last = await jsm.streams.getMessage(stream, { last_by_subj: subject });
        return last && { sequence: last.seq, headers: fromHeaders(last.header), data: last.data };
      } catch (cause) {
        throw new Fault("NATS_UNAVAILABLE", `cannot read the last message of ${subject}`, {
          details: { subject },
          cause,
        });
      }
    },
  };
}

/** 10164 is 10071 where the server does not tell the last sequence; also its answer to two in flight at once under R3. */
function isFence(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}
