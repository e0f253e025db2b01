import { jetstreamManager } from "@nats-io/jetstream";
import { STREAMS } from "../../protocols/subjects.ts";
import { type AgentRequests, agentRequests } from "./agent-requests.ts";
import { connectNats, type NatsConnectOptions } from "./connect.ts";
import { type FencedSubject, openFencedSubject } from "./fenced-subject.ts";
import { consumeMail, type MailConsumer, type MailConsumerOptions } from "./mail-consumer.ts";
import { createPublisher, type Publisher } from "./publisher.ts";

/** One thread's own connection with all that a shard needs of it (D3, D5). */
export interface ShardConnection {
  readonly log: FencedSubject;
  readonly decisions: FencedSubject;
  readonly deadLetters: FencedSubject;
  readonly topics: FencedSubject;
  readonly publisher: Publisher;
  readonly agents: AgentRequests;
  consume(
    options: Pick<MailConsumerOptions, "partition" | "startSequence" | "onMessage" | "onStatus">,
  ): Promise<MailConsumer>;
  close(): Promise<void>;
}

/** @throws Fault `NATS_UNAVAILABLE` when the first connection fails. */
export async function connectShard(options: NatsConnectOptions): Promise<ShardConnection> {
  const connection = await connectNats(options);
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  return {
    log: await openFencedSubject(connection, STREAMS.log),
    decisions: await openFencedSubject(connection, STREAMS.decisions),
    deadLetters: await openFencedSubject(connection, STREAMS.deadLetters),
    topics: await openFencedSubject(connection, STREAMS.topics),
    publisher: createPublisher(connection),
    agents: agentRequests(connection),
    consume: (wanted) => consumeMail({ connection, jsm, stream: STREAMS.mail, ...wanted }),
    close: () => connection.close(),
  };
}
