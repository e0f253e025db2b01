import type { Settings } from "../../config/schema.ts";
import { Fault } from "../../protocols/errors.ts";
import { Daemon } from "./daemon.ts";
import { welcome } from "./welcome.ts";

export interface RunDaemonOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Lines for the person who started it. */
  readonly print: (line: string) => void;
}

const STOP_MAX_MS = 9_500;

/**
 * Runs a node until a signal or a fault ends it.
 * @returns the exit code: 0 after a clean stop, 1 after a fault, 2 for settings that cannot work.
 */
export async function runDaemon(settings: Settings, options: RunDaemonOptions): Promise<number> {
  const stopping = Promise.withResolvers<"signal">();
  const onSignal = (): void => stopping.resolve("signal");
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  try {
    const daemon = await startOrNull(settings, options);
    if (typeof daemon === "number") return daemon;
    options.print(welcome(settings, daemon.nodeFile));
    const end = await Promise.race([stopping.promise, daemon.fatal]);
    if (end !== "signal") {
      daemon.log.fatal(
        { event: "fatal", code: end.code, message: end.message, details: end.details },
        "the node cannot go on",
      );
      // Fail-stop: nothing is answered any more; what is durable is found again at the next start (reliability.md 1.5).
      return 1;
    }
    options.print("Chorus is stopping …");
    return await stopWithin(daemon);
  } finally {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
}

async function startOrNull(settings: Settings, options: RunDaemonOptions): Promise<Daemon | number> {
  try {
    return await Daemon.start(settings, { environment: options.environment, onProgress: options.print });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    options.print(`chorus: ${error.message}`);
    return error.code === "CONFIG_INVALID" ? 2 : 1;
  }
}

async function stopWithin(daemon: Daemon): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(() => {
      daemon.log.error(
        { event: "stop-late" },
        "stopping took too long; what is not shipped is shipped at the next start",
      );
      resolve(1);
    }, STOP_MAX_MS);
  });
  const code = await Promise.race([daemon.stop().then(() => 0), late]);
  clearTimeout(timer);
  return code;
}
