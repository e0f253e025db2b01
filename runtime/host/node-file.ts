import { removeFile, writeAtomically } from "./data-folder.ts";

/** nkey seed files of those who may speak to the managed server from outside. */
export interface NatsCredentials {
  readonly operator: string;
  readonly viewer: string;
  /** For agents outside (D15). */
  readonly agent: string;
}

/** What scripts and the CLI need to reach a node (interfaces.md 1). */
export interface NodeFile {
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly dataDir: string;
  readonly http: string;
  readonly admin: string;
  readonly adminToken: string;
  readonly nats: string;
  /** Null for a server of the operator's own. */
  readonly natsCredentials: NatsCredentials | null;
}

/** Writes the same file where the CLI looks for it and where the operator asked for it. */
export async function announce(files: readonly string[], content: NodeFile): Promise<void> {
  const text = `${JSON.stringify(content, null, 2)}\n`;
  for (const file of files) await writeAtomically(file, text);
}

export async function withdraw(files: readonly string[]): Promise<void> {
  for (const file of files) await removeFile(file);
}
