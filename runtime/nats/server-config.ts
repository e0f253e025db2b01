import { readFile, rename, writeFile } from "node:fs/promises";
import type { Role } from "./roles.ts";

const TEMPLATE = new URL("../../config/nats-server.conf.template", import.meta.url);

export interface ServerConfig {
  readonly serverName: string;
  /** Loopback port; 0 means any free one. */
  readonly port: number;
  readonly portsDir: string;
  readonly storeDir: string;
  readonly maxFileStoreBytes: number;
  readonly publicKeys: Readonly<Record<Role, string>>;
}

/** Writes the server's configuration, mode 0600 and whole or not at all. */
export async function writeServerConfig(file: string, config: ServerConfig): Promise<void> {
  const rendered = renderServerConfig(await readFile(TEMPLATE, "utf8"), config);
  await writeFile(`${file}.new`, rendered, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Fills the template in. Every value is written as a quoted string or a number, so that a path cannot become syntax. */
export function renderServerConfig(template: string, config: ServerConfig): string {
  const values: Readonly<Record<string, string | number>> = {
    serverName: config.serverName,
    listen: `127.0.0.1:${config.port === 0 ? -1 : config.port}`,
    portsDir: config.portsDir,
    storeDir: config.storeDir,
    maxFileStoreBytes: config.maxFileStoreBytes,
    nodeKey: config.publicKeys.node,
    operatorKey: config.publicKeys.operator,
    viewerKey: config.publicKeys.viewer,
    agentKey: config.publicKeys.agent,
    systemKey: config.publicKeys.system,
  };
  return template
    .split("\n")
    .map((line) => (line.trimStart().startsWith("#") ? line : fill(line, values)))
    .join("\n");
}

function fill(line: string, values: Readonly<Record<string, string | number>>): string {
  return line.replaceAll(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the nats-server template names {{${name}}}, which has no value`);
    return JSON.stringify(value);
  });
}
