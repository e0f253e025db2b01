import { spawn } from "node:child_process";

/** TERM, five seconds, then KILL. `read` returns at the end of its stdin: that is when the daemon is gone, however it went. */
const SCRIPT = `read -r _
kill -TERM "$1" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  kill -0 "$1" 2>/dev/null || exit 0
  sleep 0.2
done
kill -KILL "$1" 2>/dev/null`;

export interface OrphanGuard {
  /** Ends the guard; called once its process has ended, before the pid can belong to another. */
  dismiss(): void;
}

/**
 * Starts a small process that ends `pid` when this process is gone, kill -9 included. It lives in a session of its own,
 * so that a terminal's Ctrl-C reaches the daemon alone, which then drains before the server stops.
 */
export function guardAgainstOrphan(pid: number): OrphanGuard {
  const guard = spawn("/bin/sh", ["-c", SCRIPT, "chorus-nats-guard", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => undefined); // no shell: the server runs unguarded, and the store lock still notices it
  guard.stdin.on("error", () => undefined);
  guard.unref();
  return { dismiss: () => void guard.kill("SIGKILL") };
}
