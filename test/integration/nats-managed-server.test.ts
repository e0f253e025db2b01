import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { connectNats } from "../../runtime/nats/connect.ts";
import { type ManagedServer, startManagedServer } from "../../runtime/nats/managed-server.ts";
import { isRunning, processIdentity } from "../../runtime/nats/process-identity.ts";
import { awaitReady } from "../../runtime/nats/server-readiness.ts";
import { verifySyncAlways } from "../../runtime/nats/sync-check.ts";
import { describeWithNats, natsBinary, temporaryFolder } from "../support/nats.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function folder(): Promise<string> {
  const path = await temporaryFolder();
  undo.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(base: string, overrides: { port?: number; stopTimeoutMs?: number } = {}): Promise<ManagedServer> {
  const server = await startManagedServer({
    binary: natsBinary(),
    storeDir: join(base, "store"),
    credentialsDir: join(base, "credentials"),
    port: 0,
    onLine: () => undefined,
    ...overrides,
  });
  undo.push(() => server.stop());
  return server;
}

describeWithNats("a managed nats-server", () => {
  test("serves its node, syncs every write, and ends when told", async () => {
    const server = await start(await folder());
    const connection = await connectNats({
      servers: server.url,
      name: "test",
      seedFile: server.credentials.node,
      role: "node",
    });
    expect(connection.info?.max_payload).toBe(8 * 2 ** 20);
    await expect(verifySyncAlways(server.monitorUrl)).resolves.toEqual({ version: server.version });
    await connection.close();

    await server.stop();
    await server.stop();
    await expect(server.exited).resolves.toEqual({ code: 0, signal: null });
    expect(processIdentity(server.pid)).toBeNull();
  });

  test("keeps its credentials, mode 0600, and what was stored from one start to the next", async () => {
    const base = await folder();
    const first = await start(base);
    const seed = await readFile(first.credentials.operator, "utf8");
    for (const file of [...Object.values(first.credentials), join(base, "store", "nats-server.conf")]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    await first.stop();

    const second = await start(base, { port: first.port });
    expect(second.port).toBe(first.port);
    await expect(readFile(second.credentials.operator, "utf8")).resolves.toBe(seed);
  });

  test("refuses a second server on the same store while the first runs, and allows it after", async () => {
    const base = await folder();
    const first = await start(base);
    await expect(start(base)).rejects.toMatchObject({ code: "NATS_STORE_IN_USE" });
    expect(processIdentity(first.pid)).not.toBeNull();
    await first.stop();
    await start(base);
  });

  test("takes over the lock of a process that is gone, also when its pid lives on in another", async () => {
    const base = await folder();
    await mkdir(join(base, "store"));
    const lock = join(base, "store", "chorus-store.lock");
    const [boot, pid] = (processIdentity(process.pid) ?? "").split("/");
    await writeFile(lock, JSON.stringify({ owner: `${boot}/${pid}/1`, server: null, nonce: "older" }));
    await start(base);
    expect(JSON.parse(await readFile(lock, "utf8"))).toMatchObject({ owner: processIdentity(process.pid) });
  });

  test("leaves no orphan when its owner gets kill -9, and the store can be used at once", async () => {
    const base = await folder();
    const script = fileURLToPath(new URL("../support/nats-owner.ts", import.meta.url));
    const owner = spawn(process.execPath, [script, natsBinary(), join(base, "store"), join(base, "credentials")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    undo.push(() => owner.kill("SIGKILL"));
    const [line] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
    const { pid } = JSON.parse(line) as { pid: number };
    const orphan = processIdentity(pid);
    expect(orphan).not.toBeNull();

    owner.kill("SIGKILL");
    await once(owner, "exit");
    const next = await start(base); // waits for the orphan, whose pid the lock names
    expect(isRunning(orphan ?? "")).toBe(false);
    expect(processIdentity(next.pid)).not.toBeNull();
  });

  test("tells when the server dies on its own, and the store can be used again", async () => {
    const base = await folder();
    const server = await start(base);
    process.kill(server.pid, "SIGKILL");
    await expect(server.exited).resolves.toEqual({ code: null, signal: "SIGKILL" });
    await start(base, { port: server.port });
  });

  test("kills a server that does not end in time", async () => {
    const server = await start(await folder(), { stopTimeoutMs: 100 });
    process.kill(server.pid, "SIGSTOP");
    await server.stop();
    await expect(server.exited).resolves.toEqual({ code: null, signal: "SIGKILL" });
  });

  test("names a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    undo.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    await expect(start(await folder(), { port })).rejects.toMatchObject({ code: "NATS_PORT_TAKEN", details: { port } });
  });

  test("tells the server's last words when it cannot start, and frees the store", async () => {
    const base = await folder();
    const options = { storeDir: join(base, "store"), credentialsDir: join(base, "credentials"), port: 0 };
    const failing = startManagedServer({ ...options, binary: "/bin/false", onLine: () => undefined });
    await expect(failing).rejects.toMatchObject({ code: "NATS_START_FAILED", details: { code: 1 } });
    const absent = startManagedServer({ ...options, binary: join(base, "absent"), onLine: () => undefined });
    await expect(absent).rejects.toMatchObject({ code: "NATS_START_FAILED" });
    await start(base);
  });

  test("is refused when it does not sync every write", async () => {
    const base = await folder();
    const config = join(base, "lax.conf");
    await writeFile(
      config,
      `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nports_file_dir: "${base}"\njetstream { store_dir: "${base}/lax" }\n`,
    );
    const lax = spawn(natsBinary(), ["-c", config], { stdio: "ignore" });
    undo.push(() => lax.kill("SIGKILL"));
    const { monitorUrl } = await awaitReady(base, 10_000, new AbortController().signal);
    await expect(verifySyncAlways(monitorUrl)).rejects.toMatchObject({ code: "NATS_SYNC_NOT_ALWAYS" });
  });

  test("a monitor that does not answer is no proof", async () => {
    await expect(verifySyncAlways("http://127.0.0.1:9")).rejects.toMatchObject({ code: "NATS_UNAVAILABLE" });
  });
});
