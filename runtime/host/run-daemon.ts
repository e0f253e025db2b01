import type { Settings } from "../../config/schema.ts";
import { Fault } from "../../protocols/errors.ts";
import { Daemon } from "./daemon.ts";
import { growHeapsLate } from "./heap-growth.ts";
import { welcome } from "./welcome.ts";

export interface RunDaemonOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Lines for the person who started it. */
  readonly print: (line: string) => void;
  /** Why it could not start. */
  readonly complain: (line: string) => void;
}

const STOP_MAX_MS = 9_500;

/**
 * Runs a node until a signal, an operator (`chorus control drain`) or a fault ends it.
 * @returns the exit code: 0 after a clean stop, 1 after a fault, 2 for settings that cannot work.
 */
export async function runDaemon(settings: Settings, options: RunDaemonOptions): Promise<number> {
  growHeapsLate();
  const stopping = Promise.withResolvers<undefined>();
  const onSignal = (): void => stopping.resolve(undefined);
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // A closed terminal; reloading comes with a later release.
  process.on("SIGHUP", onSignal);
  try {
    const daemon = await startOrNull(settings, options);
    if (typeof daemon === "number") return daemon;
    options.print(welcome(settings, daemon.nodeFile));
    const end = await Promise.race([stopping.promise, daemon.drained, daemon.fatal]);
    if (end !== undefined) {
      daemon.log.fatal(
        { event: "fatal", code: end.code, message: end.message, details: end.details },
        "the node cannot go on",
      );
      // Fail-stop: what is durable is found again at the next start (reliability.md 1.5).
      await stopWithin(daemon);
      return 1;
    }
    options.print("Chorus is stopping …");
    return await stopWithin(daemon);
  } finally {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
    process.off("SIGHUP", onSignal);
  }
}

async function startOrNull(settings: Settings, options: RunDaemonOptions): Promise<Daemon | number> {
  try {
    return await Daemon.start(settings, { environment: options.environment, onProgress: options.print });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    options.complain(`chorus: ${error.message}`);
    return error.code === "CONFIG_INVALID" ? 2 : 1;
  }
}

/**
 * Stops, or ends the process the hard way when that takes too long: `process.exit` would wait for ever for a thread inside an LMDB
 * transaction (facts/faults.md 2a.4), and being killed loses nothing that was acknowledged.
 */
async function stopWithin(daemon: Daemon): Promise<number> {
  const timer = setTimeout(() => {
    daemon.log.fatal(
      { event: "stop-late" },
      "stopping takes too long: ending at once; the next start ships what is missing",
    );
    process.kill(process.pid, "SIGKILL");
  }, STOP_MAX_MS);
  await daemon.stop();
  clearTimeout(timer);
  return 0;
}
