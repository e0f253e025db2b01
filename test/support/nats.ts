import { mkdtemp, rm } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { type ManagedServer, startManagedServer } from "../../runtime/nats/managed-server.ts";
import { findServerBinary } from "../../runtime/nats/server-binary.ts";

const binary = await findServerBinary(process.env);

/** Runs a suite that needs a real nats-server. Without one it is skipped with a reason, or fails under REQUIRE_NATS=1. */
export function describeWithNats(name: string, suite: () => void): void {
  if (binary !== null) {
    describe(name, suite);
    return;
  }
  const reason = "no nats-server: set CHORUS_NATS_SERVER, or put one of 2.11 or newer on the PATH";
  if (process.env["REQUIRE_NATS"] === "1") throw new Error(reason);
  console.info(`skipped: ${reason}`);
  describe.skip(`${name} (no nats-server)`, suite);
}

/** The same for suites that run the `nats` CLI: CHORUS_NATS_CLI names it. */
export function describeWithNatsCli(name: string, suite: () => void): void {
  if (process.env["CHORUS_NATS_CLI"] !== undefined) {
    describeWithNats(name, suite);
    return;
  }
  const reason = "no nats CLI: set CHORUS_NATS_CLI";
  if (process.env["REQUIRE_NATS"] === "1") throw new Error(reason);
  console.info(`skipped: ${reason}`);
  describe.skip(`${name} (no nats CLI)`, suite);
}

export interface TestNats extends ManagedServer {
  /** The folder of the server's store. */
  readonly storeDir: string;
  /** Starts another server on the same store, port and credentials; the first must have ended. */
  restart(): Promise<TestNats>;
  /** Ends the server and removes its folder. */
  readonly stop: () => Promise<void>;
}

/** Path of the nats-server under test. Only inside `describeWithNats`. */
export function natsBinary(): string {
  if (binary === null) throw new Error("no nats-server: use describeWithNats");
  return binary.path;
}

/** Starts a managed server on a free port in a temporary folder. */
export async function startNats(): Promise<TestNats> {
  return startIn(await temporaryFolder(), 0);
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "chorus-nats-"));
}

async function startIn(folder: string, port: number): Promise<TestNats> {
  const storeDir = join(folder, "store");
  const server = await startManagedServer({
    binary: natsBinary(),
    storeDir,
    port,
    credentialsDir: join(folder, "credentials"),
    onLine: () => undefined,
  });
  return {
    ...server,
    storeDir,
    restart: () => startIn(folder, server.port),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real `nats` CLI against a server; `seedFile` null means without credentials. Never throws for its exit code. */
export function natsCli(url: string, seedFile: string | null, args: readonly string[]): Promise<CliResult> {
  const credentials = seedFile === null ? [] : ["--nkey", seedFile];
  return new Promise((resolve) => {
    const child = execFile(
      process.env["CHORUS_NATS_CLI"] ?? "nats",
      ["--server", url, ...credentials, "--timeout", "1s", ...args],
      { timeout: 20_000 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
    child.stdin?.end();
  });
}
