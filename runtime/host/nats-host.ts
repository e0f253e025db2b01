import { hostname } from "node:os";
import type { Settings } from "../../config/schema.ts";
import { startManagedServer, type ManagedServer } from "../nats/managed-server.ts";
import { openNodeConnection, type NodeConnection } from "../nats/node-connection.ts";
import { resolveServerBinary } from "../nats/server-binary.ts";
import type { StreamKey } from "../nats/stream-declarations.ts";
import type { NatsAccess } from "../threads/nats-access.ts";
import type { DataFolder } from "./data-folder.ts";
import { natsOptions } from "./nats-options.ts";

/** This node's NATS: the server it manages or the one it was given, its streams, and the daemon's own connection. */
export interface NatsHost {
  readonly access: NatsAccess;
  readonly url: string;
  readonly version: string;
  readonly streams: Readonly<Record<StreamKey, string>>;
  readonly connection: NodeConnection;
  /** Seed files for operators; null for an external server. */
  readonly credentials: { readonly operator: string; readonly viewer: string } | null;
  readonly managed: ManagedServer | null;
  stop(): Promise<void>;
}

export interface NatsHostOptions {
  readonly settings: Settings;
  readonly folder: DataFolder;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (line: string) => void;
  readonly onServerLine: (line: string) => void;
  readonly onStatus: (state: string, detail: string) => void;
}

/** @throws Fault of the resolver, the server, the connection or the provisioning; nothing is left running then. */
export async function openNats(options: NatsHostOptions): Promise<NatsHost> {
  const { settings } = options;
  const managed = settings.nats.server === "managed" ? await startManaged(options) : null;
  try {
    const access: NatsAccess = {
      servers: managed?.url ?? settings.nats.server,
      seedFile: managed?.credentials.node ?? settings.nats.seedFile,
      credentialsFile: settings.nats.credentialsFile,
      managed: managed !== null,
    };
    const connection = await openNodeConnection(
      {
        ...natsOptions(access, `chorus-${settings.node}@${hostname()}`),
        onStatus: ({ state, detail }) => options.onStatus(state, detail),
      },
      { partitions: settings.partitions, replicas: settings.nats.replicas },
    );
    return {
      access,
      url: access.servers,
      version: connection.serverVersion,
      streams: connection.streams,
      connection,
      credentials:
        managed === null ? null : { operator: managed.credentials.operator, viewer: managed.credentials.viewer },
      managed,
      stop: async () => {
        await connection.close();
        await managed?.stop();
      },
    };
  } catch (error) {
    await managed?.stop();
    throw error;
  }
}

async function startManaged(options: NatsHostOptions): Promise<ManagedServer> {
  const binary = await resolveServerBinary({ env: options.environment, onProgress: options.onProgress });
  return startManagedServer({
    binary: binary.path,
    storeDir: options.folder.natsDir,
    credentialsDir: options.folder.credentialsDir,
    port: options.settings.nats.port,
    onLine: options.onServerLine,
  });
}
