import { z } from "zod";
import { Fault } from "../../protocols/errors.ts";

const REQUEST_TIMEOUT_MS = 2_000;

const Varz = z.object({
  version: z.string(),
  jetstream: z.object({ config: z.object({ sync_always: z.boolean().optional() }).optional() }).optional(),
});

/**
 * Makes sure that a server syncs every write before it acknowledges it (reliability.md 1, decision 3), by its monitor.
 * @param monitorUrl the server's monitoring endpoint, `http://127.0.0.1:8222`.
 * @throws Fault `NATS_SYNC_NOT_ALWAYS` when it does not, `NATS_UNAVAILABLE` when the monitor does not answer.
 */
export async function verifySyncAlways(monitorUrl: string): Promise<{ version: string }> {
  const varz = await fetchVarz(monitorUrl);
  if (varz.jetstream?.config?.sync_always !== true) {
    throw new Fault("NATS_SYNC_NOT_ALWAYS", `the nats-server at ${monitorUrl} does not sync every write`, {
      details: { monitorUrl, version: varz.version },
    });
  }
  return { version: varz.version };
}

async function fetchVarz(monitorUrl: string): Promise<z.infer<typeof Varz>> {
  try {
    const answer = await fetch(`${monitorUrl}/varz`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    return Varz.parse(await answer.json());
  } catch (cause) {
    throw new Fault("NATS_UNAVAILABLE", `the monitor of nats-server at ${monitorUrl} does not answer`, {
      details: { monitorUrl },
      cause,
    });
  }
}
