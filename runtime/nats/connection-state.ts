import type { NatsConnection } from "@nats-io/transport-node";

/** Whether a connection has a server right now; the library keeps what is published meanwhile in memory, without a bound. */
export interface ConnectionState {
  readonly connected: boolean;
}

export function watchConnection(connection: NatsConnection): ConnectionState {
  const state = { connected: !connection.isClosed() };
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === "disconnect" || type === "close") state.connected = false;
      else if (type === "reconnect") state.connected = true;
    }
    state.connected = false;
  })();
  return state;
}
