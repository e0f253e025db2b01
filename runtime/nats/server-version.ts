import { runCommand } from "./run-command.ts";

/** The release that Chorus is measured with (facts/nats.md). */
export const SERVER_VERSION = "2.15.2";

/** The oldest that has what leases need: keys with a time to live, and the markers they leave. */
export const OLDEST_SERVER_VERSION = "2.11.0";

const VERSION_TIMEOUT_MS = 10_000;
const VERSION = /\bv?(\d+)\.(\d+)\.(\d+)/;

/** Asks a binary for its version; null when it cannot be run or says none. */
export async function versionOf(
  binary: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const { code, output } = await runCommand(binary, ["-v"], { env, timeoutMs: VERSION_TIMEOUT_MS });
  const match = code === 0 ? VERSION.exec(output) : null;
  return match === null ? null : match.slice(1, 4).join(".");
}

export function isNewEnough(version: string): boolean {
  const [found, oldest] = [numbersOf(version), numbersOf(OLDEST_SERVER_VERSION)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (found[index] ?? 0) - (oldest[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return version.split(".").map(Number);
}
