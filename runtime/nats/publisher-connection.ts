import { connectNats, type NatsConnectOptions } from "./connect.ts";
import { createPublisher, type Publisher } from "./publisher.ts";

/** A thread's own connection for publishing only. @throws Fault `NATS_UNAVAILABLE` when the first connection fails. */
export async function connectPublisher(
  options: NatsConnectOptions,
): Promise<{ publisher: Publisher; close: () => Promise<void> }> {
  const connection = await connectNats(options);
  return { publisher: createPublisher(connection), close: () => connection.close() };
}
