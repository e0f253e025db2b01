import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type OpenRtbResponse, readBid } from "../support/client.ts";
import { cleanEnvironment, freePort, type ReadyFile, REPOSITORY, temporaryHome } from "../support/daemon.ts";
import { describeWithNatsCli } from "../support/nats.ts";

const START_MS = 40_000;
const COMMAND_MS = 20_000;
const NEEDED = 3;

let child: ChildProcess | undefined;
let removeHome: (() => Promise<void>) | undefined;

afterEach(async () => {
  // npm, its shell, our launcher and the daemon are one group.
  if (child?.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  await removeHome?.();
});

/** `npm start`; returns what it has printed once it says what to try. */
async function npmStart(environment: Readonly<Record<string, string>>): Promise<string> {
  const started = spawn("npm", ["start"], {
    cwd: REPOSITORY,
    env: { ...cleanEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  child = started;
  let printed = "";
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (printed.includes("Stop with Ctrl-C")) resolve(undefined);
    });
  }
  const late = setTimeout(() => reject(new Error(`npm start printed nothing to try:\n${printed}`)), START_MS);
  started.once("exit", () => reject(new Error(`npm start ended:\n${printed}`)));
  try {
    await promise;
  } finally {
    clearTimeout(late);
  }
  return printed;
}

/** The commands to try, as printed: number, and the lines under it that are no prose. */
function commandsOf(printed: string): string[] {
  const block = printed.slice(printed.indexOf("Try, in another terminal"), printed.indexOf("Stop with Ctrl-C"));
  return block.split("\n").flatMap((line) => (/^ {5}(curl|nats|npx) /.test(line) ? [line.trim()] : []));
}

/** Runs a line as pasted into a shell in the repository, the `nats` CLI on its PATH. */
function paste(line: string): Promise<string> {
  const cli = dirname(process.env["CHORUS_NATS_CLI"] ?? "");
  const env = { ...cleanEnvironment(), PATH: `${cli}:${process.env["PATH"]}` };
  return new Promise((resolve, reject) => {
    execFile("bash", ["-c", line], { cwd: REPOSITORY, env, timeout: COMMAND_MS }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${line}\n${stdout}${stderr}`, { cause: error })),
    );
  });
}

interface InspectedListener {
  readonly kind: string;
  readonly key: string;
  readonly state: { readonly core: { readonly bids: number } };
}

describeWithNatsCli("the first try", () => {
  test(
    "`npm start` prints three things to do, and each does what it says when pasted",
    { timeout: 120_000 },
    async () => {
      const home = await temporaryHome();
      removeHome = home.remove;
      const ports = { http: await freePort(), admin: await freePort() };
      const readyFile = join(home.path, "ready.json");
      const printed = await npmStart({
        CHORUS_DATA: join(home.path, "data"),
        CHORUS_READY_FILE: readyFile,
        CHORUS_HTTP: `127.0.0.1:${ports.http}`,
        CHORUS_ADMIN: `127.0.0.1:${ports.admin}`,
      });
      const commands = commandsOf(printed);
      expect(commands.length).toBeGreaterThanOrEqual(NEEDED);
      const [bid = "", impression = "", ...inspections] = commands;

      const answer = await paste(bid);
      const { received, response } = await readAnswer(answer);
      expect(received.ad.impressionUrls).toHaveLength(1);
      expect(received.ad.mediaFiles[0]?.url).toMatch(/^https:/);
      expect(received.ad.adServingId).toBe(response.bidid);

      expect(await paste(impression)).toMatch(/^HTTP\/1\.1 20[04]/);

      expect(inspections.length).toBeGreaterThan(0);
      for (const inspection of inspections) {
        const listener = JSON.parse(await paste(inspection)) as InspectedListener;
        expect(listener.kind).toBe("listener");
        expect(listener.state.core.bids).toBeGreaterThan(0);
      }
      if (child === undefined) throw new Error("npm start was not run");
      const exited = once(child, "exit");
      process.kill((JSON.parse(readFileSync(readyFile, "utf8")) as ReadyFile).pid, "SIGTERM");
      expect(await exited).toEqual([0, null]);
    },
  );
});

async function readAnswer(text: string) {
  const response = JSON.parse(text) as OpenRtbResponse;
  return { response, received: await readBid(text, "example", response.bidid) };
}
