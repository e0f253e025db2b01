import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { eventually } from "./daemon-probe.ts";

/** The repository: daemons run in it, as `npm start` does. */
export const REPOSITORY = resolve(import.meta.dirname, "../..");
const COMMAND = join(REPOSITORY, "runtime/cli/chorus.ts");
const READY_MS = 40_000;
const END_MS = 15_000;
/** The guard of a managed nats-server gives it five seconds before it kills. */
const ORPHAN_MS = 10_000;
/** Ports below the range from which the system takes those of outgoing connections, so that a restart finds its own free. */
const PORTS = { first: 12_000, count: 20_000 };

/** What `--ready-file` holds (interfaces.md 1), read as a script would. */
export interface ReadyFile {
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly dataDir: string;
  readonly http: string;
  readonly admin: string;
  readonly adminToken: string;
  readonly nats: string;
  readonly natsCredentials: { readonly operator: string; readonly viewer: string; readonly agent: string };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the signal to the end of the process. */
  readonly ms: number;
}

export interface DaemonOptions {
  /** Options of `chorus start` besides data, ports and ready file. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logLevel?: string;
  /** Same ports at every start, so that tracking URLs outlive a restart; else any free ones. */
  readonly fixedPorts?: boolean;
}

/** A run of the command that ends by itself. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real daemon as a child process, in an empty folder that goes with it. */
export class TestDaemon {
  /** Everything below is removed by `dispose`. */
  readonly folder: string;
  readonly data: string;
  readonly readyFile: string;
  /** What all runs wrote to stdout and stderr. */
  output = "";
  private readonly options: DaemonOptions;
  private readonly http: string;
  private readonly admin: string;
  private child: ChildProcess | undefined;
  private ready: ReadyFile | undefined;

  private constructor(folder: string, options: DaemonOptions, addresses: { http: string; admin: string }) {
    this.folder = folder;
    this.data = join(folder, "data");
    this.readyFile = join(folder, "ready.json");
    this.options = options;
    this.http = addresses.http;
    this.admin = addresses.admin;
  }

  /** Starts a daemon in a new folder and returns once it serves. */
  static async start(options: DaemonOptions = {}): Promise<TestDaemon> {
    const { path: folder } = await temporaryHome();
    const address = async (): Promise<string> => `127.0.0.1:${options.fixedPorts === true ? await freePort() : 0}`;
    const daemon = new TestDaemon(folder, options, { http: await address(), admin: await address() });
    try {
      await daemon.restart();
      return daemon;
    } catch (error) {
      await daemon.dispose();
      throw error;
    }
  }

  /** Of the run under way. */
  get node(): ReadyFile {
    if (this.ready === undefined) throw new Error("the daemon is not serving");
    return this.ready;
  }

  /**
   * Starts on the same folder. @param environment for this run alone.
   * @throws Error with the child's output when it does not serve in time.
   */
  async restart(environment: Readonly<Record<string, string>> = {}): Promise<ReadyFile> {
    this.spawn(environment);
    return this.awaitReady();
  }

