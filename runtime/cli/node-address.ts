import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CommandFailure, EXIT } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** How a command was told which node it is about. */
export interface NodeOptions {
  readonly admin?: string;
  readonly token?: string;
  readonly data?: string;
}

export interface NodeAddress {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string;
}

const DATA_DEFAULT = "./chorus-data";

/** The part of a ready file that a command needs (interfaces.md 1). */
const NodeFile = z.object({ admin: z.url(), adminToken: z.string().min(1) });

/**
 * Finds the node: `--admin` and `--token`; else `--data`; else CHORUS_ADMIN and CHORUS_ADMIN_TOKEN; else CHORUS_DATA; else
 * `./chorus-data`. A running node keeps its address in its data folder's `node.json`.
 * @throws CommandFailure with exit code 2 for an address that makes no sense, 4 when no node is known there.
 */
export async function findNode(options: NodeOptions, { environment }: Terminal): Promise<NodeAddress> {
  const admin = options.admin ?? (options.data === undefined ? environment["CHORUS_ADMIN"] : undefined);
  const token = options.token ?? environment["CHORUS_ADMIN_TOKEN"];
  const dataDir = options.data ?? environment["CHORUS_DATA"] ?? DATA_DEFAULT;
  if (admin === undefined) {
    const found = await readNodeFile(dataDir);
    return { url: urlOf(found.admin), token: options.token ?? found.adminToken };
  }
  return { url: urlOf(admin), token: token ?? (await tokenIn(dataDir)) };
}

async function readNodeFile(dataDir: string): Promise<z.infer<typeof NodeFile>> {
  const file = join(dataDir, "node.json");
  try {
    return NodeFile.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const why = absent ? `there is no ${file}` : `${file} is not a node's address`;
    throw new CommandFailure(
      EXIT.unreachable,
      `no running node: ${why}. Start one with \`chorus start\`, or name yours with --data DIR or --admin URL --token TOKEN.`,
    );
  }
}

async function tokenIn(dataDir: string): Promise<string> {
  try {
    return (await readNodeFile(dataDir)).adminToken;
  } catch {
    throw new CommandFailure(
      EXIT.usage,
      "--admin needs --token TOKEN or CHORUS_ADMIN_TOKEN; the node's file has it as adminToken",
    );
  }
}

function urlOf(admin: string): string {
  const text = /^https?:\/\//.test(admin) ? admin : `http://${admin}`;
  if (!URL.canParse(text)) throw new CommandFailure(EXIT.usage, `${admin} is no URL: --admin takes http://HOST:PORT`);
  return text.replace(/\/+$/, "");
}
