import { readFileSync } from "node:fs";

/**
 * Names a running process so that a later one with the same pid is not taken for it: boot id, pid and start time in
 * clock ticks. Where there is no /proc the pid alone has to do. Null when no such process runs.
 */
export function processIdentity(pid: number): string | null {
  if (process.platform !== "linux") return answersSignal(pid) ? `-/${pid}/-` : null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name may hold spaces and brackets: fields count from after the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null; // it has ended; its parent has not looked yet
    return `${bootId()}/${pid}/${fields[19] ?? ""}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

/** Whether the very process that `identity` names still runs. */
export function isRunning(identity: string): boolean {
  const pid = Number(identity.split("/")[1]);
  return Number.isSafeInteger(pid) && pid > 0 && processIdentity(pid) === identity;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
