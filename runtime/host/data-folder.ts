import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Fault } from "../../protocols/errors.ts";
import { lockStore, type StoreLock } from "../nats/store-lock.ts";

/** Secrets of a node, each made on the first start and kept with mode 0600. */
export interface NodeKeys {
  /** AES-256 key of sealed state parts (D9). */
  readonly seal: Uint8Array;
  /** HMAC key of listener pseudonyms (privacy.md). */
  readonly pseudonym: Uint8Array;
  /** HMAC key of tracking tokens. */
  readonly token: Uint8Array;
  /** Bearer token of the admin API. */
  readonly adminToken: string;
}

export interface DataFolder {
  readonly path: string;
  readonly storeFile: string;
  readonly natsDir: string;
  readonly credentialsDir: string;
  readonly nodeFile: string;
  readonly keys: NodeKeys;
  release(): Promise<void>;
}

/**
 * Takes a data folder for this daemon alone: its lock is the lease of a single node (D5).
 * @throws Fault DATA_LOCKED when another daemon holds it.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const root = resolve(path);
  await makeFolder(root);
  const lock = await takeLock(root);
  const keysDir = join(root, "keys");
  await mkdir(keysDir, { recursive: true, mode: 0o700 });
  const storeFile = join(root, "store", "state.mdb");
  await mkdir(join(root, "store"), { recursive: true, mode: 0o700 });
  return {
    path: root,
    storeFile,
    natsDir: join(root, "nats"),
    credentialsDir: join(root, "credentials"),
    nodeFile: join(root, "node.json"),
    keys: {
      seal: await secret(join(keysDir, "seal.key")),
      pseudonym: await secret(join(keysDir, "pseudonym.key")),
      token: await secret(join(keysDir, "token.key")),
      adminToken: Buffer.from(await secret(join(keysDir, "admin-token.key"))).toString("base64url"),
    },
    release: () => lock.release(),
  };
}

/**
 * Makes a folder with its parents, one by one: Node's own recursive mkdir never ends where a file system takes no folders (/proc).
 * @throws Fault CONFIG_INVALID naming the folder and why.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeMissing(path);
    if (!(await stat(path)).isDirectory()) throw new Error("it is not a folder");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("CONFIG_INVALID", `data ${path} cannot be used: ${why}`, { cause, details: { key: "data" } });
  }
}

async function makeMissing(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || (await exists(parent))) throw error;
    await makeMissing(parent);
    await mkdir(path, { mode: 0o700 });
  }
}

async function takeLock(root: string): Promise<StoreLock> {
  try {
    return await lockStore(root);
  } catch (error) {
    if (error instanceof Fault && error.code === "NATS_STORE_IN_USE") {
      throw new Fault("DATA_LOCKED", `another daemon uses ${root}: stop it, or choose another folder with --data`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function secret(file: string): Promise<Uint8Array> {
  try {
    const text = await readFile(file, "utf8");
    const key = Buffer.from(text.trim(), "base64");
    if (key.byteLength !== 32)
      throw new Fault("CONFIG_INVALID", `${file} must hold 32 bytes in base64, it holds ${key.byteLength}`);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const key = randomBytes(32);
    await writeAtomically(file, `${key.toString("base64")}\n`);
    return key;
  }
}

/** Writes a file that is there whole or not at all, mode 0600, also after a power cut. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await chmod(temporary, 0o600);
  const handle = await open(temporary, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true });
}

async function exists(file: string): Promise<boolean> {
  try {
    await (await open(file, "r")).close();
    return true;
  } catch {
    return false;
  }
}
