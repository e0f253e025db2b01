import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Fault } from "../../protocols/errors.ts";
import { guardAgainstOrphan } from "./orphan-guard.ts";
import { ensureRoleKeys, type Role } from "./roles.ts";
import { writeServerConfig } from "./server-config.ts";
import { awaitReady, type Endpoints, forgetEndpoints } from "./server-readiness.ts";
import { lockStore, type StoreLock } from "./store-lock.ts";
import { verifySyncAlways } from "./sync-check.ts";

/**
 * Owns one nats-server on loopback beside the daemon: its store lock, credentials, configuration and end.
 * Does not own restarts: `exited` tells, and the daemon's supervisor decides.
 * S1 at most one server runs on a store folder. S2 it syncs every write, or start fails. S3 it outlives neither `stop`
 * nor the daemon.
 */
const STOP_TIMEOUT_MS = 5_000; // of the ten seconds a drain may take; a stop needs 0.07 s as a rule (facts/nats.md)
const START_TIMEOUT_MS = 60_000;
const LAST_LINES = 20;
const MAX_FILE_STORE_BYTES = 64 * 2 ** 30;

export interface ManagedServerOptions {
  /** Path of a nats-server, 2.11 or newer: see `resolveServerBinary`. */
  readonly binary: string;
  readonly storeDir: string;
  /** Client port on loopback; 0 means any free one. */
  readonly port: number;
  /** Where the seed files of the roles are kept, mode 0600; made on the first start. */
  readonly credentialsDir: string;
  /** Receives each line that the server logs. */
  readonly onLine: (line: string) => void;
  /** Bound on all streams together, in bytes; 64 GiB by default. Publishes are refused above it, never dropped. */
  readonly maxFileStoreBytes?: number;
  /** How long a start may take, 60 s by default: a large store is read on start. */
  readonly startTimeoutMs?: number;
  /** How long `stop` waits before it kills, 5 s by default. */
  readonly stopTimeoutMs?: number;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ManagedServer {
  /** `nats://127.0.0.1:4222` */
  readonly url: string;
  /** The server's own HTTP monitor, on loopback and any free port. */
  readonly monitorUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  /** nkey seed files by role. */
  readonly credentials: Readonly<Record<Role, string>>;
  /** Ends the server and waits for it: TERM, after `stopTimeoutMs` KILL. Safe to repeat. */
  readonly stop: () => Promise<void>;
  /** Resolves when the server has ended, whoever ended it, and its store is free again. */
  readonly exited: Promise<ServerExit>;
}

/**
 * Starts a server and returns once it serves and has proven that it syncs every write.
 * @throws Fault `NATS_STORE_IN_USE`, `NATS_PORT_TAKEN`, `NATS_START_FAILED` with the server's last lines, or
 * `NATS_SYNC_NOT_ALWAYS`; nothing is left running then.
 */
export async function startManagedServer(options: ManagedServerOptions): Promise<ManagedServer> {
  await mkdir(options.storeDir, { recursive: true, mode: 0o700 });
  const storeDir = await realpath(options.storeDir);
  const lock = await lockStore(storeDir);
  try {
    if (options.port !== 0) await refuseTakenPort(options.port);
    const keys = await ensureRoleKeys(options.credentialsDir);
    const endpointsDir = await forgetEndpoints(storeDir);
    const configFile = join(storeDir, "nats-server.conf");
    await writeServerConfig(configFile, {
      serverName: "chorus",
      port: options.port,
      portsDir: endpointsDir,
      storeDir, // the server makes a folder `jetstream` in it
      maxFileStoreBytes: options.maxFileStoreBytes ?? MAX_FILE_STORE_BYTES,
      publicKeys: keys.publicKeys,
    });
    const child = await launch(options, configFile, lock);
    return await serving(child, endpointsDir, keys.seedFiles, options.startTimeoutMs ?? START_TIMEOUT_MS);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface RunningChild {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** The last lines it logged, oldest first. */
  readonly lastLines: readonly string[];
  readonly stop: () => Promise<void>;
}

async function launch(options: ManagedServerOptions, configFile: string, lock: StoreLock): Promise<RunningChild> {
  // An own session, as for the guard; an empty environment, so that nothing of the daemon's leaks into it.
  const child = spawn(options.binary, ["-c", configFile], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: {},
  });
  const ended = new Promise<ServerExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
      options.onLine(line);
    });
  }
  const pid = child.pid;
  if (pid === undefined) {
    await ended;
    throw new Fault("NATS_START_FAILED", `cannot run ${options.binary}`, { details: { binary: options.binary } });
  }
  const guard = guardAgainstOrphan(pid);
  const exited = ended.then(async (exit) => {
    guard.dismiss();
    await lock.release();
    return exit;
  });
  await lock.nameServer(pid).catch(async (error: unknown) => {
    child.kill("SIGKILL");
    await exited;
    throw error;
  });
  return { pid, exited, lastLines, stop: () => end(child, exited, options.stopTimeoutMs ?? STOP_TIMEOUT_MS) };
}

async function serving(
  child: RunningChild,
  endpointsDir: string,
  credentials: Readonly<Record<Role, string>>,
  timeoutMs: number,
): Promise<ManagedServer> {
  const abandoned = new AbortController();
  try {
    const ready = awaitReady(endpointsDir, timeoutMs, abandoned.signal);
    const endpoints: Endpoints = await Promise.race([ready, failed(child)]);
    const { version } = await verifySyncAlways(endpoints.monitorUrl);
    const { pid, exited } = child;
    return { ...endpoints, pid, version, credentials, exited, stop: child.stop };
  } catch (error) {
    abandoned.abort();
    await child.stop();
    throw error;
  }
}

async function failed(child: RunningChild): Promise<never> {
  const { code, signal } = await child.exited;
  const why = child.lastLines.join("\n");
  throw new Fault("NATS_START_FAILED", `nats-server ended on start (${signal ?? code ?? "not run"}):\n${why}`, {
    details: { code, signal },
  });
}

async function end(child: ChildProcess, exited: Promise<ServerExit>, timeoutMs: number): Promise<void> {
  child.kill("SIGTERM");
  const forced = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await exited;
  clearTimeout(forced);
}

/** Says which port is taken before the server is started; the server itself would only log it. */
function refuseTakenPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause) => {
      const message = `port ${port} on 127.0.0.1 is taken: NATS cannot listen there`;
      reject(new Fault("NATS_PORT_TAKEN", message, { details: { port }, cause }));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
