import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { HEADERS, STREAMS, topicSubject } from "../../protocols/subjects.ts";

/** The newest of a topic: its bytes as they were published, msgpack. */
export interface TopicValue {
  readonly topic: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface TopicWatch {
  stop(): Promise<void>;
}

const PREFIX = topicSubject("");

/**
 * Tells the newest value of every topic under `prefix.`, then each that follows, in the order of each topic. A lost connection is
 * taken up where it broke (ordered consumer); `onTopic` may hear an older version again.
 * @throws what the server refuses.
 */
export async function watchTopics(
  connection: NatsConnection,
  prefix: string,
  onTopic: (value: TopicValue) => void,
): Promise<TopicWatch> {
  const consumer = await jetstream(connection).consumers.get(STREAMS.topics, {
    filter_subjects: [topicSubject(`${prefix}.>`)],
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const messages = await consumer.consume({
    callback: ({ subject, data, headers }) => {
      const version = Number(headers?.get(HEADERS.last));
      if (Number.isSafeInteger(version)) onTopic({ topic: subject.slice(PREFIX.length), version, bytes: data });
    },
  });
  return {
    stop: async () => {
      await messages.close();
    },
  };
}
