import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../protocols/errors.ts";
import { isRunning, processIdentity } from "./process-identity.ts";

/** How long a starting daemon waits for the server of one that was killed: its guard ends it within this. */
const ORPHAN_WAIT_MS = 15_000;

interface LockContent {
  readonly owner: string;
  /** The server that the owner started, once it runs. */
  readonly server: string | null;
  readonly nonce: string;
}

export interface StoreLock {
  /** Names the server process in the lock, so that it counts as in use while that process lives, owner or no owner. */
  nameServer(pid: number): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock of a server's store folder. nats-server has none: a second one on the same folder starts and ruins it.
 * A lock whose owner and server are both gone is stale and taken over.
 * @throws Fault `NATS_STORE_IN_USE` when another daemon holds it, or when the server of a killed one does not end.
 */
export async function lockStore(storeDir: string): Promise<StoreLock> {
  await mkdir(storeDir, { recursive: true, mode: 0o700 });
  const file = join(storeDir, "chorus-store.lock");
  const owner = processIdentity(process.pid);
  if (owner === null) throw new Fault("NATS_START_FAILED", "this process cannot name itself");
  const mine: LockContent = { owner, server: null, nonce: randomBytes(8).toString("hex") };
  const deadlineMs = performance.now() + ORPHAN_WAIT_MS;
  while (!(await create(file, mine))) await clearStale(file, mine, deadlineMs);
  return {
    async nameServer(pid) {
      await replace(file, mine, { ...mine, server: processIdentity(pid) });
    },
    async release() {
      if ((await read(file))?.nonce === mine.nonce) await unlink(file);
    },
  };
}

async function clearStale(file: string, mine: LockContent, deadlineMs: number): Promise<void> {
  const held = await read(file);
  if (held === null) return;
  if (isRunning(held.owner)) {
    throw new Fault("NATS_STORE_IN_USE", `the NATS store is in use by the daemon ${held.owner} (${file})`, {
      details: { file, owner: held.owner },
    });
  }
  if (held.server !== null && isRunning(held.server)) {
    if (performance.now() > deadlineMs) {
      throw new Fault("NATS_STORE_IN_USE", `the nats-server ${held.server} of a killed daemon still runs (${file})`, {
        details: { file, server: held.server },
      });
    }
    await delay(20);
    return;
  }
  await discard(file, held, mine);
}

/** Moves a stale lock aside. What was moved is looked at again: if somebody took the lock meanwhile, it is put back. */
async function discard(file: string, stale: LockContent, mine: LockContent): Promise<void> {
  const aside = `${file}.stale-${mine.nonce}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await read(aside))?.nonce !== stale.nonce) await linkIfAbsent(aside, file);
  await unlink(aside);
}

async function create(file: string, content: LockContent): Promise<boolean> {
  const fresh = `${file}.${content.nonce}`;
  await writeFile(fresh, JSON.stringify(content), { mode: 0o600 });
  try {
    return await linkIfAbsent(fresh, file);
  } finally {
    await unlink(fresh);
  }
}

async function replace(file: string, mine: LockContent, next: LockContent): Promise<void> {
  if ((await read(file))?.nonce !== mine.nonce) {
    throw new Fault("NATS_STORE_IN_USE", `the lock of the NATS store was taken away (${file})`, { details: { file } });
  }
  const fresh = `${file}.${mine.nonce}`;
  await writeFile(fresh, JSON.stringify(next), { mode: 0o600 });
  await rename(fresh, file);
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** A lock that cannot be parsed was not written by this code whole, as every write is a link or a rename: it counts as stale. */
async function read(file: string): Promise<LockContent | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (isLockContent(value)) return value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { owner: "", server: null, nonce: "" };
}

function isLockContent(value: unknown): value is LockContent {
  const content = value as Partial<LockContent> | null;
  return typeof content?.owner === "string" && typeof content.nonce === "string";
}
