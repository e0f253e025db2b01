import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { Fault } from "../../protocols/errors.ts";

const POLL_MS = 10;
const HEALTH_TIMEOUT_MS = 1_000;

const PortsFile = z.object({ nats: z.array(z.string()).min(1), monitoring: z.array(z.string()).min(1) });

export interface Endpoints {
  readonly url: string;
  readonly monitorUrl: string;
  readonly port: number;
}

/** Makes the folder in which the server says where it listens, and drops what earlier servers said. */
export async function forgetEndpoints(storeDir: string): Promise<string> {
  const endpointsDir = join(storeDir, "endpoints");
  await rm(endpointsDir, { recursive: true, force: true });
  await mkdir(endpointsDir, { mode: 0o700 });
  return endpointsDir;
}

/**
 * Waits until the server has said where it listens and reports itself healthy, JetStream included.
 * @param abandoned ends the wait when the server has ended meanwhile.
 * @throws Fault `NATS_START_FAILED` after `timeoutMs`, or when abandoned.
 */
export async function awaitReady(endpointsDir: string, timeoutMs: number, abandoned: AbortSignal): Promise<Endpoints> {
  const deadlineMs = performance.now() + timeoutMs;
  let endpoints: Endpoints | null = null;
  while (performance.now() < deadlineMs && !abandoned.aborted) {
    endpoints ??= await readEndpoints(endpointsDir);
    if (endpoints !== null && (await healthy(endpoints.monitorUrl))) return endpoints;
    await delay(POLL_MS);
  }
  const phase = endpoints === null ? "said nowhere where it listens" : "is not healthy";
  throw new Fault("NATS_START_FAILED", `nats-server ${phase} after ${timeoutMs} ms`, { details: { timeoutMs } });
}

/** The file may be there before it is whole: not parsing means not yet. */
async function readEndpoints(endpointsDir: string): Promise<Endpoints | null> {
  const name = (await readdir(endpointsDir)).find((file) => file.endsWith(".ports"));
  if (name === undefined) return null;
  try {
    const ports = PortsFile.parse(JSON.parse(await readFile(join(endpointsDir, name), "utf8")));
    const [url, monitorUrl] = [ports.nats[0], ports.monitoring[0]];
    if (url === undefined || monitorUrl === undefined) return null;
    return { url, monitorUrl, port: Number(new URL(url).port) };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function healthy(monitorUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${monitorUrl}/healthz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // not listening yet: the caller's deadline decides
  }
}
