import { hostname } from "node:os";
import type { Settings } from "../../config/schema.ts";
import { startManagedServer, type ManagedServer } from "../nats/managed-server.ts";
import { openNodeConnection, type NodeConnection } from "../nats/node-connection.ts";
import { resolveServerBinary } from "../nats/server-binary.ts";
import type { StreamKey } from "../nats/stream-declarations.ts";
import type { NatsAccess } from "../threads/nats-access.ts";
import type { DataFolder } from "./data-folder.ts";
import { natsOptions } from "./nats-options.ts";
import type { NatsCredentials } from "./node-file.ts";

/** This node's NATS: the server it manages or the one it was given, its streams, and the daemon's own connection. */
export interface NatsHost {
  readonly access: NatsAccess;
  readonly url: string;
  readonly version: string;
  readonly streams: Readonly<Record<StreamKey, string>>;
  readonly connection: NodeConnection;
  /** Null for an external server. */
  readonly credentials: NatsCredentials | null;
  /** Whether this node runs the server. */
  readonly managed: boolean;
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
  const managed = settings.nats.server === "managed" ? await SupervisedServer.start(options) : null;
  try {
    const access: NatsAccess = {
      servers: managed?.server.url ?? settings.nats.server,
      seedFile: managed?.server.credentials.node ?? settings.nats.seedFile,
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
      credentials: managed === null ? null : credentialsOf(managed.server),
      managed: managed !== null,
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

function credentialsOf({ credentials: { operator, viewer, agent } }: ManagedServer): NatsCredentials {
  return { operator, viewer, agent };
}

const RESTART_MIN_MS = 200;
const RESTART_MAX_MS = 10_000;

/**
 * The managed server, started anew on the same port when it ends by itself: it does not recover from a full disk, and a killed one
 * leaves its clients waiting (facts/faults.md 2b.7). Meanwhile decisions go on until the unshipped bound (D5).
 */
class SupervisedServer {
  server: ManagedServer;
  readonly #options: NatsHostOptions;
  readonly #binary: string;
  #stopping = false;

  private constructor(options: NatsHostOptions, binary: string, server: ManagedServer) {
    this.#options = options;
    this.#binary = binary;
    this.server = server;
    this.#watch();
  }

  static async start(options: NatsHostOptions): Promise<SupervisedServer> {
    const { path } = await resolveServerBinary({ env: options.environment, onProgress: options.onProgress });
    return new SupervisedServer(options, path, await launch(options, path, options.settings.nats.port));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.server.stop();
  }

  #watch(): void {
    void this.server.exited.then(async ({ code, signal }) => {
      if (this.#stopping) return;
      this.#options.onStatus("server-ended", `code ${code}, signal ${signal}`);
      await this.#restart();
    });
  }

  async #restart(): Promise<void> {
    const { port } = this.server;
    for (let waitMs = RESTART_MIN_MS; !this.#stopping; waitMs = Math.min(RESTART_MAX_MS, waitMs * 2)) {
      try {
        const server = await launch(this.#options, this.#binary, port);
        this.server = server;
        if (this.#stopping) await server.stop();
        else this.#watch();
        return;
      } catch (error) {
        this.#options.onStatus("server-failed", error instanceof Error ? error.message : String(error));
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }
}

function launch(options: NatsHostOptions, binary: string, port: number): Promise<ManagedServer> {
  return startManagedServer({
    binary,
    storeDir: options.folder.natsDir,
    credentialsDir: options.folder.credentialsDir,
    port,
    onLine: options.onServerLine,
  });
}
