import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { asPartition } from "../../protocols/ids.ts";
import { logSubject, STREAMS } from "../../protocols/subjects.ts";

/** Purges by sequence, unfiltered: a filtered purge walks every message under the store's lock (facts/nats.md). */
export interface StreamPurge {
  /** Drops mail that every partition has acknowledged. @returns messages dropped. */
  purgeMail(partitions: number): Promise<number>;
  logBytes(): Promise<number>;
  /** Last sequence of the log stream; 0 when it is empty. */
  logLast(): Promise<number>;
  /** Least of all partitions' last sequences in the log: nothing before it is a tail. */
  logTail(partitions: number): Promise<number>;
  /** Drops the log before this sequence. @returns messages dropped. */
  purgeLog(beforeSequence: number): Promise<number>;
}

/** All functions reject with the client's error when the server does not answer; the caller tries again later. */
export async function openStreamPurge(connection: NatsConnection): Promise<StreamPurge> {
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const purge = async (stream: string, before: number): Promise<number> => {
    const { state } = await jsm.streams.info(stream);
    if (before <= state.first_seq || state.messages === 0) return 0;
    return (await jsm.streams.purge(stream, { seq: before })).purged;
  };
  return {
    async purgeMail(partitions) {
      const { state } = await jsm.streams.info(STREAMS.mail);
      let floor = state.last_seq;
      for (let partition = 0; partition < partitions; partition++) {
        const { num_pending, num_ack_pending, ack_floor } = await jsm.consumers.info(STREAMS.mail, `p${partition}`);
        if (num_pending > 0 || num_ack_pending > 0) floor = Math.min(floor, ack_floor.stream_seq);
      }
      return purge(STREAMS.mail, floor + 1);
    },
    logBytes: async () => (await jsm.streams.info(STREAMS.log)).state.bytes,
    logLast: async () => (await jsm.streams.info(STREAMS.log)).state.last_seq,
    async logTail(partitions) {
      let least = Number.POSITIVE_INFINITY;
      for (let partition = 0; partition < partitions; partition++) {
        const last = await jsm.streams.getMessage(STREAMS.log, { last_by_subj: logSubject(asPartition(partition)) });
        least = Math.min(least, last?.seq ?? 0);
      }
      return least;
    },
    purgeLog: (beforeSequence) => purge(STREAMS.log, beforeSequence),
  };
}
