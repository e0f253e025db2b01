import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { versionOf } from "./server-version.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** `${XDG_CACHE_HOME:-~/.cache}/chorus/nats-server`; null when neither variable is set. */
export function cacheFolder(env: Environment): string | null {
  const base = env["XDG_CACHE_HOME"] ?? (env["HOME"] === undefined ? undefined : join(env["HOME"], ".cache"));
  return base === undefined || base === "" ? null : join(base, "chorus", "nats-server");
}

export function cachedBinary(folder: string, version: string): string {
  return join(folder, version, "nats-server");
}

/** Runs `use` with a folder of its own inside the cache, so that what it makes can be renamed into place; removes it after. */
export async function withScratchFolder<T>(folder: string, use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = join(folder, `.new-${process.pid}-${randomBytes(6).toString("hex")}`);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    return await use(scratch);
  } finally {
    // The Go client makes its module cache read-only.
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Takes a binary into the cache once it has proven that it runs and is the version it should be. Processes that do so at
 * the same time each rename a whole file over the other's.
 */
export async function adoptBinary(
  folder: string,
  made: string,
  version: string,
  scratch: string,
  env: Environment,
): Promise<string> {
  const whole = join(scratch, "adopted");
  await copyFile(made, whole);
  await chmod(whole, 0o755);
  const found = await versionOf(whole, env);
  if (found !== version) throw new Error(`it says that it is version ${found ?? "none"}, not ${version}`);
  const target = cachedBinary(folder, version);
  await mkdir(join(folder, version), { recursive: true });
  await rename(whole, target);
  return target;
}
