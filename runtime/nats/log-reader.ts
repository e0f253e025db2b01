import { jetstreamManager, JetStreamError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { decode } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import { HEADERS, logSubject, STREAMS } from "../../protocols/subjects.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const PAGE_MESSAGES = 64;
const PAGE_BYTES = 8 * 1024 * 1024;
/** Status of a batch that matches nothing. */
const NO_MESSAGE = 404;

export interface LogPage {
  /** Encoded commit records in the order of the log. */
  readonly records: readonly Uint8Array[];
}

/** Reads a partition's log by direct get, page by page. @throws Fault NATS_UNAVAILABLE. */
export interface LogReader {
  /** The last message: its sequence in the stream and the commit it reaches; both 0 for a partition that was never opened. */
  tail(partition: Partition): Promise<{ readonly sequence: number; readonly last: number }>;
  /** From this sequence of the stream on. */
  pages(partition: Partition, fromSequence: number): AsyncGenerator<LogPage>;
}

export async function openLogReader(connection: NatsConnection): Promise<LogReader> {
  const jsm = await jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
  const unavailable = (partition: Partition, cause: unknown): Fault =>
    new Fault("NATS_UNAVAILABLE", `cannot read the log of partition ${partition}`, { cause });
  return {
    async tail(partition) {
      const found = jsm.streams.getMessage(STREAMS.log, { last_by_subj: logSubject(partition) });
      const last = await found.catch((cause: unknown) => {
        throw unavailable(partition, cause);
      });
      return { sequence: last?.seq ?? 0, last: Number(last?.header.get(HEADERS.last) ?? 0) };
    },
    async *pages(partition, fromSequence) {
      const subject = logSubject(partition);
      for (let seq = Math.max(1, fromSequence); ;) {
        const records: Uint8Array[] = [];
        let last = 0;
        try {
          const batch = { seq, batch: PAGE_MESSAGES, max_bytes: PAGE_BYTES, next_by_subj: subject };
          for await (const message of await jsm.direct.getBatch(STREAMS.log, batch)) {
            records.push(...(decode(message.data) as Uint8Array[]));
            last = message.seq;
          }
        } catch (cause) {
          // The class of status errors is declared by the library, but not exported.
          if (!(cause instanceof JetStreamError && (cause as { readonly code?: unknown }).code === NO_MESSAGE))
            throw unavailable(partition, cause);
        }
        if (last === 0) return;
        yield { records };
        seq = last + 1;
      }
    },
  };
}
