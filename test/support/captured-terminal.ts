import type { Terminal } from "../../runtime/cli/terminal.ts";

/** A terminal that keeps what a command says. */
export interface CapturedTerminal extends Terminal {
  readonly printed: () => string;
  readonly complained: () => string;
}

export function capturedTerminal(
  environment: Readonly<Record<string, string>> = {},
  input: Uint8Array = new Uint8Array(0),
): CapturedTerminal {
  const printed: string[] = [];
  const complained: string[] = [];
  return {
    environment,
    print: (text) => void printed.push(text),
    complain: (text) => void complained.push(text),
    input: () => Promise.resolve(input),
    printed: () => printed.join("\n"),
    complained: () => complained.join("\n"),
  };
}
