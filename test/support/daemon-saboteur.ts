import { createRequire, syncBuiltinESMExports } from "node:module";
import { isMainThread, type Worker } from "node:worker_threads";

/*
 * Loaded into a daemon by `node --import`: SIGUSR2 ends the threads that run one of its worker files, as a crash of theirs would, because
 * nothing outside a process can. SABOTAGE names the file.
 */

const target = process.env["SABOTAGE"];

if (isMainThread && target !== undefined) {
  const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof Worker };
  const running = new Set<Worker>();
  threads.Worker = class extends threads.Worker {
    // Piscina tells a new thread with its first message which file it is for.
    override postMessage(...args: Parameters<Worker["postMessage"]>): void {
      const { filename } = args[0] as { readonly filename?: unknown };
      if (typeof filename === "string" && filename.includes(target)) {
        running.add(this);
        this.once("exit", () => running.delete(this));
      }
      super.postMessage(...args);
    }
  };
  syncBuiltinESMExports();
  process.on("SIGUSR2", () => {
    for (const worker of running) void worker.terminate();
  });
}
