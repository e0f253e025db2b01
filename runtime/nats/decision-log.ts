import { jetstreamManager, JetStreamError, type StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeBounded } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Partition } from "../../protocols/ids.ts";
import { ALL_DECISIONS, decisionsSubject, STREAMS } from "../../protocols/subjects.ts";

const REQUEST_TIMEOUT_MS = 2_000;
const PAGE_MESSAGES = 32;
const PAGE_BYTES = 4 * 1024 * 1024;
/** Status of a batch that matches nothing. */
const NO_MESSAGE = 404;

/** One message of the decision log: the rows of some commits of one partition. */
export interface LoggedRows {
  readonly sequence: number;
  /** When the server stored it: never before the rows' commits, by the server's clock. */
  readonly storedAtMs: EpochMs;
  readonly rows: readonly unknown[];
}

/**
 * Reads `CHORUS_DECISIONS` by direct get, which leaves no consumer behind. Whoever iterates decides how far: each step is one message,
 * pages are fetched as they are needed. @throws Fault NATS_UNAVAILABLE from a step.
 */
export interface DecisionLogReader {
  /** The messages of one partition stored at or after a time, the oldest first. */
  since(partition: Partition, fromMs: EpochMs): AsyncGenerator<LoggedRows>;
  /** Those of all partitions, the newest first. @param from what is not looked at lies after it. */
  backwards(from: LogPlace): AsyncGenerator<LoggedRows>;
}

/** Where in the log to begin: its end, a message, or the first that was stored at or after a time. */
export type LogPlace = "end" | { readonly sequence: number } | { readonly atMs: EpochMs };

export async function openDecisionLog(connection: NatsConnection): Promise<DecisionLogReader> {
  const jsm = await jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
  const page = async (from: { seq: number } | { start_time: Date }, messages: number, subject?: string) => {
    const found: StoredMsg[] = [];
    try {
      const limits = { batch: messages, max_bytes: PAGE_BYTES, next_by_subj: subject ?? ALL_DECISIONS };
      for await (const message of await jsm.direct.getBatch(STREAMS.decisions, { ...from, ...limits }))
        found.push(message);
    } catch (cause) {
      // The class of status errors is declared by the library, but not exported.
      if (!(cause instanceof JetStreamError && (cause as { readonly code?: unknown }).code === NO_MESSAGE))
        throw new Fault("NATS_UNAVAILABLE", `cannot read the stream ${STREAMS.decisions}`, { cause });
    }
    return found;
  };
  return {
    async *since(partition, fromMs) {
      const subject = decisionsSubject(partition);
      let from: { seq: number } | { start_time: Date } = { start_time: new Date(fromMs) };
      for (;;) {
        const messages = await page(from, PAGE_MESSAGES, subject);
        for (const message of messages) yield rowsOf(message);
        const last = messages.at(-1);
        if (last === undefined) return;
        from = { seq: last.seq + 1 };
      }
    },
    async *backwards(from) {
      const { first_seq: first, last_seq: newest } = await stateOf(jsm.streams.info(STREAMS.decisions));
      let last = newest;
      if (from !== "end" && "sequence" in from) last = Math.min(newest, from.sequence);
      else if (from !== "end") last = (await page({ start_time: new Date(from.atMs) }, 1))[0]?.seq ?? newest;
      for (let end = last; end >= first; end -= PAGE_MESSAGES) {
        const start = Math.max(first, end - PAGE_MESSAGES + 1, 1);
        const messages: StoredMsg[] = [];
        // A page of large messages ends early, by its bytes.
        while ((messages.at(-1)?.seq ?? start - 1) < end) {
          const seq = (messages.at(-1)?.seq ?? start - 1) + 1;
          const more = (await page({ seq }, end - seq + 1)).filter((message) => message.seq <= end);
          if (more.length === 0) break;
          messages.push(...more);
        }
        for (const message of messages.reverse()) yield rowsOf(message);
      }
    },
  };
}

async function stateOf(info: Promise<{ readonly state: { readonly first_seq: number; readonly last_seq: number } }>) {
  try {
    return (await info).state;
  } catch (cause) {
    throw new Fault("NATS_UNAVAILABLE", `cannot read the stream ${STREAMS.decisions}`, { cause });
  }
}

function rowsOf(message: StoredMsg): LoggedRows {
  return { sequence: message.seq, storedAtMs: message.time.getTime(), rows: readRows(message.data) };
}

/** What is not rows of ours is passed over: one damaged message must not hide all others. */
function readRows(bytes: Uint8Array): readonly unknown[] {
  try {
    const rows = decodeBounded(bytes);
    return Array.isArray(rows) ? rows.filter((row) => typeof row === "object" && row !== null) : [];
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}
