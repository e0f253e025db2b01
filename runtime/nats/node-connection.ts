import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connectNats, type NatsConnectOptions } from "./connect.ts";
import { provision, type StreamIdentity } from "./provision.ts";
import { createPublisher, type Publisher } from "./publisher.ts";
import type { ClusterShape, StreamKey } from "./stream-declarations.ts";

/** The daemon's own connection: provisions the streams, then events, inspection, mirrors. */
export interface NodeConnection {
  readonly connection: NatsConnection;
  readonly serverVersion: string;
  readonly streams: Readonly<Record<StreamKey, StreamIdentity>>;
  readonly publisher: Publisher;
  /** Publishes to a plain subject without waiting; lost while disconnected. */
  emit(subject: string, payload: unknown): void;
  /** Calls back for every message on a subject until the connection closes. */
  subscribe(subject: string, onMessage: (data: Uint8Array) => void): void;
  close(): Promise<void>;
}

/** @throws Fault `NATS_UNAVAILABLE`, or what `provision` refuses. */
export async function openNodeConnection(options: NatsConnectOptions, shape: ClusterShape): Promise<NodeConnection> {
  const connection = await connectNats(options);
  try {
    const streams = await provision(await jetstreamManager(connection, { checkAPI: false }), shape);
    return {
      connection,
      serverVersion: connection.info?.version ?? "unknown",
      streams,
      publisher: createPublisher(connection),
      emit: (subject, payload) => {
        if (!connection.isClosed()) connection.publish(subject, JSON.stringify(payload));
      },
      subscribe: (subject, onMessage) => {
        connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) onMessage(message.data);
          },
        });
      },
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
