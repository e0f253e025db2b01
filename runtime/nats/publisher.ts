import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  PUBLISH_TIMEOUT_MS,
  refuseTooLarge,
  stored,
  type Stored,
  toHeaders,
  unknown,
  type Unknown,
} from "./publish-outcome.ts";

export interface Publisher {
  /**
   * Publishes to a stream and waits up to 1 s for its acknowledgement. Never retries: the lane does, with the same ids (D3).
   * @throws Fault `ENVELOPE_TOO_LARGE` for more than the server takes in one message.
   */
  publish(subject: string, bytes: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Stored | Unknown>;
}

export function createPublisher(connection: NatsConnection): Publisher {
  const js = jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS });
  return {
    async publish(subject, bytes, headers) {
      refuseTooLarge(connection, subject, bytes, headers);
      try {
        return stored(await js.publish(subject, bytes, { headers: toHeaders(headers) }));
      } catch (error) {
        return unknown(error);
      }
    },
  };
}
