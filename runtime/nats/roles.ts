import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createUser, fromSeed } from "@nats-io/nkeys";

/**
 * Who may speak to the managed server, one nkey user each (reliability.md 4). What each may do is written in
 * `config/nats-server.conf.template`. `system` belongs to the server's SYS account and is the daemon's alone.
 */
export const ROLES = ["node", "operator", "viewer", "agent", "system"] as const;
export type Role = (typeof ROLES)[number];

/** Prefix of a role's reply subjects. Operators and viewers keep the default, so that the `nats` CLI works as it is. */
export const INBOX_PREFIX: Readonly<Record<Role, string>> = {
  node: "_INBOX_node",
  operator: "_INBOX",
  viewer: "_INBOX",
  agent: "_INBOX",
  system: "_INBOX",
};

export interface RoleKeys {
  /** nkey seed files, mode 0600, that `nats --nkey` takes. */
  readonly seedFiles: Readonly<Record<Role, string>>;
  readonly publicKeys: Readonly<Record<Role, string>>;
}

/** Makes the seeds that are missing and keeps those that are there: credentials outlive a restart. Safe to call at the same time from two processes. */
export async function ensureRoleKeys(credentialsDir: string): Promise<RoleKeys> {
  await mkdir(credentialsDir, { recursive: true, mode: 0o700 });
  const seedFiles: Partial<Record<Role, string>> = {};
  const publicKeys: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const file = join(credentialsDir, `${role}.nk`);
    seedFiles[role] = file;
    publicKeys[role] = fromSeed(await ensureSeed(file)).getPublicKey();
  }
  return { seedFiles: seedFiles as Record<Role, string>, publicKeys: publicKeys as Record<Role, string> };
}

/** Reads an nkey seed as `nats --nkey` would. */
export async function readSeed(file: string): Promise<Uint8Array> {
  return new TextEncoder().encode((await readFile(file, "utf8")).trim());
}

async function ensureSeed(file: string): Promise<Uint8Array> {
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  await writeFile(fresh, new TextDecoder().decode(createUser().getSeed()) + "\n", { mode: 0o600, flag: "wx" });
  try {
    await link(fresh, file); // whole or not at all, and the first one wins
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(fresh);
  }
  await chmod(file, 0o600);
  return readSeed(file);
}
