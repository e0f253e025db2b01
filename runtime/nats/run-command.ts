import { spawn } from "node:child_process";

const OUTPUT_MAX_CHARACTERS = 64 * 1024;

export interface CommandResult {
  /** Null when it could not be run, or did not end in time. */
  readonly code: number | null;
  /** What it wrote to both its outputs, the last 64 K characters. */
  readonly output: string;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

/** Runs a command without a shell, bounded in time and output. Never throws: a command that is not there is a result too. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, { env: { ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
    // spawn's own `timeout` goes on running, and keeps the process alive, when the command is not there.
    const overdue = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout.destroy(); // or a grandchild that holds them would keep us waiting
      child.stderr.destroy();
    }, options.timeoutMs);
    const finish = (result: CommandResult): void => {
      clearTimeout(overdue);
      resolve(result);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-OUTPUT_MAX_CHARACTERS);
      });
    }
    child.once("error", (error) => finish({ code: null, output: error.message }));
    child.once("close", (code) => finish({ code, output }));
  });
}

/** The last line that says something: what package clients end their complaints with. */
export function lastLine(output: string): string {
  return output.trim().split("\n").at(-1)?.trim() ?? "";
}
