import { readdir, readFile } from "node:fs/promises";

/** Linux counts a process's time in hundredths of a second, whatever the kernel's own tick is (proc(5)). */
const MICROS_PER_TICK = 10_000;

/** CPU time that a process and its children have used, in microseconds; null where there is no `/proc`. */
export async function cpuMicros(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
  if (stat === null) return null;
  // The name, in brackets, may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  let micros = (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
  for (const child of await childrenOf(pid)) micros += (await cpuMicros(child)) ?? 0;
  return micros;
}

async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
    const text = await readFile(`/proc/${pid}/task/${thread}/children`, "latin1").catch(() => "");
    children.push(...text.split(" ").filter(Boolean).map(Number));
  }
  return children;
}
