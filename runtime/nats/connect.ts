import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  type Status,
} from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import { Fault } from "../../protocols/errors.ts";
import { INBOX_PREFIX, readSeed, type Role } from "./roles.ts";

const HANDSHAKE_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 100; // a restarted server is back in 40 ms (facts/nats.md)
const RECONNECT_JITTER_MS = 150;
const PING_INTERVAL_MS = 5_000; // a hung server is noticed within 15 s, not within minutes
const PINGS_UNANSWERED_MAX = 2;

export interface NatsConnectOptions {
  readonly servers: string | readonly string[];
  /** Shown by the server's monitor and `nats server report connections`. */
  readonly name: string;
  /** nkey seed file. */
  readonly seedFile?: string;
  /** A `.creds` file, for clusters of others that use JWTs. */
  readonly credentialsFile?: string;
  /** Chooses the prefix of reply subjects that the role may subscribe to; the library's default otherwise. */
  readonly role?: Role;
  /** Waits for a server that is not up yet, without end, instead of failing. */
  readonly waitForServer?: boolean;
  readonly onStatus?: (status: NatsStatus) => void;
}

/** `trouble` is something the server or client reports while the connection stays as it is. */
export interface NatsStatus {
  readonly state: "connected" | "disconnected" | "trouble" | "closed";
  readonly detail: string;
}

/**
 * Connects, and stays connected: after an outage, or a restart of the server, the client tries again without end.
 * @throws Fault `NATS_UNAVAILABLE` when the first connection fails (and `waitForServer` is not set), refused credentials included.
 */
export async function connectNats(options: NatsConnectOptions): Promise<NatsConnection> {
  const authenticator = await authenticatorOf(options);
  const connection = await connect({
    servers: typeof options.servers === "string" ? options.servers : [...options.servers],
    name: options.name,
    timeout: HANDSHAKE_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    ignoreAuthErrorAbort: true, // else two refusals during a reload of the server would end the client for good
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
    noAsyncTraces: true, // a stack for every request costs more than it tells
    waitOnFirstConnect: options.waitForServer ?? false,
    ...(authenticator && { authenticator }),
    ...(options.role && { inboxPrefix: INBOX_PREFIX[options.role] }),
  }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("NATS_UNAVAILABLE", `cannot connect to NATS at ${String(options.servers)}: ${why}`, { cause });
  });
  if (options.onStatus) void report(connection, options.onStatus);
  return connection;
}

/** The prefix that a connection was made with; its own kind of request needs it, and the library's type does not show it. */
export function inboxPrefixOf(connection: NatsConnection): string | undefined {
  return (connection as NatsConnection & { options?: { inboxPrefix?: string } }).options?.inboxPrefix;
}

async function authenticatorOf(options: NatsConnectOptions): Promise<Authenticator | null> {
  if (options.seedFile !== undefined) return nkeyAuthenticator(await readSeed(options.seedFile));
  if (options.credentialsFile !== undefined) return credsAuthenticator(await readFile(options.credentialsFile));
  return null;
}

async function report(connection: NatsConnection, onStatus: (status: NatsStatus) => void): Promise<void> {
  onStatus({ state: "connected", detail: connection.getServer() });
  for await (const status of connection.status()) {
    const translated = translate(status);
    if (translated) onStatus(translated);
  }
  onStatus({ state: "closed", detail: "" });
}

function translate(status: Status): NatsStatus | null {
  switch (status.type) {
    case "disconnect":
      return { state: "disconnected", detail: status.server };
    case "reconnect":
      return { state: "connected", detail: status.server };
    case "error":
      return { state: "trouble", detail: status.error.message };
    case "slowConsumer":
    case "staleConnection":
    case "ldm":
    case "forceReconnect":
      return { state: "trouble", detail: status.type };
    case "reconnecting":
    case "ping":
    case "update":
    case "close":
      return null;
  }
}
