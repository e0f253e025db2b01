import { CommandFailure, EXIT } from "./exit-code.ts";

/** What a command sees of the process that runs it. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** One line or more to standard output. */
  print(text: string): void;
  /** One line or more to standard error. */
  complain(text: string): void;
  /** All of standard input. */
  input(): Promise<Uint8Array>;
}

const INPUT_BYTES_MAX = 64 * 1024 * 1024;

export function processTerminal(): Terminal {
  // `chorus … | head` closes the pipe early, which is no fault.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return {
    environment: process.env,
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    async input() {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
        bytes += chunk.byteLength;
        if (bytes > INPUT_BYTES_MAX)
          throw new CommandFailure(EXIT.usage, `more than ${INPUT_BYTES_MAX} bytes on standard input`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
}
