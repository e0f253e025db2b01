import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The official client for Python, with what reads nkey seeds. `.ci/run` installs the same. */
const VERSION = "2.16.0";
const INSTALL_MS = 60_000;

/** Where it is kept between runs. */
function folder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "chorus", `nats-py-${VERSION}`);
}

/**
 * What PYTHONPATH has to be so that `python3` knows the NATS client; it is installed once, beside the system's own packages.
 * Null where that is not to be had, with the reason printed. @throws Error with the reason under REQUIRE_NATS=1.
 */
export function pythonPath(): string | null {
  const kept = folder();
  try {
    if (!existsSync(kept)) install(kept);
    return kept;
  } catch (error) {
    const reason = `no nats-py for Python: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`;
    if (process.env["REQUIRE_NATS"] === "1") throw new Error(reason, { cause: error });
    console.info(`skipped: ${reason}`);
    return null;
  }
}

/** Built beside its place and moved in, so that two runs at once never see half of it. */
function install(kept: string): void {
  const parent = join(kept, "..");
  mkdirSync(parent, { recursive: true });
  const building = mkdtempSync(join(parent, ".build-"));
  try {
    const patience = ["--retries", "0", "--timeout", "10"]; // offline, the suite should not stand still
    const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...patience, "--target", building];
    execFileSync("python3", [...args, `nats-py[nkeys]==${VERSION}`], { timeout: INSTALL_MS, stdio: "pipe" });
    if (!existsSync(kept)) renameSync(building, kept);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
