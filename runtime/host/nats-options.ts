import type { NatsConnectOptions } from "../nats/connect.ts";
import type { NatsAccess } from "../threads/nats-access.ts";

/** Connection options of a thread of this node; a managed server knows its role by the inbox prefix. */
export function natsOptions(access: NatsAccess, name: string): NatsConnectOptions {
  return {
    servers: access.servers,
    name,
    ...(access.seedFile === null ? {} : { seedFile: access.seedFile }),
    ...(access.credentialsFile === null ? {} : { credentialsFile: access.credentialsFile }),
    ...(access.managed ? { role: "node" as const } : {}),
  };
}
