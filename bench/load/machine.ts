import { execFile } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findServerBinary } from "../../runtime/nats/server-binary.ts";

/** Where and with what a result was measured. */
export interface Provenance {
  /** `-dirty` follows when the checkout has changes. */
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryBytes: number };
  readonly node: string;
  readonly natsServer: string;
}

export async function provenance(): Promise<Provenance> {
  const processors = cpus();
  return {
    commit: await commit(),
    machine: { cpu: processors[0]?.model ?? "unknown", cores: processors.length, memoryBytes: totalmem() },
    node: process.version,
    natsServer: (await findServerBinary(process.env))?.version ?? "none",
  };
}

async function commit(): Promise<string> {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  try {
    const { stdout } = await promisify(execFile)("git", ["describe", "--always", "--dirty", "--exclude=*"], { cwd });
    return stdout.trim();
  } catch {
    return "unknown"; // an archive without git
  }
}
