import { runCommand } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const exitCode = await runCommand(process.argv.slice(2), processTerminal());
// What was printed leaves first; then the process ends, also when a node that failed left threads behind.
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
process.exit(exitCode);