  /** Starts without waiting for it to serve. @returns the pid. */
  spawn(environment: Readonly<Record<string, string>> = {}): number {
    if (this.isRunning) throw new Error("the daemon runs already");
    const args = ["start", "--data", this.data, "--http", this.http, "--admin", this.admin];
    args.push("--ready-file", this.readyFile, "--log-level", this.options.logLevel ?? "warn");
    const child = spawn(process.execPath, [COMMAND, ...args, ...(this.options.args ?? [])], {
      cwd: REPOSITORY,
      env: { ...cleanEnvironment(), ...this.options.environment, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    const reap = (): void => void child.kill("SIGKILL");
    process.once("exit", reap);
    child.once("exit", () => process.off("exit", reap));
    this.child = child;
    this.ready = undefined;
    if (child.pid === undefined) throw new Error(`cannot run ${process.execPath}`);
    return child.pid;
  }

  async awaitReady(): Promise<ReadyFile> {
    const child = this.running();
    const pid = child.pid;
    const done = Promise.withResolvers<ReadyFile>();
    const look = (): void => {
      const found = this.readReadyFile();
      // The file of a run that was killed is still there.
      if (found !== undefined && found.pid === pid) done.resolve(found);
    };
    const ended = (): void => done.reject(new Error(`the daemon ended before it served:\n${this.tail()}`));
    const watcher = watch(dirname(this.readyFile), (_event, name) => {
      if (name === basename(this.readyFile)) look();
    });
    const late = setTimeout(
      () => done.reject(new Error(`starting: no ready file of pid ${pid} within ${READY_MS} ms:\n${this.tail()}`)),
      READY_MS,
    );
    child.once("exit", ended);
    try {
      look();
      if (!this.isRunning) ended();
      this.ready = await done.promise;
      return this.ready;
    } finally {
      watcher.close();
      clearTimeout(late);
      child.off("exit", ended);
    }
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** SIGKILL: returns once the process is gone. */
  kill9(): Promise<Ended> {
    return this.end("SIGKILL");
  }

  /** Asks for a clean stop. @throws Error when the process does not end. */
  sigterm(): Promise<Ended> {
    return this.end("SIGTERM");
  }

  /** Pids of nats-servers that run on this data folder. */
  natsServers(): number[] {
    return processesNaming(join(this.data, "nats"))
      .filter(({ command }) => /nats-server$/.test(command))
      .map(({ pid }) => pid);
  }

  /** What `chorus ARGS…` answers about this daemon, run to its end. */
  chorus(...args: string[]): Promise<CommandResult> {
    return runCommand([COMMAND, ...args], { ...this.options.environment, CHORUS_DATA: this.data });
  }

  /** Ends whatever still runs and removes the folder. */
  async dispose(): Promise<void> {
    if (this.isRunning) await this.kill9();
    await eventually("the nats-server of a killed daemon ends", () => this.natsServers(), [], ORPHAN_MS);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  readReadyFile(): ReadyFile | undefined {
    if (!existsSync(this.readyFile)) return undefined;
    return JSON.parse(readFileSync(this.readyFile, "utf8")) as ReadyFile;
  }

  private running(): ChildProcess {
    if (this.child === undefined) throw new Error("the daemon was never started");
    return this.child;
  }

  private async end(signal: NodeJS.Signals): Promise<Ended> {
    const child = this.running();
    const startedMs = performance.now();
    const done = Promise.withResolvers<Ended>();
    const end = (): void =>
      done.resolve({ code: child.exitCode, signal: child.signalCode, ms: Math.round(performance.now() - startedMs) });
    child.once("exit", end);
    const late = setTimeout(
      () => done.reject(new Error(`${signal}: pid ${child.pid} still runs after ${END_MS} ms:\n${this.tail()}`)),
      END_MS,
    );
    try {
      if (!this.isRunning) end();
      else child.kill(signal);
      return await done.promise;
    } finally {
      clearTimeout(late);
    }
  }

  private tail(): string {
    return this.output.slice(-6_000);
  }
}

/** An empty folder for one test. */
export async function temporaryHome(): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "chorus-e2e-")));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** `chorus start` with these options, for starts that must be refused: it ends by itself. */
export function refusedStart(...args: string[]): Promise<CommandResult> {
  return runCommand([COMMAND, "start", ...args], {});
}

/** Runs a script under this Node to its end. */
function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeoutMs = 30_000,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: REPOSITORY,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (written.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
    const late = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(late);
      resolve({ code, ...written });
    });
  });
}

/** The environment without settings that a developer's shell may hold. */
export function cleanEnvironment(): Record<string, string | undefined> {
  const kept = new Set(["CHORUS_NATS_SERVER", "CHORUS_NATS_CLI"]);
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("CHORUS_") || kept.has(name)),
  );
}

/** A port that nobody listens at, outside the range of outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** Running processes whose arguments name a path. */
function processesNaming(path: string): { readonly pid: number; readonly command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      if (args.some((arg) => arg.startsWith(path))) found.push({ pid: Number(name), command: args[0] ?? "" });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
